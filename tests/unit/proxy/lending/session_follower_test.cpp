#include "follow.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlproxy::lending;
using namespace mysqlproxy::lending::test;
using mysqlwire::ColumnFlag;
using mysqlwire::FieldType;

TEST_CASE("A session begins as its login made it") {
  Session session;
  CHECK(session.image().schema == "test");
  CHECK(value_of(session, "character_set_client") == "'utf8mb4'");
  CHECK(value_of(session, "collation_connection") == "'utf8mb4_general_ci'");
  CHECK(value_of(session, "names") == "'utf8mb4_general_ci'");
  CHECK(session.pins() == "");
  CHECK(query_of(session) == "");
}

TEST_CASE("A schema that is not ASCII is asked for, since a login has it in any character set") {
  Session session(mysql_8, "gr\xfc\x6e");
  CHECK(query_of(session) == "SELECT HEX(CONVERT(DATABASE() USING utf8))");
  CHECK(answer_values(session, {{FieldType::var_string, {}, "6772C3BC6E"}}));
  CHECK(session.image().schema == "gr\xc3\xbcn");
}

TEST_CASE("Equal images are the same") {
  Session session;
  const SharedImage before = session.follower.image();
  session.query("SET sql_mode = ''", variable("sql_mode", ""));
  const SharedImage after = session.follower.image();
  CHECK(after != before);
  session.query("SET sql_mode=''", variable("sql_mode", ""));
  CHECK(session.follower.image() == after);
  session.select("SELECT 1");
  CHECK(session.follower.image() == after);
}

TEST_CASE("Variables are what trackers say") {
  Session session;
  session.query("SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')",
                variable("sql_mode", "NO_ZERO_DATE,ANSI_QUOTES"));
  CHECK(value_of(session, "sql_mode") == "'NO_ZERO_DATE,ANSI_QUOTES'");
  session.query("SET wait_timeout = 100", variable("wait_timeout", "100"));
  CHECK(value_of(session, "wait_timeout") == "100");
  session.query("SET long_query_time = 1.5", variable("long_query_time", "1.500000"));
  CHECK(value_of(session, "long_query_time") == "1.500000");
  session.query("SET character_set_results = NULL", variable("character_set_results", ""));
  CHECK(value_of(session, "character_set_results") == "NULL");
  CHECK(value_of(session, "names") == "-");
  CHECK(session.pins() == "");
  CHECK(query_of(session) == "");
}

TEST_CASE("The bytes that MySQL 8.0 and MariaDB 10.11 send for SET NAMES, SET sql_mode and USE") {
  Session session;
  session.command("SET NAMES latin1");
  session.answer_hex(
      "000000024000000062001c146368617261637465725f7365745f636c69656e74066c6174696e3100201863686172"
      "61637465725f7365745f636f6e6e656374696f6e066c6174696e31001d156368617261637465725f7365745f7265"
      "73756c7473066c6174696e31020131");
  CHECK(value_of(session, "character_set_client") == "'latin1'");
  CHECK(value_of(session, "character_set_connection") == "'latin1'");
  CHECK(value_of(session, "names") == "-");
  // Nobody tells of the collation.
  CHECK(query_of(session) == "SELECT @@session.collation_connection");
  CHECK(answer_values(session, {{FieldType::var_string, {}, "latin1_swedish_ci"}}));
  CHECK(value_of(session, "collation_connection") == "'latin1_swedish_ci'");
  session.command("USE test");
  session.answer_hex("00000002400000000a01050474657374020131");
  CHECK(session.image().schema == "test");
  CHECK(session.pins() == "");

  Session maria(mariadb);
  maria.command("set names latin1, time_zone='+01:00', sql_mode='', autocommit=1");
  maria.answer_hex(
      "000000024000000091000a0873716c5f6d6f64650000110974696d655f7a6f6e65062b30313a3030000e0a617574"
      "6f636f6d6d6974024f4e001c146368617261637465725f7365745f636c69656e74066c6174696e31001d15636861"
      "7261637465725f7365745f726573756c7473066c6174696e310020186368617261637465725f7365745f636f6e6e"
      "656374696f6e066c6174696e31020131");
  CHECK(value_of(maria, "sql_mode") == "''");
  CHECK(value_of(maria, "time_zone") == "'+01:00'");
  CHECK(value_of(maria, "autocommit") == "'ON'");
  CHECK(query_of(maria) == "SELECT @@session.collation_connection");
}

