#include "proxy/pool/pool.hpp"

#include "proxy/pool/common_ground.hpp"
#include "proxy/pool/topology.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <map>
#include <vector>

using namespace mysqlproxy;
using Catch::Contains;
using mysqlwire::Capability;
using mysqlwire::Flavor;

namespace {

LogConfig quiet() {
  LogConfig config;
  config.access.clear();
  config.level = LogLevel::error;
  return config;
}

/// Servers of these weights in a pool.
struct Fixture {
  Fixture(Balance balance, std::initializer_list<std::uint32_t> weights) {
    for (const std::uint32_t weight : weights) {
      ServerConfig config;
      config.name = "db" + std::to_string(servers.size() + 1);
      config.weight = weight;
      servers.push_back(std::make_shared<Server>(config, log));
    }
    PoolConfig config;
    config.name = "main";
    config.balance = balance;
    pool.emplace(config, servers);
  }

  std::string order() {
    std::string names;
    for (const auto& server : pool->candidates()) names += server->name() + " ";
    return names;
  }
  std::string first() { return pool->candidates().front()->name(); }

  Log log{quiet()};
  std::vector<std::shared_ptr<Server>> servers;
  std::optional<Pool> pool;
};

std::shared_ptr<const ServerFacts> facts(std::string version, mysqlwire::Capabilities capabilities,
                                         std::uint8_t collation) {
  const bool mariadb = version.find("MariaDB") != std::string::npos;
  return std::make_shared<const ServerFacts>(ServerFacts{
      std::move(version), mariadb ? Flavor::mariadb : Flavor::mysql, capabilities, collation});
}

CommonGround ground_of(std::vector<std::shared_ptr<const ServerFacts>> all,
                       std::string_view version = "") {
  return common_ground(all, version);
}

}  // namespace

TEST_CASE("first_available takes the list's order, and those that are down last", "[pool]") {
  Fixture fixture(Balance::first_available, {1, 1, 1});
  CHECK(fixture.order() == "db1 db2 db3 ");
  fixture.servers[0]->unreachable("gone");
  CHECK(fixture.order() == "db2 db3 ");
  fixture.servers[0]->reached();
  CHECK(fixture.order() == "db1 db2 db3 ");
}

TEST_CASE("least_connections counts in proportion to weight", "[pool]") {
  Fixture fixture(Balance::least_connections, {1, 3});
  std::vector<ServerSlot> slots;
  std::map<std::string, int> got;
  for (int i = 0; i < 40; ++i) {
    const auto server = fixture.pool->candidates().front();
    ++got[server->name()];
    slots.push_back(ServerSlot::take(server));
  }
  CHECK(got["db1"] == 10);
  CHECK(got["db2"] == 30);
  slots.clear();
  CHECK(fixture.servers[1]->connections() == 0);
}

TEST_CASE("round_robin is smooth, by weight, and leaves out who is down", "[pool]") {
  Fixture fixture(Balance::round_robin, {2, 1, 1});
  std::string turns;
  for (int i = 0; i < 8; ++i) turns += fixture.first().back();
  CHECK(turns == "12311231");
  fixture.servers[0]->unreachable("gone");
  turns.clear();
  for (int i = 0; i < 4; ++i) turns += fixture.first().back();
  CHECK((turns == "2323" || turns == "3232"));
  for (const auto& server : fixture.servers) server->unreachable("gone");
  CHECK(fixture.pool->candidates().empty());
}

