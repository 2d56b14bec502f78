#include "proxy/users/account_query.hpp"

#include "proxy/session/text_result.hpp"
#include "proxy/users/refresh_schedule.hpp"

#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/eof_packet.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/row_text.hpp>

#include <catch2/catch.hpp>

using namespace mysqlproxy;
using namespace std::chrono_literals;
using Step = TextResult::Step;

namespace {

const std::string native = "*B69027D44F6E5EDC07F1AEAD1477967B16F28227";

mysqlwire::Context context() {
  mysqlwire::Context context;
  context.capabilities = {mysqlwire::Capability::protocol_41};
  return context;
}

template <class Message>
mysqlwire::Buffer payload(const Message& message) {
  mysqlwire::Buffer out;
  mysqlwire::Writer writer(out);
  message.encode(writer, context());
  return out;
}

Step feed(TextResult& result, const mysqlwire::Buffer& payload) {
  mysqlwire::Packet packet{};
  packet.payload = payload;
  return result.on_packet(packet);
}

mysqlwire::Buffer row(std::initializer_list<mysqlwire::TextRow::Cell> cells) {
  mysqlwire::Buffer out;
  mysqlwire::Writer writer(out);
  mysqlwire::write_text_row(writer, std::vector<mysqlwire::TextRow::Cell>(cells));
  return out;
}

/// A result up to its first row.
TextResult begun(std::uint64_t columns) {
  TextResult result(context().capabilities);
  CHECK(feed(result, payload(mysqlwire::ColumnCount{columns})) == Step::need_more);
  for (std::uint64_t i = 0; i < columns; ++i)
    CHECK(feed(result, payload(mysqlwire::ColumnDefinition41{})) == Step::need_more);
  CHECK(feed(result, payload(mysqlwire::EofPacket{})) == Step::need_more);
  return result;
}

}  // namespace

TEST_CASE("rows of a query are kept", "[users]") {
  TextResult result = begun(2);
  CHECK(feed(result, row({"a", std::nullopt})) == Step::need_more);
  CHECK(feed(result, row({std::string_view("\xfe\xff"), std::string(300, 'x')})) ==
        Step::need_more);
  CHECK(feed(result, payload(mysqlwire::EofPacket{})) == Step::done);
  REQUIRE(result.rows().size() == 2);
  CHECK(result.rows()[0] == TextResult::Row{"a", ""});
  CHECK(result.rows()[1][1].size() == 300);
  CHECK(feed(result, row({"a", "b"})) == Step::failed);
}

TEST_CASE("what is no result ends it", "[users]") {
  SECTION("an ERR, at once or between rows") {
    TextResult result(context().capabilities);
    CHECK(feed(result, payload(mysqlwire::ErrPacket{1142, "42000", "SELECT command denied"})) ==
          Step::failed);
    CHECK(result.code() == 1142);
    CHECK(result.error() == "1142 SELECT command denied");
    TextResult later = begun(1);
    CHECK(feed(later, payload(mysqlwire::ErrPacket{1317, "70100", "x"})) == Step::failed);
  }
  SECTION("an empty packet") {
    TextResult result = begun(1);
    CHECK(feed(result, {}) == Step::failed);
  }
  SECTION("an OK") {
    TextResult result(context().capabilities);
    CHECK(feed(result, {0, 0, 0, 2, 0, 0, 0}) == Step::failed);
  }
  SECTION("a file that is asked for") {
    TextResult result(context().capabilities);
    CHECK(feed(result, {0xfb, '/'}) == Step::failed);
  }
  SECTION("too many columns") {
    TextResult result(context().capabilities);
    CHECK(feed(result, payload(mysqlwire::ColumnCount{65})) == Step::failed);
  }
  SECTION("a row that ends early") {
    TextResult result = begun(2);
    CHECK(feed(result, {1, 'a'}) == Step::failed);
    CHECK_FALSE(result.error().empty());
  }
}

TEST_CASE("rows of MySQL's mysql.user", "[users]") {
  const std::vector<TextResult::Row> rows{
      {"%", "app", "mysql_native_password", native, "ANY", "", "", "", "N", "Y"},
      {"10.%", "app", "auth_socket", "", "", "", "", "", "Y", "N"},
      {"%", "broken", "caching_sha2_password", "$A$005$nonsense", "", "", "", "", "N", "N"},
      {"1.2.3.4/5", "nowhere", "mysql_native_password", native, "", "", "", "", "N", "N"},
      {"localhost", "", "mysql_native_password", "", "", "", "", "", "N", "N"},
      {"short"},
  };
  const auto found = accounts_of(AccountQuery::mysql, rows, "main");
  REQUIRE(found.accounts.size() == 3);
  CHECK(found.unusable == 2);
  CHECK(found.accounts[0].pool == "main");
  CHECK(found.accounts[0].hashes.native);
  CHECK(found.accounts[0].require.kind == TransportRule::Kind::ssl);
  CHECK_FALSE(found.accounts[0].expired);
  CHECK(found.accounts[1].locked);
  CHECK(found.accounts[1].hashes.empty());
  CHECK(found.accounts[1].host.text() == "10.%");
  CHECK(found.accounts[2].hashes.empty());
}

TEST_CASE("rows of MariaDB's mysql.global_priv", "[users]") {
  const std::vector<TextResult::Row> rows{
      {"%", "app",
       "{\"plugin\":\"mysql_native_password\",\"authentication_string\":\"" + native +
           "\",\"account_locked\":true}"},
      {"localhost", "root",
       "{\"plugin\":\"mysql_native_password\",\"authentication_string\":\"invalid\",\"auth_or\":"
       "[{},{\"plugin\":\"unix_socket\"}]}"},
      {"", "a_role", "{\"is_role\":true}"},
      {"%", "damaged", "{"},
  };
  const auto found = accounts_of(AccountQuery::global_priv, rows, "main");
  REQUIRE(found.accounts.size() == 2);
  CHECK(found.accounts[0].locked);
  CHECK(found.accounts[1].name == "root");
  CHECK(found.accounts[1].hashes.empty());
  CHECK(found.unusable == 1);
}

TEST_CASE("accounts are read at an interval, and sooner when asked for", "[users]") {
  RefreshSchedule schedule(60s, 1s);
  CHECK(schedule.wait(5'000) == 0ms);
  schedule.begin(5'000);
  CHECK(schedule.wait(5'000) == 60s);
  CHECK(schedule.wait(64'999) == 1ms);
  CHECK(schedule.wait(70'000) == 0ms);
  schedule.ask();
  CHECK(schedule.wait(5'400) == 600ms);
  CHECK(schedule.wait(6'000) == 0ms);
  CHECK(schedule.wait(9'000) == 0ms);
  schedule.begin(9'000);
  CHECK(schedule.wait(9'000) == 60s);
  SECTION("a pause is no reason to wait for longer than the interval") {
    RefreshSchedule quick(500ms, 1s);
    quick.begin(0);
    quick.ask();
    CHECK(quick.wait(0) == 500ms);
  }
}