TEST_CASE("SET NAMES … COLLATE is what column definitions have") {
  Session session;
  session.query("SET NAMES utf8mb4 COLLATE utf8mb4_bin",
                {.variables = {{"character_set_client", "utf8mb4"},
                               {"character_set_connection", "utf8mb4"},
                               {"character_set_results", "utf8mb4"}},
                 .state_change = true});
  CHECK(answer_values(session, {{FieldType::var_string, {}, "utf8mb4_bin"}}));
  CHECK(value_of(session, "names") == "'utf8mb4_bin'");
  CHECK(value_of(session, "collation_connection") == "'utf8mb4_bin'");
  session.query("SET collation_connection = utf8mb4_general_ci",
                variable("collation_connection", "utf8mb4_general_ci"));
  CHECK(value_of(session, "names") == "'utf8mb4_bin'");
}

TEST_CASE("SET NAMES DEFAULT has the server's own collation") {
  Session session;
  const Told told{.variables = {{"character_set_client", "latin1"},
                                {"character_set_connection", "latin1"},
                                {"character_set_results", "latin1"}},
                  .state_change = true};
  session.query("SET NAMES DEFAULT", told);
  CHECK(value_of(session, "names") == "-");
  const ReportedValue german{FieldType::var_string, {}, "latin1_german1_ci"};
  CHECK(answer_values(session, {german}));
  CHECK(value_of(session, "names") == "'latin1_german1_ci'");
  // Too late to ask.
  session.query("SET NAMES DEFAULT", told);
  session.query("SET collation_connection = latin1_bin",
                variable("collation_connection", "latin1_bin"));
  CHECK(session.pins() == "unknown_change");
}

TEST_CASE("Variables that nobody tells of are asked for") {
  Session session(without_trackers);
  session.query("SET SESSION wait_timeout = 10 + 20, @@local.time_zone = '+01:00'");
  CHECK(query_of(session) == "SELECT @@session.time_zone, @@session.wait_timeout");
  CHECK(answer_values(session,
                      {{FieldType::var_string, {}, "+01:00"}, {FieldType::longlong, {}, "30"}}));
  CHECK(value_of(session, "time_zone") == "'+01:00'");
  CHECK(value_of(session, "wait_timeout") == "30");
  CHECK(query_of(session) == "");
  session.query("SET SESSION TRANSACTION READ ONLY");
  CHECK(query_of(session) == "SELECT @@session.tx_isolation, @@session.tx_read_only");
}

TEST_CASE("What a statement other than SET reports may have been taken back") {
  Session session;
  session.query("INSERT INTO t VALUES (1)", {.variables = {{"sql_mode", "ANSI"}}});
  CHECK(query_of(session) == "SELECT @@session.sql_mode");
  CHECK(value_of(session, "sql_mode") == "-");
}

TEST_CASE("Variables that are no settings") {
  Session session(mariadb);
  session.query("INSERT INTO t VALUES (1)", {.variables = {{"last_gtid", "0-1-15"}}});
  CHECK(session.follower.last_gtid() == "0-1-15");
  CHECK(query_of(session) == "");
  session.query("SET last_insert_id = 9", variable("last_insert_id", "9"));
  CHECK(query_of(session) == "SELECT LAST_INSERT_ID()");
  CHECK(answer_values(session, {{FieldType::longlong, ColumnFlag::unsigned_, "9"}}));
  CHECK(session.image().last_insert_id == 9);
  CHECK(session.pins() == "");
  session.query("SET insert_id = 1000", variable("insert_id", "1000"));
  CHECK(session.pins() == "one_shot");
  session.command("", Command::com_reset_connection);
  session.ok();
  CHECK(session.pins() == "");
  session.query("SET session_track_schema = 0", variable("session_track_schema", "OFF"));
  CHECK(session.pins() == "tracking");
}