TEST_CASE("a server that is down is left alone for longer each time, to a limit", "[pool]") {
  Log log(quiet());
  Server server({}, log);
  using std::chrono::milliseconds;
  const std::array<int, 8> waits{500, 1000, 2000, 4000, 8000, 16000, 16000, 16000};
  for (const int wait : waits) {
    const auto before = Server::Clock::now();
    server.unreachable("gone");
    const auto after = Server::Clock::now();
    CHECK_FALSE(server.worth_a_try(before + milliseconds(wait) - milliseconds(1)));
    CHECK(server.worth_a_try(after + milliseconds(wait)));
  }
  CHECK_THAT(server.describe(), Contains(" down since ") && Contains(", gone"));
  server.reached();
  CHECK(server.worth_a_try(Server::Clock::now()));
  CHECK_THAT(server.describe(), Contains(" up"));
  server.unreachable("gone again");
  CHECK(server.worth_a_try(Server::Clock::now() + milliseconds(500)));
}

TEST_CASE("a slot counts its server once, wherever it is moved", "[pool]") {
  Fixture fixture(Balance::first_available, {1, 1});
  const auto& one = *fixture.servers[0];
  const auto& two = *fixture.servers[1];
  {
    ServerSlot slot = ServerSlot::take(fixture.servers[0]);
    ServerSlot moved(std::move(slot));
    CHECK(one.connections() == 1);
    ServerSlot other = ServerSlot::take(fixture.servers[1]);
    other = std::move(moved);
    CHECK(one.connections() == 1);
    CHECK(two.connections() == 0);
    const ServerSlot uncounted = ServerSlot::uncounted(fixture.servers[0]);
    CHECK(one.connections() == 1);
  }
  CHECK(one.connections() == 0);
}

TEST_CASE("clients are shown what every server can do", "[ground]") {
  const mysqlwire::Capabilities all(~0ULL);
  const mysqlwire::Capabilities mysql(0xffffffffULL);
  SECTION("nothing is known yet") {
    const auto ground = ground_of({nullptr});
    CHECK(ground.capabilities.has(Capability::protocol_41));
    CHECK(ground.capabilities.has(Capability::deprecate_eof));
    CHECK_FALSE(ground.capabilities.has(Capability::query_attributes));
    CHECK_FALSE(ground.capabilities.has(Capability::mariadb_stmt_bulk_operations));
    CHECK(ground.collation == 45);
  }
  SECTION("the lowest version, by number") {
    const auto ground =
        ground_of({facts("8.0.36", mysql, 255), facts("8.0.9", mysql, 255), nullptr});
    CHECK(ground.version == "8.0.9");
    CHECK(ground.flavor == Flavor::mysql);
    CHECK(ground.collation == 255);
  }
  SECTION("capabilities that all have, and the proxy implements") {
    mysqlwire::Capabilities fewer = mysql;
    fewer.clear(Capability::deprecate_eof);
    const auto ground = ground_of({facts("8.0.36", mysql, 255), facts("8.0.36", fewer, 45)});
    CHECK_FALSE(ground.capabilities.has(Capability::deprecate_eof));
    CHECK(ground.capabilities.has(Capability::session_track));
    CHECK_FALSE(ground.capabilities.has(Capability::ssl));
    CHECK(ground.collation == 45);
  }
  SECTION("MariaDB's own, which a clear long_password announces") {
    mysqlwire::Capabilities mariadb = all;
    mariadb.clear(Capability::long_password);
    const auto ground = ground_of({facts("5.5.5-10.11.19-MariaDB", mariadb, 45)});
    CHECK(ground.version == "5.5.5-10.11.19-MariaDB");
    CHECK(ground.flavor == Flavor::mariadb);
    CHECK_FALSE(ground.capabilities.has(Capability::long_password));
    CHECK(ground.capabilities.has(Capability::mariadb_stmt_bulk_operations));
  }
  SECTION("a mixed pool is shown as MySQL") {
    mysqlwire::Capabilities mariadb = all;
    mariadb.clear(Capability::long_password);
    const auto ground =
        ground_of({facts("5.5.5-10.11.19-MariaDB", mariadb, 45), facts("8.0.36", mysql, 255)});
    CHECK(ground.version == "8.0.36");
    CHECK(ground.flavor == Flavor::mysql);
    CHECK(ground.capabilities.has(Capability::long_password));
    CHECK_FALSE(ground.capabilities.has(Capability::mariadb_stmt_bulk_operations));
  }
  SECTION("a version of one's own") {
    CHECK(ground_of({facts("8.0.36", mysql, 255)}, "5.7.44-proxy").version == "5.7.44-proxy");
  }
}

