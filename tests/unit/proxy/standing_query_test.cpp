#include "proxy/health/standing_query.hpp"

#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <catch2/catch.hpp>

#include <initializer_list>
#include <string_view>
#include <vector>

using namespace mysqlproxy;
using Strings = std::vector<std::string_view>;

namespace {

constexpr std::string_view null = "\xfb";

/// A result set as a server sends it.
TextResult result(const Strings& names, const std::vector<Strings>& rows) {
  mysqlwire::Context context;
  context.capabilities = mysqlwire::Capability::protocol_41;
  TextResult taken(context.capabilities);
  auto step = TextResult::Step::need_more;
  const auto send = [&](auto&& write) {
    REQUIRE(step == TextResult::Step::need_more);
    mysqlwire::Buffer payload;
    mysqlwire::Writer writer(payload);
    write(writer);
    step = taken.on_packet({payload});
  };
  send([&](mysqlwire::Writer& writer) { writer.u8(static_cast<std::uint8_t>(names.size())); });
  for (const std::string_view name : names) {
    send([&](mysqlwire::Writer& writer) {
      mysqlwire::ColumnDefinition41 column;
      column.column_name = name;
      column.encode(writer, context);
    });
  }
  const auto end = [&](mysqlwire::Writer& writer) {
    writer.u8(0xfe);
    writer.u32(0x00020000);
  };
  send(end);
  for (const Strings& row : rows) {
    send([&](mysqlwire::Writer& writer) {
      for (const std::string_view cell : row) {
        if (cell == null)
          writer.u8(0xfb);
        else
          writer.lenenc_bytes(mysqlwire::as_bytes(cell));
      }
    });
  }
  send(end);
  REQUIRE(step == TextResult::Step::done);
  return taken;
}

const Strings old_names{"Slave_IO_Running", "Slave_SQL_Running", "Seconds_Behind_Master"};

}  // namespace

TEST_CASE("read_only is a number or a word", "[health]") {
  for (const auto& [value, writable] : std::initializer_list<std::pair<std::string_view, bool>>{
           {"0", true}, {"OFF", true}, {"1", false}, {"ON", false}, {"NO_LOCK", false}}) {
    Standing standing;
    CHECK(take_read_only(result({"@@global.read_only"}, {{value}}), standing).empty());
    CHECK(standing.writable == writable);
  }
  Standing standing;
  CHECK_FALSE(take_read_only(result({"a"}, {}), standing).empty());
}

TEST_CASE("a replica is as far behind as its slowest source, if all of them run", "[health]") {
  Standing standing;
  SECTION("no replica") {
    CHECK(take_replication(result(old_names, {}), standing).empty());
    CHECK_FALSE(standing.replicating);
    CHECK_FALSE(standing.lag);
  }
  SECTION("by its old names") {
    CHECK(take_replication(result(old_names, {{"Yes", "Yes", "7"}}), standing).empty());
    CHECK(standing.replicating);
    CHECK(standing.lag == std::chrono::seconds(7));
  }
  SECTION("by its new names") {
    const Strings names{"Replica_IO_Running", "Replica_SQL_Running", "Seconds_Behind_Source"};
    CHECK(take_replication(result(names, {{"Yes", "Yes", "0"}}), standing).empty());
    CHECK(standing.lag == std::chrono::seconds(0));
  }
  SECTION("that was further behind before") {
    CHECK(take_replication(result(old_names, {{"Yes", "Yes", "7"}}), standing).empty());
    CHECK(take_replication(result(old_names, {{"Yes", "Yes", "2"}}), standing).empty());
    CHECK(standing.lag == std::chrono::seconds(2));
  }
  SECTION("of two sources") {
    CHECK(take_replication(result(old_names, {{"Yes", "Yes", "3"}, {"Yes", "Yes", "9"}}), standing)
              .empty());
    CHECK(standing.lag == std::chrono::seconds(9));
  }
  SECTION("that does not run") {
    const Strings row = GENERATE(Strings{"Connecting", "Yes", null}, Strings{"Yes", "No", null},
                                 Strings{"Yes", "Yes", null});
    CHECK(take_replication(result(old_names, {{"Yes", "Yes", "3"}, row}), standing).empty());
    CHECK_FALSE(standing.replicating);
    CHECK_FALSE(standing.lag);
  }
  SECTION("in words that are not known") {
    CHECK_FALSE(take_replication(result({"a"}, {}), standing).empty());
  }
}

TEST_CASE("a node is out of step when its cluster says so", "[health]") {
  Standing standing;
  const auto take = [&](std::string provider, std::string ready, std::string state) {
    const Strings names{"Variable_name", "Value"};
    CHECK(take_cluster(result(names, {{"wsrep_local_state", std::move(state)},
                                      {"wsrep_provider_name", std::move(provider)},
                                      {"wsrep_ready", std::move(ready)}}),
                       standing)
              .empty());
  };
  take("", "OFF", "0");
  CHECK_FALSE(standing.clustered);
  CHECK_FALSE(standing.out_of_step);
  CHECK_FALSE(standing.unsynced);
  take("Galera", "OFF", "1");
  CHECK(standing.clustered);
  CHECK(standing.out_of_step);
  CHECK_FALSE(standing.unsynced);
  // A donor, or desynced, and one that has not caught up.
  for (const char* state : {"2", "3"}) {
    take("Galera", "ON", state);
    CHECK_FALSE(standing.out_of_step);
    CHECK(standing.unsynced);
  }
  take("Galera", "ON", "4");
  CHECK(standing.clustered);
  CHECK_FALSE(standing.out_of_step);
  CHECK_FALSE(standing.unsynced);
}

TEST_CASE("each server is asked in its own words", "[health]") {
  const auto query = [](std::string_view version) {
    mysqlwire::ServerGreeting greeting;
    greeting.server_version = version;
    return replication_query(greeting);
  };
  CHECK(query("5.5.5-10.11.6-MariaDB") == "SHOW ALL SLAVES STATUS");
  CHECK(query("8.0.15") == "SHOW SLAVE STATUS");
  CHECK(query("8.4.3") == "SHOW REPLICA STATUS");
}

TEST_CASE("the threads of a server are counted", "[health]") {
  const auto status =
      result({"Variable_name", "Value"}, {{"Threads_connected", "12"}, {"Threads_running", "3"}});
  const auto most = result({"@@global.max_connections"}, {{"151"}});
  Threads threads;
  CHECK(take_threads(status, most, threads).empty());
  CHECK(threads == Threads{.connected = 12, .running = 3, .most = 151});
  CHECK_FALSE(take_threads(most, most, threads).empty());
  CHECK_FALSE(take_threads(result({"a", "b"}, {}), most, threads).empty());
}