TEST_CASE("MySQL tells of GTIDs by an item of their own") {
  Session session;
  session.command("INSERT INTO t(v) VALUES (1)");
  session.answer_hex(
      "00010000400000002b0329002762613630316337352d653563322d313166312d393662312d3032666330"
      "303030303030313a3130");
  CHECK(session.follower.last_gtid() == "ba601c75-e5c2-11f1-96b1-02fc00000001:10");
  CHECK(session.pins() == "");
}

TEST_CASE("The time of the session is what the text says") {
  Session session;
  session.query("SET timestamp = 100.5", variable("timestamp", "100.500000"));
  CHECK(value_of(session, "timestamp") == "100.5");
  // Servers report the value from before.
  session.query("SET timestamp = DEFAULT", variable("timestamp", "100.500000"));
  CHECK(value_of(session, "timestamp") == "-");
  session.query("SET timestamp = 100", variable("timestamp", "100.000000"));
  session.query("SET timestamp = 0", variable("timestamp", "100.000000"));
  CHECK(value_of(session, "timestamp") == "-");
  CHECK(session.pins() == "");
  session.query("SET timestamp = @t", variable("timestamp", "100.000000"));
  CHECK(session.pins() == "one_shot");
}

TEST_CASE("A variable with two names is there once") {
  Session session(ServerTraits{Flavor::mysql, 50744, true});
  session.query("SET tx_isolation = 'SERIALIZABLE'", variable("tx_isolation", "SERIALIZABLE"));
  session.query("SET transaction_isolation = 'READ-COMMITTED'",
                variable("transaction_isolation", "READ-COMMITTED"));
  CHECK(value_of(session, "tx_isolation") == "-");
  CHECK(value_of(session, "transaction_isolation") == "'READ-COMMITTED'");
}

TEST_CASE("Settings that bind a session to its connection") {
  for (const auto& [name, value] : std::initializer_list<std::pair<std::string, std::string>>{
           {"sql_auto_is_null", "ON"},
           {"profiling", "ON"},
           {"collation_database", "utf8mb4_bin"},
           {"character_set_results", "utf16"}}) {
    Session session;
    session.query("SET " + name + " = 1", variable(name, value));
    CHECK(session.pins() == "unknown_change");
  }
  Session session;
  session.query(
      "SET sql_auto_is_null = 0, profiling = 0",
      {.variables = {{"sql_auto_is_null", "OFF"}, {"profiling", "OFF"}}, .state_change = true});
  CHECK(session.pins() == "");
  session.query("SET ROLE admin");
  CHECK(session.pins() == "unknown_change");
}

TEST_CASE("User variables of literals need not be asked for") {
  Session session;
  session.query("SET @a = 5, @`B` := -7, @c = NULL, @d = 'it is'", changed);
  CHECK(user_value_of(session, "a") == "5");
  CHECK(user_value_of(session, "b") == "-");
  CHECK(user_value_of(session, "c") == "-");
  CHECK(user_value_of(session, "d") == "_utf8mb4 X'6974206973' COLLATE utf8mb4_general_ci");
  // Written by := it may have been written again.
  CHECK(query_of(session) ==
        "SELECT IF(0, @`b`, NULL), LEFT(@`b`, 100), HEX(LEFT(@`b`, 4097)), CHARSET(@`b`), "
        "COLLATION(@`b`)");
  CHECK(session.pins() == "");
}

