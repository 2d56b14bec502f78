#include "proxy/session/session_ties.hpp"

#include "proxy/rules/mobility.hpp"

#include <mysqlwire/sql/classify.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlproxy;

namespace {

void note(SessionTies& ties, std::string_view sql,
          mysqlwire::Command command = mysqlwire::Command::com_query) {
  Inspection inspection;
  inspection.command = command;
  inspection.text = sql;
  const auto what = mysqlwire::sql::classify(sql, {});
  inspection.what = &what;
  ties.note(inspection);
}

std::string_view tie(std::string_view sql) {
  return rules::tie_to_session(mysqlwire::sql::classify(sql, {}));
}

}  // namespace

TEST_CASE("settings are remembered in order, to be said again", "[session]") {
  SessionTies ties;
  for (const char* sql :
       {"SET NAMES utf8mb4", "select 1", "SET sql_mode = ''", "USE shop", "update t set a = 1"})
    note(ties, sql);
  CHECK_FALSE(ties.bound());
  CHECK(ties.settings() == std::vector<std::string>{"SET NAMES utf8mb4", "SET sql_mode = ''"});
  note(ties, "", mysqlwire::Command::com_reset_connection);
  CHECK(ties.settings().empty());
}

TEST_CASE("what another connection does not have binds a session", "[session]") {
  for (const char* sql :
       {"create temporary table t (a int)", "lock tables t read", "handler t open", "call p()",
        "execute s", "xa start 'x'", "gibberish", "SET GLOBAL max_connections = 5",
        "SET @a = my_function()", "select 1; set @a = 1"}) {
    CAPTURE(sql);
    SessionTies ties;
    note(ties, sql);
    CHECK(ties.bound());
    note(ties, "", mysqlwire::Command::com_reset_connection);
    CHECK_FALSE(ties.bound());
  }
  for (const char* sql : {"create table t (a int)", "select last_insert_id()", "begin", "commit"}) {
    CAPTURE(sql);
    SessionTies ties;
    note(ties, sql);
    CHECK_FALSE(ties.bound());
  }
}

TEST_CASE("a session with very many settings stays where it is", "[session]") {
  SessionTies ties;
  for (std::size_t i = 0; i < SessionTies::most_settings; ++i) note(ties, "SET @a = 1");
  CHECK_FALSE(ties.bound());
  note(ties, "SET @a = 1");
  CHECK(ties.bound());
  SessionTies long_one;
  note(long_one, "SET @a = '" + std::string(SessionTies::most_bytes, 'x') + "'");
  CHECK(long_one.bound());
}

TEST_CASE("a statement that needs its session says why", "[session]") {
  CHECK(tie("select * from t where a = 1").empty());
  CHECK(tie("insert into t values (1)").empty());
  CHECK(tie("select * from t for update").empty());
  CHECK(tie("select @a") == "reads_session");
  CHECK(tie("set names utf8") == "changes_session");
  CHECK(tie("begin") == "begins_transaction");
  CHECK(tie("commit") == "ends_transaction");
  CHECK_FALSE(tie("select my_function(1)").empty());
  CHECK(tie("select 1; select 2") == "several");
  CHECK(tie("gibberish") == "unknown");
}
