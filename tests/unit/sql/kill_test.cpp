#include "unit/sql/support.hpp"

#include <mysqlwire/sql/kill.hpp>

#include <catch2/catch.hpp>

using namespace mysqlwire;
using namespace mysqlwire::sql;
using Target = KillStatement::Target;
using Scope = KillStatement::Scope;

namespace {

Dialect mariadb() {
  Dialect dialect;
  dialect.flavor = Flavor::mariadb;
  dialect.version = 101119;
  return dialect;
}

}  // namespace

TEST_CASE("KILL and what it kills") {
  const auto kill = parse_kill("kill /* x */ query 15;", {});
  REQUIRE(kill);
  CHECK(kill->scope == Scope::query);
  CHECK(kill->target == Target::connection_id);
  CHECK(kill->id == 15);
  CHECK(kill->id_offset == 19);
  CHECK(kill->id_size == 2);
  CHECK(kill->alone);
  CHECK_FALSE(parse_kill("kill 1; select 2", {})->alone);
  CHECK(parse_kill("kill hard query id 7", mariadb())->target == Target::query_id);
  CHECK(parse_kill("kill hard query id 7", mariadb())->id == 7);
  CHECK(parse_kill("kill soft user x", mariadb())->target == Target::user);
  CHECK(parse_kill("kill @x", {})->target == Target::expression);
  CHECK(parse_kill("kill 5 + 1", {})->target == Target::expression);
  CHECK(parse_kill("kill 5 + 1", {})->id_size == 0);
}

TEST_CASE("what is no KILL") {
  for (const std::string_view sql :
       {"", "kill", "kill;", "kill query", "select 1", "`kill` 5", "kill 18446744073709551616",
        "kill 'x", "/*!99999 kill 5 */"}) {
    INFO(sql);
    CHECK_FALSE(parse_kill(sql, {}));
  }
}