TEST_CASE("User variables of expressions are asked for") {
  for (const std::string sql :
       {"SET @a = 1 + 1", "SELECT @a := 5", "SELECT 1 INTO @a", "SELECT x, y INTO @A, @`a` FROM t",
        "SET @a = 5, @b = (@a := 7)", "SET @a = 'it''s'", "SET @a = 'a' 'b'", "SET @a = N'x'",
        "SET @a = 01", "SET @a = 12345678901234567890", "LOAD DATA INFILE 'f' INTO TABLE t (@a)",
        "GET DIAGNOSTICS @a = NUMBER", "UPDATE t SET x = (@a := x + 1)"}) {
    Session session;
    session.query(sql, changed);
    CAPTURE(sql);
    CHECK(query_of(session).find("CHARSET(@`a`)") != std::string::npos);
    CHECK(user_value_of(session, "a") == "-");
  }
  Session session;
  session.select("SELECT @a, 'x@b := 1', @@c FROM t WHERE x = @d");
  CHECK(query_of(session) == "");
}

TEST_CASE("NULL keeps the type that a user variable has") {
  Session session;
  session.query("SET @a = 5", changed);
  session.query("SET @a = NULL", changed);
  CHECK(query_of(session) != "");
  CHECK(answer_values(session, {{FieldType::longlong, {}, {}},
                                {FieldType::var_string, {}, {}},
                                {FieldType::var_string, {}, {}},
                                {FieldType::var_string, {}, "binary"},
                                {FieldType::var_string, {}, "binary"}}));
  CHECK(user_value_of(session, "a") == "CAST(NULL AS SIGNED)");
}

TEST_CASE("A string is a literal of the character set from before the statement") {
  Session session;
  session.query("SET NAMES latin1, @a = 'x'", {.variables = {{"character_set_client", "latin1"},
                                                             {"character_set_connection", "latin1"},
                                                             {"character_set_results", "latin1"}},
                                               .state_change = true});
  CHECK(query_of(session).find("@`a`") != std::string::npos);
}

TEST_CASE("The id of an OK is not always LAST_INSERT_ID()") {
  Session session;
  session.query("INSERT INTO t VALUES (77)", {.last_insert_id = 77});
  CHECK(query_of(session) == "SELECT LAST_INSERT_ID()");
  CHECK(answer_values(session, {id_5}));
  CHECK(session.image().last_insert_id == 5);
  session.query("INSERT INTO t VALUES (78)");
  CHECK(query_of(session) == "");
  session.select("SELECT LAST_INSERT_ID()");
  CHECK(query_of(session) == "");
  session.select("SELECT LAST_INSERT_ID(8)");
  CHECK(query_of(session) == "SELECT LAST_INSERT_ID()");
  CHECK(answer_values(session, {id_5}));
  session.select("INSERT INTO t VALUES (NULL) RETURNING id");
  CHECK(query_of(session) == "SELECT LAST_INSERT_ID()");
  CHECK(answer_values(session, {id_5}));
  session.fail("INSERT INTO t VALUES (NULL), (1)", 1062);
  CHECK(query_of(session) == "SELECT LAST_INSERT_ID()");
}

TEST_CASE("Values that are no answer pin the session") {
  Session session;
  session.query("INSERT INTO t VALUES (77)", {.last_insert_id = 77});
  CHECK_FALSE(session.follower.take_values({}));
  CHECK(session.pins() == "unknown_change");
}

TEST_CASE("The schema without trackers") {
  Session session(without_trackers);
  session.query("USE `oth``er`");
  CHECK(session.image().schema == "oth`er");
  session.command("third", Command::com_init_db);
  session.ok();
  CHECK(session.image().schema == "third");
  session.fail("USE nosuch", 1049);
  CHECK(session.image().schema == "third");
  CHECK(query_of(session) == "");
  session.query("DROP DATABASE third",
                {.status = mysqlwire::StatusFlags{ServerStatus::autocommit} |
                           mysqlwire::StatusFlags{ServerStatus::db_dropped}});
  CHECK(query_of(session) == "SELECT HEX(CONVERT(DATABASE() USING utf8))");
  CHECK(answer_values(session, {{FieldType::var_string, {}, {}}}));
  CHECK(session.image().schema == "");
}

