#include "follow.hpp"

#include <catch2/catch.hpp>

using namespace mysqlproxy::lending;
using namespace mysqlproxy::lending::test;

namespace {

const Told changed{.state_change = true};

}  // namespace

TEST_CASE("A session begins as its login made it") {
  Session session;
  CHECK(session.image().schema == "test");
  CHECK(session.image().variables.at("character_set_client") == "'utf8mb4'");
  CHECK(session.image().variables.at("collation_connection") == "'utf8mb4_general_ci'");
  CHECK(session.pins() == "");
  CHECK(session.follower.value_query() == "");
}

TEST_CASE("Variables are what trackers say") {
  Session session;
  session.query("SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')",
                {.variables = {{"sql_mode", "NO_ZERO_DATE,ANSI_QUOTES"}}, .state_change = true});
  CHECK(session.image().variables.at("sql_mode") == "'NO_ZERO_DATE,ANSI_QUOTES'");
  CHECK(session.pins() == "");
  CHECK(session.follower.value_query() == "");
}

TEST_CASE("Variables that nobody tells of are asked for") {
  Session session(without_trackers);
  session.query("SET SESSION wait_timeout = 10 + 20, @@local.time_zone = '+01:00'");
  CHECK(session.follower.value_query() == "SELECT @@session.time_zone, @@session.wait_timeout");
  const std::vector<ReportedValue> row = {{mysqlwire::FieldType::var_string, {}, "+01:00"},
                                          {mysqlwire::FieldType::longlong, {}, "30"}};
  CHECK(session.follower.take_values(row));
  CHECK(session.image().variables.at("time_zone") == "'+01:00'");
  CHECK(session.image().variables.at("wait_timeout") == "30");
  CHECK(session.follower.value_query() == "");
}

TEST_CASE("A temporary table pins until it is dropped") {
  Session session;
  session.query("CREATE TEMPORARY TABLE a (x INT)", changed);
  session.query("CREATE TEMPORARY TABLE test2.b (x INT)", changed);
  CHECK(session.pins() == "temporary_table");
  session.query("DROP TEMPORARY TABLE a", changed);
  CHECK(session.pins() == "temporary_table");
  session.fail("DROP TABLE test2.b", 1051);
  CHECK(session.pins() == "temporary_table");
  session.query("DROP TABLE test2.b", changed);
  CHECK(session.pins() == "");
}
