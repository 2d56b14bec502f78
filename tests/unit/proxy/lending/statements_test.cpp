#include "proxy/lending/statements.hpp"

#include <mysqlwire/wire/stmt.hpp>

#include <catch2/catch.hpp>

using namespace mysqlproxy::lending;

namespace {

SharedImage image(std::string schema, std::string sql_mode = {}) {
  SessionImage made;
  made.schema = std::move(schema);
  if (!sql_mode.empty()) made.variables["sql_mode"] = sql_mode;
  made.user_variables["a"] = "1";
  return std::make_shared<const SessionImage>(std::move(made));
}

}  // namespace

TEST_CASE("sources are the same when a server reads them in the same way", "[lending]") {
  StatementSources sources;
  const auto one = sources.find(image("shop"), "SELECT 1");
  CHECK(one == sources.find(image("shop"), "SELECT 1"));
  CHECK(one != sources.find(image("shop"), "SELECT 2"));
  CHECK(one != sources.find(image("test"), "SELECT 1"));
  CHECK(one != sources.find(image("shop", "'ANSI_QUOTES'"), "SELECT 1"));
  CHECK(one->text == "SELECT 1");
}

TEST_CASE("sources that nobody has any more are forgotten", "[lending]") {
  StatementSources sources;
  const auto kept = sources.find(image("shop"), "SELECT 'kept'");
  for (int i = 0; i < 5000; ++i) sources.find(image("shop"), std::to_string(i));
  CHECK(sources.size() < 2100);
  CHECK(kept == sources.find(image("shop"), "SELECT 'kept'"));
}

TEST_CASE("a connection is made to read as the session did that prepared", "[lending]") {
  StatementSources sources;
  const auto source = sources.find(image("shop", "'ANSI_QUOTES'"), "SELECT 1");
  SessionImage now = *image("test");
  now.variables["time_zone"] = "'+01:00'";
  now.variables["character_set_client"] = "'latin1'";
  const SessionImage then = as_read_by(now, *source);
  CHECK(then.schema == "shop");
  CHECK(then.variables.at("sql_mode") == "'ANSI_QUOTES'");
  CHECK(then.variables.at("time_zone") == "'+01:00'");
  CHECK(then.variables.count("character_set_client") == 0);
  CHECK(then.user_variables == now.user_variables);
}

TEST_CASE("what is prepared on a connection", "[lending]") {
  StatementSources sources;
  PreparedHere here;
  const auto source = sources.find(image("shop"), "SELECT ?");
  ClientStatement one{source};
  ClientStatement two{source};
  CHECK(here.find(one, 1) == nullptr);
  here.add(source, 77);
  REQUIRE(here.find(one, 1) != nullptr);
  CHECK(here.find(one, 1)->server_id == 77);
  CHECK(here.find(two, 2)->server_id == 77);

  SECTION("what has a cursor is nobody else's") {
    here.find(one, 1)->holder = 1;
    one.held = true;
    CHECK(here.find(two, 2) == nullptr);
    here.add(source, 78);
    CHECK(here.find(two, 2)->server_id == 78);
    CHECK(here.find(one, 1)->server_id == 77);
    CHECK(here.let_go(1));
    CHECK_FALSE(here.let_go(1));
  }
  SECTION("what a client holds it has, though another one is free") {
    here.add(source, 78);
    const std::uint32_t free = here.find(one, 1)->server_id;
    const std::uint32_t other = free == 77 ? 78 : 77;
    here.find(one, 1)->holder = 2;
    REQUIRE(here.find(one, 1)->server_id == other);
    here.find(one, 1)->holder = 1;
    one.held = true;
    here.let_go(2);
    CHECK(here.find(one, 1)->server_id == other);
    CHECK(here.find(two, 2)->server_id == free);
  }
  SECTION("the ones used least recently make room, but for those that are held") {
    for (std::size_t i = 1; i < PreparedHere::most; ++i)
      here.add(sources.find(image("shop"), std::to_string(i)),
               static_cast<std::uint32_t>(1000 + i));
    CHECK(here.size() == PreparedHere::most);
    ClientStatement second{sources.find(image("shop"), "1")};
    ClientStatement third{sources.find(image("shop"), "2")};
    REQUIRE(here.find(second, 1) != nullptr);
    here.find(one, 1)->holder = 1;
    one.held = true;
    for (std::size_t i = 3; i < PreparedHere::most; ++i) {
      ClientStatement later{sources.find(image("shop"), std::to_string(i))};
      REQUIRE(here.find(later, 1) != nullptr);
    }
    REQUIRE(here.find(third, 1) != nullptr);
    CHECK(here.make_room() == std::vector<std::uint32_t>{1001});
    CHECK(here.find(second, 1) == nullptr);
    CHECK(here.find(third, 1) != nullptr);
    CHECK(here.find(one, 1) != nullptr);
    CHECK(here.make_room().empty());
  }
  SECTION("after a reset there is nothing") {
    here.clear();
    CHECK(here.find(one, 1) == nullptr);
    CHECK(here.size() == 0);
  }
  SECTION("and nothing of it on another one") {
    PreparedHere there;
    CHECK(there.find(one, 1) == nullptr);
    there.add(source, 5);
    CHECK(there.find(one, 1)->server_id == 5);
    CHECK(here.find(one, 1)->server_id == 77);
  }
}

TEST_CASE("a client's statements", "[lending]") {
  StatementSources sources;
  ClientStatements statements;
  const auto source = sources.find(image("shop"), "SELECT ?");
  constexpr std::uint32_t id = ClientStatements::first_id;
  CHECK(statements.next_id() == id);
  CHECK(statements.find(mysqlwire::last_prepared_statement) == nullptr);
  ClientStatement& first = statements.add({source, 1});
  statements.add({source, 1});
  CHECK(statements.find(id) == &first);
  CHECK(statements.find(id + 2) == nullptr);
  CHECK(statements.find(1) == nullptr);
  CHECK(statements.resolve(mysqlwire::last_prepared_statement) == id + 1);
  CHECK(statements.find(mysqlwire::last_prepared_statement) == statements.find(id + 1));

  SECTION("one that is closed is not found again") {
    CHECK(statements.find(id) == &first);
    statements.close(id);
    CHECK(statements.find(id) == nullptr);
    CHECK(statements.find(id + 1) != nullptr);
    statements.clear();
    CHECK(statements.find(id + 1) == nullptr);
    return;
  }
  CHECK_FALSE(statements.holds_connection());
  statements.hold(first, true);
  statements.hold(first, true);
  CHECK(statements.holds_connection());
  SECTION("until it lets go") { statements.hold(first, false); }
  SECTION("until it is closed") {
    statements.close(id);
    CHECK(statements.find(id) == nullptr);
  }
  SECTION("until all are forgotten") { statements.clear(); }
  CHECK_FALSE(statements.holds_connection());
  CHECK(statements.next_id() == id + 2);
}