TEST_CASE("a schema that is gone is chosen no more") {
  Session session(mysql_8, "going");
  session.query("SET @a = 1");
  session.follower.lose_schema();
  CHECK(session.image().schema == "");
  CHECK(user_value_of(session, "a") == "1");
  session.query("USE test", {.schema = "test"});
  CHECK(session.image().schema == "test");
}

TEST_CASE("SET TRANSACTION lasts until a transaction has used it") {
  Session session;
  session.query("SET TRANSACTION READ ONLY", {.characteristics = "SET TRANSACTION READ ONLY;"});
  CHECK(session.pins() == "one_shot");
  session.select("SELECT 1");
  CHECK(session.pins() == "one_shot");
  // A statement of its own transaction.
  session.select("SELECT 1 FROM t", {.characteristics = ""});
  CHECK(session.pins() == "");
  session.query("SET @@transaction_isolation = 'SERIALIZABLE'",
                {.characteristics = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;"});
  CHECK(session.pins() == "one_shot");
  const mysqlwire::StatusFlags open = mysqlwire::StatusFlags{ServerStatus::autocommit} |
                                      mysqlwire::StatusFlags{ServerStatus::in_trans};
  session.query("BEGIN", {.status = open, .characteristics = "START TRANSACTION;"});
  session.query("COMMIT", {.characteristics = ""});
  CHECK(session.pins() == "");

  Session untold(without_trackers);
  untold.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
  untold.select("SELECT 1 FROM t");
  CHECK(untold.pins() == "one_shot");
  untold.query("BEGIN", {.status = open});
  CHECK(untold.pins() == "one_shot");
  untold.query("COMMIT");
  CHECK(untold.pins() == "");
}

TEST_CASE("COM_RESET_CONNECTION leaves the schema, and a character set that nobody knows") {
  Session session;
  session.query("SET @a = 1, sql_mode = ''", variable("sql_mode", ""));
  session.command("", Command::com_reset_connection);
  session.ok();
  CHECK(session.image() == SessionImage{.schema = "test"});
  CHECK(query_of(session) ==
        "SELECT @@session.character_set_client, @@session.character_set_connection, "
        "@@session.character_set_results, @@session.collation_connection");
  const ReportedValue latin1{FieldType::var_string, {}, "latin1"};
  CHECK(answer_values(session,
                      {latin1, latin1, latin1, {FieldType::var_string, {}, "latin1_swedish_ci"}}));
  CHECK(value_of(session, "names") == "'latin1_swedish_ci'");
}

TEST_CASE("More than is carried along") {
  Session session;
  for (int i = 0; i < 80 && session.pins().empty(); ++i)
    session.query("SET @v" + std::to_string(i) + " = 1", changed);
  CHECK(session.pins() == "too_much");
  CHECK(session.image().user_variables.size() < SessionFollower::most_variables);

  Session large;
  large.query("SET @a = REPEAT('y', 5000)", changed);
  const std::string digits(2 * SessionFollower::longest_value + 2, '7');
  CHECK(answer_values(large, {{FieldType::long_blob, {}, {}},
                              {FieldType::var_string, {}, "yyy"},
                              {FieldType::var_string, {}, digits},
                              {FieldType::var_string, {}, "utf8mb4"},
                              {FieldType::var_string, {}, "utf8mb4_general_ci"}}));
  CHECK(large.pins() == "too_much");
}

TEST_CASE("Statements about the statement before them") {
  const auto reads = [](std::string_view sql) {
    mysqlproxy::Inspection inspection;
    inspection.text = sql;
    const auto what = mysqlwire::sql::classify(sql, {});
    inspection.what = &what;
    return SessionFollower::reads_last_statement(inspection, {});
  };
  for (const std::string sql :
       {"SELECT FOUND_ROWS()", "select row_count()", "SHOW WARNINGS LIMIT 1", "SHOW ERRORS",
        "SHOW COUNT(*) WARNINGS", "SELECT @@warning_count", "SELECT @@session.error_count",
        "GET DIAGNOSTICS @n = NUMBER", "INSERT INTO t VALUES (ROW_COUNT())", "SHOW PROFILES"}) {
    CAPTURE(sql);
    CHECK(reads(sql));
  }
  for (const std::string sql : {"SELECT 'FOUND_ROWS()'", "SHOW TABLES", "SELECT found_rows FROM t",
                                "SELECT @warning_count", "SHOW TABLES LIKE 'warnings'"}) {
    CAPTURE(sql);
    CHECK_FALSE(reads(sql));
  }
}

TEST_CASE("what a failed statement did before that is told by an OK of another one", "[lending]") {
  const auto [server, any_ok] = GENERATE(std::pair(mysql_8, true), std::pair(mariadb, false));
  Session session(server);
  session.command("INSERT INTO t VALUES (1)");
  session.err(1062);
  CHECK(session.follower.in_doubt());
  SECTION("a statement that was not run has done nothing") {
    Session other(server);
    other.command("INSERT INTO t VALUES (1");
    other.err(1064);
    CHECK_FALSE(other.follower.in_doubt());
    other.command("SELECT * FROM nowhere");
    other.err(1146);
    CHECK_FALSE(other.follower.in_doubt());
    other.command("SELECT 1/x FROM t");
    other.err(1365);
    CHECK_FALSE(other.follower.in_doubt());
  }
  SECTION("nor does what a trigger, or a routine, misses mean that they have done nothing") {
    Session other(server);
    other.command("INSERT INTO t VALUES (1)");
    other.err(1146);
    CHECK(other.follower.in_doubt());
    const std::uint16_t code = GENERATE(as<std::uint16_t>(), 1146, 1305, 1064, 1193);
    Session caller(server);
    caller.command("CALL p()");
    caller.err(code);
    CHECK(caller.follower.pins().has(Pin::call));
    Session asker(server);
    asker.command("SELECT f()");
    asker.err(code);
    CHECK(asker.follower.pins().any());
  }
  SECTION("an ERR does not tell") {
    session.command("SELECT * FROM nowhere");
    session.err(1146);
    CHECK(session.follower.in_doubt());
  }
  SECTION("MariaDB does not tell where there is nothing else") {
    session.query("DO 1");
    CHECK(session.follower.in_doubt() != any_ok);
  }
  SECTION("it may hide behind what is told anyhow") {
    Told told;
    told.state_change = true;
    told.variables = {{"sql_notes", "OFF"}};
    session.query("SET sql_notes = 0", told);
    CHECK(session.follower.pins().has(Pin::unknown_change));
  }
  SECTION("what changed was asked for") {
    OkPacket packet;
    packet.status = {ServerStatus::session_state_changed, ServerStatus::in_trans};
    const std::uint8_t changed[] = {2, 1, '1'};
    const bool change = GENERATE(false, true);
    if (change) packet.session_state = changed;
    session.follower.settle_doubt(packet, session.context());
    CHECK_FALSE(session.follower.in_doubt());
    CHECK(session.follower.pins().has(Pin::unknown_change) == change);
  }
}

TEST_CASE("of several statements each has to say what it changes", "[lending]") {
  Told told;
  told.state_change = true;
  const auto [sql, explained] = GENERATE(std::pair("SET @a = 1; SET @b = 2", true),
                                         std::pair("BEGIN; SET @a = 1; SELECT 1", true),
                                         std::pair("INSERT INTO t VALUES (1); SET @a = 1", false),
                                         std::pair("SET @a = 1; SELECT * FROM v", false));
  INFO(sql);
  Session session;
  session.query(sql, told);
  CHECK(session.follower.pins().has(Pin::unknown_change) != explained);
}