TEST_CASE("a reload keeps what is known of servers in the same place", "[topology]") {
  Log log(quiet());
  const auto config = [](std::uint32_t weight, std::uint16_t port) {
    Config made;
    ServerConfig server;
    server.name = "db1";
    server.address.host = "127.0.0.1";
    server.address.port = port;
    server.weight = weight;
    server.tls.mode = TlsMode::disabled;
    made.servers.push_back(server);
    return made;
  };
  const Topology old(config(1, 3306), nullptr, nullptr, log);
  old.servers()[0]->set_facts({"8.0.36", Flavor::mysql, Capability::protocol_41, 45});
  old.servers()[0]->reached();

  const Topology same(config(1, 3306), &old, nullptr, log);
  CHECK(same.servers()[0] == old.servers()[0]);

  const Topology heavier(config(2, 3306), &old, nullptr, log);
  CHECK(heavier.servers()[0] != old.servers()[0]);
  CHECK(heavier.servers()[0]->reachability() == Reachability::up);
  CHECK(heavier.ground("").version == "8.0.36");

  const Topology moved(config(1, 3307), &old, nullptr, log);
  CHECK(moved.servers()[0]->reachability() == Reachability::unknown);
  CHECK_FALSE(moved.servers()[0]->facts());
}

TEST_CASE("a pool of a role uses the servers that have it", "[pool]") {
  Fixture fixture(Balance::first_available, {1, 1, 1});
  PoolConfig config = fixture.pool->config();
  const auto order = [&] {
    Pool pool(config, fixture.servers);
    std::string names;
    for (const auto& server : pool.candidates()) names += server->name() + " ";
    return names;
  };
  const Standing primary{.writable = true};
  const auto replica = [](int lag) {
    return Standing{.replicating = true, .lag = std::chrono::seconds(lag)};
  };
  SECTION("nothing is known yet") {
    config.role = GENERATE(PoolRole::primary, PoolRole::replica);
    CHECK(order().empty());
  }
  SECTION("one primary and two replicas") {
    fixture.servers[0]->set_standing(replica(20));
    fixture.servers[1]->set_standing(primary);
    fixture.servers[2]->set_standing(replica(0));
    config.role = PoolRole::primary;
    CHECK(order() == "db2 ");
    config.role = PoolRole::replica;
    CHECK(order() == "db1 db3 ");
    config.max_lag = std::chrono::seconds(10);
    CHECK(order() == "db3 ");
    config.primary_reads = PrimaryReads::always;
    CHECK(order() == "db3 db2 ");
    config.primary_reads = PrimaryReads::fallback;
    fixture.servers[2]->set_standing({.out_of_step = true});
    CHECK(order() == "db2 ");
    config.primary_reads = PrimaryReads::never;
    CHECK(order().empty());
  }
  SECTION("a session leaves a server that is the primary no more") {
    config.role = PoolRole::primary;
    Pool pool(config, fixture.servers);
    fixture.servers[0]->set_standing(primary);
    fixture.servers[1]->set_standing(replica(0));
    CHECK(pool.primary() == fixture.servers[0]);
    CHECK_FALSE(pool.has_left(*fixture.servers[0]));
    fixture.servers[0]->set_standing({});
    CHECK(pool.has_left(*fixture.servers[0]));
    fixture.servers[1]->set_standing(primary);
    CHECK(pool.has_left(*fixture.servers[0]));
    CHECK_FALSE(pool.has_left(*fixture.servers[1]));
    CHECK_THAT(pool.describe(*fixture.servers[1]), Contains(", primary"));
  }
}
