#include "follow.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mysqlproxy::lending;
using namespace mysqlproxy::lending::test;

namespace {

SessionImage login(std::string_view schema = "test", const ServerTraits& server = mysql_8) {
  return initial_image(mysqlwire::collations::utf8mb4_general_ci, schema, {}, server);
}

std::vector<std::string> commands(const Plan& plan) {
  std::vector<std::string> texts;
  for (const Buffer& command : plan.commands) {
    const std::string text(mysqlwire::as_text(command).substr(1));
    switch (static_cast<Command>(command[0])) {
      case Command::com_query: texts.push_back(text); break;
      case Command::com_init_db: texts.push_back("schema " + text); break;
      case Command::com_reset_connection: texts.push_back("reset" + text); break;
      default: texts.push_back("?");
    }
  }
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("Between equal images there is nothing to do") {
  const Plan plan = difference(login(), login(), mysql_8);
  CHECK(plan.nothing_to_do());
  CHECK_FALSE(plan.resets);
}

TEST_CASE("Only what differs is set") {
  SessionImage has = login();
  SessionImage wanted = login("other");
  has.variables["sql_mode"] = "''";
  has.variables["time_zone"] = "'+01:00'";
  has.last_insert_id = 7;
  wanted.variables["sql_mode"] = "'ANSI_QUOTES'";
  wanted.variables["wait_timeout"] = "100";
  wanted.user_variables["a"] = "5";
  const Plan plan = difference(has, wanted, mysql_8);
  CHECK(plan.possible);
  CHECK_FALSE(plan.resets);
  CHECK(commands(plan) ==
        Texts{"schema other",
              "SET @@session.time_zone=DEFAULT, @@session.sql_mode='ANSI_QUOTES', "
              "@@session.wait_timeout=100, @`a`=5, @@session.last_insert_id=0"});
}

TEST_CASE("A bit that MySQL takes for its opposite") {
  SessionImage has = login();
  has.variables["foreign_key_checks"] = "'OFF'";
  CHECK(commands(difference(has, login(), mysql_8)) ==
        Texts{"SET @@session.foreign_key_checks=@@global.foreign_key_checks"});
}

TEST_CASE("No schema is nothing that can be chosen") {
  CHECK_FALSE(difference(login(), login(""), mysql_8).possible);
  CHECK_FALSE(reset_and_difference(login(), login(""), mysql_8).possible);
  CHECK(difference(login(""), login(""), mysql_8).nothing_to_do());
}

TEST_CASE("A user variable goes away by a reset") {
  SessionImage has = login();
  has.user_variables["a"] = "5";
  has.user_variables["b"] = "6";
  SessionImage wanted = login();
  wanted.user_variables["b"] = "6";
  const Plan plan = difference(has, wanted, mariadb);
  CHECK(plan.resets);
  CHECK(commands(plan) ==
        Texts{"reset",
              "SET @@session.session_track_schema=1, @@session.session_track_state_change=1, "
              "@@session.session_track_system_variables='*', "
              "@@session.session_track_transaction_info='CHARACTERISTICS', "
              "NAMES 'utf8mb4' COLLATE 'utf8mb4_general_ci', @`b`=6"});
  CHECK_FALSE(difference(has, wanted, {Flavor::mariadb, 100108, false}).possible);
  CHECK_FALSE(difference(has, wanted, {Flavor::mysql, 50651, false}).possible);
}

TEST_CASE("Character sets are set in an order in which none undoes another") {
  const SessionImage utf8 = login();
  SessionImage latin1 =
      initial_image(mysqlwire::collations::latin1_swedish_ci, "test", {}, mysql_8);
  CHECK(commands(difference(utf8, latin1, mysql_8)) ==
        Texts{"SET NAMES 'latin1' COLLATE 'latin1_swedish_ci'"});
  // SET NAMES without a collation.
  latin1.variables.erase("names");
  CHECK(commands(difference(utf8, latin1, mysql_8)) ==
        Texts{"SET @@session.character_set_client='latin1', "
              "@@session.character_set_results='latin1', "
              "@@session.character_set_connection='latin1', "
              "@@session.collation_connection='latin1_swedish_ci'"});
  // What column definitions have is of no variable.
  SessionImage unnamed = utf8;
  unnamed.variables.erase("names");
  CHECK(commands(difference(utf8, unnamed, mysql_8)) ==
        Texts{"SET @@session.character_set_results='utf8mb4'"});
  SessionImage bin = utf8;
  bin.variables["collation_connection"] = "'utf8mb4_bin'";
  CHECK(commands(difference(utf8, bin, mysql_8)) ==
        Texts{"SET @@session.collation_connection='utf8mb4_bin'"});
  CHECK(commands(difference(latin1, bin, mysql_8)) ==
        Texts{"SET NAMES 'utf8mb4' COLLATE 'utf8mb4_general_ci', "
              "@@session.collation_connection='utf8mb4_bin'"});
  SessionImage null = utf8;
  null.variables.erase("names");
  null.variables["character_set_results"] = "NULL";
  CHECK(commands(difference(utf8, null, mysql_8)) ==
        Texts{"SET @@session.character_set_results=NULL"});
}

TEST_CASE("Warnings of our own are not left behind") {
  const SessionImage utf8mb3 =
      initial_image(mysqlwire::collations::utf8mb3_general_ci, "test", {}, mysql_8);
  CHECK(utf8mb3.variables.at("character_set_client") == "'utf8'");
  CHECK(commands(difference(login(), utf8mb3, mysql_8)) ==
        Texts{"SET NAMES 'utf8' COLLATE 'utf8_general_ci'", "SELECT 1 FROM (SELECT 1) AS nothing"});
  const SessionImage new_name =
      initial_image(mysqlwire::collations::utf8mb3_general_ci, "test", {}, mariadb);
  CHECK(new_name.variables.at("collation_connection") == "'utf8mb3_general_ci'");
}

TEST_CASE("A schema with other letters is chosen in a character set that has them") {
  const Plan plan = difference(login(), login("gr\xc3\xbcn"), mysql_8);
  CHECK(commands(plan) == Texts{"SET NAMES utf8", "schema gr\xc3\xbcn",
                                "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_general_ci'",
                                "SELECT 1 FROM (SELECT 1) AS nothing"});
}

TEST_CASE("What capabilities set at a login is set again where a reset or DEFAULT would lose it") {
  using mysqlwire::Capability;
  const SessionImage fresh =
      initial_image(mysqlwire::collations::utf8mb4_general_ci, "test",
                    Capability::ignore_space | Capability::interactive, mariadb);
  CHECK(commands(reset_and_difference(fresh, fresh, {Flavor::mariadb, 101119, false})) ==
        Texts{"reset",
              "SET @@session.session_track_schema=1, @@session.session_track_state_change=1, "
              "@@session.session_track_system_variables='*', "
              "@@session.session_track_transaction_info='CHARACTERISTICS', "
              "@@session.sql_mode=CONCAT_WS(',', NULLIF(@@global.sql_mode, ''), "
              "'IGNORE_SPACE'), @@session.wait_timeout=@@global.interactive_timeout, "
              "NAMES 'utf8mb4' COLLATE 'utf8mb4_general_ci'"});
  SessionImage ansi = fresh;
  ansi.variables["sql_mode"] = "'ANSI'";
  CHECK(commands(difference(ansi, fresh, mariadb)) ==
        Texts{"SET @@session.sql_mode=CONCAT_WS(',', NULLIF(@@global.sql_mode, ''), "
              "'IGNORE_SPACE')"});
}

TEST_CASE("A login whose collation the server does not know") {
  CHECK(initial_image(mysqlwire::collations::utf8mb4_0900_ai_ci, "test", {}, mariadb) ==
        SessionImage{.schema = "test"});
  CHECK(initial_image(mysqlwire::collations::utf8mb4_0900_ai_ci, "test", {}, mysql_8)
            .variables.at("names") == "'utf8mb4_0900_ai_ci'");
}

TEST_CASE("Servers without trackers are told nothing of them") {
  CHECK(tracking_statement({Flavor::mysql, 50651, false}) == "");
  CHECK(tracking_statement({Flavor::mariadb, 100108, false}) == "");
  CHECK(tracking_statement(mysql_8).find("OWN_GTID") != std::string::npos);
  CHECK(tracking_statement(mariadb).find("gtid") == std::string::npos);
}
