#include "proxy/session/kill_statement.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace mysqlproxy;
using Scope = KillStatement::Scope;

namespace {

struct Case {
  const char* sql;
  Scope scope;
  std::uint64_t id;
  bool alone;
};

}  // namespace

TEST_CASE("every form of KILL that names a number is recognised", "[kill]") {
  const Case one = GENERATE(values<Case>({
      {"KILL 5", Scope::connection, 5, true},
      {"kill 5;", Scope::connection, 5, true},
      {"KiLl\t\n5 ; ", Scope::connection, 5, true},
      {"KILL CONNECTION 1073741824", Scope::connection, 1073741824, true},
      {"KILL QUERY 5", Scope::query, 5, true},
      {"KILL HARD 5", Scope::connection, 5, true},
      {"KILL SOFT QUERY 5", Scope::query, 5, true},
      {"kill hard connection 5", Scope::connection, 5, true},
      {"/* why */ KILL /**/ 5", Scope::connection, 5, true},
      {"/*!50001 KILL 5 */", Scope::connection, 5, true},
      {"/*M!100100 KILL QUERY 5 */", Scope::query, 5, true},
      {"# a word\nKILL 5 -- another", Scope::connection, 5, true},
      {"-- a word\nKILL 5", Scope::connection, 5, true},
      {"KILL 18446744073709551615", Scope::connection, 18446744073709551615ULL, true},
      {"KILL 5; SELECT 1", Scope::connection, 5, false},
      {"KILL 5;;", Scope::connection, 5, false},
  }));
  const std::string_view sql = one.sql;
  CAPTURE(sql);
  const auto kill = parse_kill(sql);
  REQUIRE(kill);
  CHECK(kill->scope == one.scope);
  CHECK(kill->id == one.id);
  CHECK(kill->alone == one.alone);
  CHECK(sql.substr(kill->id_offset, kill->id_size) == std::to_string(one.id));
  for (std::size_t size = 0; size <= sql.size(); ++size) CHECK(may_be_kill(sql.substr(0, size)));
}

TEST_CASE("whatever is no KILL of a number is left alone", "[kill]") {
  const std::string sql = GENERATE(values<std::string>({
      "",
      " ",
      "KILL",
      "KILL ",
      "KILL QUERY",
      "KILL 'x'",
      "KILL 5 + 1",
      "KILL 5.0",
      "KILL 5e1",
      "KILL 0x10",
      "KILL -5",
      "KILL @id",
      "KILL USER app",
      "KILL QUERY ID 7",
      "KILLER 5",
      "KILL5",
      "KILL 18446744073709551616",
      "SELECT 'KILL 5'",
      "/* KILL 5 */ SELECT 1",
      "/* KILL 5",
      "--KILL 5",
      "# KILL 5",
      "KILL 5 6",
      "\x80KILL 5",
  }));
  CAPTURE(sql);
  CHECK_FALSE(parse_kill(sql));
}

TEST_CASE("most statements are passed by at their first byte", "[kill]") {
  for (const char* sql : {"SELECT 1", "k", "KI", "insert", "(KILL 5)", "\xff", "KISS"}) {
    CAPTURE(sql);
    const std::string_view text = sql;
    CHECK(may_be_kill(text) == (text == "k" || text == "KI"));
  }
}
