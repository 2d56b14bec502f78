// What binds a session to its server connection, and for how long.
#include "follow.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlproxy::lending;
using namespace mysqlproxy::lending::test;

TEST_CASE("A temporary table pins until it is dropped") {
  Session session;
  session.query("CREATE TEMPORARY TABLE a (x INT)", changed);
  session.query("CREATE TEMPORARY TABLE IF NOT EXISTS test2.b (x INT)", changed);
  CHECK(session.pins() == "temporary_table");
  session.query("DROP TEMPORARY TABLE a", changed);
  CHECK(session.pins() == "temporary_table");
  session.fail("DROP TABLE test2.b", 1051);
  CHECK(session.pins() == "temporary_table");
  session.query("DROP TABLE IF EXISTS x, test2.b", changed);
  CHECK(session.pins() == "");
  session.fail("CREATE TEMPORARY TABLE c (x NOSUCH)");
  CHECK(session.pins() == "");
  // The name that it has then is not followed.
  session.query("CREATE TEMPORARY TABLE a (x INT)", changed);
  session.query("ALTER TABLE a RENAME TO b", changed);
  session.query("DROP TABLE a", changed);
  CHECK(session.pins() == "temporary_table");
  session.command("", Command::com_reset_connection);
  session.ok();
  CHECK(session.pins() == "");
}

TEST_CASE("Locks of tables") {
  Session session;
  for (const std::string sql : {"LOCK TABLES t READ", "FLUSH TABLES WITH READ LOCK",
                                "FLUSH TABLES t, u FOR EXPORT", "LOCK TABLE t WRITE"}) {
    session.query(sql);
    CHECK(session.pins() == "lock_tables");
    session.fail("UNLOCK TABLES", 1192);
    CHECK(session.pins() == "lock_tables");
    session.query("UNLOCK TABLES");
    CHECK(session.pins() == "");
  }
  session.query("LOCK INSTANCE FOR BACKUP");
  session.query("UNLOCK TABLES");
  CHECK(session.pins() == "lock_tables");
  session.query("UNLOCK INSTANCE");
  CHECK(session.pins() == "");
  session.query("FLUSH TABLES");
  session.query("FLUSH TABLES t");
  CHECK(session.pins() == "");
}

TEST_CASE("Locks by name are counted") {
  Session session;
  session.select("SELECT GET_LOCK('a', 10)");
  session.select("SELECT GET_LOCK('a', 10) AS locked");
  session.query("DO GET_LOCK('b', -1)");
  CHECK(session.pins() == "user_lock");
  session.select("SELECT RELEASE_LOCK('a')");
  session.select("SELECT RELEASE_LOCK('b')");
  CHECK(session.pins() == "user_lock");
  // It may not be called at all.
  session.select("SELECT RELEASE_LOCK('a') FROM t");
  session.select("SELECT RELEASE_LOCK('a') LIMIT 0");
  CHECK(session.pins() == "user_lock");
  session.query("DO RELEASE_LOCK(\"a\")");
  CHECK(session.pins() == "");
  // Nobody knows which.
  session.select("SELECT GET_LOCK(CONCAT('a', 'b'), 1)");
  session.select("SELECT RELEASE_LOCK('ab')");
  CHECK(session.pins() == "user_lock");
  session.select("SELECT RELEASE_ALL_LOCKS()");
  CHECK(session.pins() == "");
  session.select("SELECT GET_LOCK('a', 1), GET_LOCK('a', 1)");
  session.select("SELECT RELEASE_LOCK('a')");
  CHECK(session.pins() == "user_lock");
}

TEST_CASE("Handlers, prepared statements and XA transactions by name") {
  Session session;
  session.query("HANDLER test.t OPEN");
  session.query("HANDLER u OPEN AS V");
  session.query("HANDLER t CLOSE");
  CHECK(session.pins() == "handler");
  session.query("HANDLER v CLOSE");
  CHECK(session.pins() == "");
  session.query("PREPARE s FROM 'SELECT 1'", changed);
  session.query("PREPARE t FROM 'SELECT 1'", changed);
  session.query("DEALLOCATE PREPARE S", changed);
  CHECK(session.pins() == "text_prepare");
  session.query("DROP PREPARE t", changed);
  CHECK(session.pins() == "");
  session.query("XA START 'x'");
  session.query("XA END 'x'");
  session.query("XA PREPARE 'x'");
  CHECK(session.pins() == "xa");
  session.query("XA COMMIT 'y'");
  CHECK(session.pins() == "xa");
  session.query("XA COMMIT 'x'");
  CHECK(session.pins() == "");
  session.query("XA BEGIN 'x', 'b', 2");
  session.query("XA COMMIT 'x','b',2 ONE PHASE");
  CHECK(session.pins() == "");
}

TEST_CASE("What may have done anything pins until the session is reset") {
  for (const std::string sql : {"CALL p()", "SELECT f(1)", "CREATE TABLE t AS SELECT f(1)"}) {
    Session session;
    session.query(sql);
    CHECK(session.pins() == "call");
    session.command("", Command::com_reset_connection);
    session.err(1047);
    session.query("DO 1");
    CHECK(session.pins() == "call");
  }
  for (const std::string sql :
       {"EXECUTE s", "EXECUTE IMMEDIATE 'DO 1'", "BEGIN NOT ATOMIC DO 1; END", "WHATEVER",
        "SET @`\xc3\xa9` = 1", "SET some.thing = 1"}) {
    Session session(mariadb);
    session.query(sql);
    CAPTURE(sql);
    CHECK(session.pins() == "unknown_change");
    // It was not understood.
    Session other(mariadb);
    other.fail(sql, 1064);
    other.select("SELECT 1 FROM t");
    CHECK(other.pins() == "");
  }
  Session session(mariadb);
  session.select("SELECT NEXTVAL(s)");
  CHECK(session.pins() == "sequence");
  CHECK_FALSE(reset_cleans(session.follower.pins()));
  session.command("", Command::com_reset_connection);
  session.ok();
  CHECK(session.pins() == "sequence");
}

TEST_CASE("What can't be understood pins") {
  // An item of a session tracker that says it is longer than all of them.
  Session tracked;
  tracked.command("SET @@sql_mode = ''");
  tracked.answer_hex("00000002400000 00 03 010561");
  CHECK(tracked.pins() == "unknown_change");
  // A command that nobody sends any more, and one that is not there yet.
  for (const Command code : {Command::com_daemon, static_cast<Command>(0x7f)}) {
    Session session;
    session.command("", code);
    session.ok();
    CHECK(session.pins() == "unknown_change");
  }
}

TEST_CASE("A change that the text does not explain") {
  Session session;
  session.query("INSERT INTO t VALUES (1)", changed);  // a trigger has SET @a
  CHECK(session.pins() == "unknown_change");
  Session table;
  table.query("CREATE TEMPORARY TABLE t (x INT)", changed);
  table.query("ALTER TABLE t ADD y INT", changed);
  CHECK(table.pins() == "temporary_table");
}

TEST_CASE("Several statements in one text") {
  const mysqlwire::StatusFlags more = mysqlwire::StatusFlags{ServerStatus::autocommit} |
                                      mysqlwire::StatusFlags{ServerStatus::more_results_exists};
  Session session;
  session.command("SET @a = 1; CREATE TEMPORARY TABLE t (x INT); DROP TABLE t");
  session.ok({.state_change = true, .status = more});
  session.ok({.state_change = true, .status = more});
  session.ok({.state_change = true});
  // Which of them have run is not followed.
  CHECK(session.pins() == "temporary_table");
  CHECK(query_of(session).find("@`a`") != std::string::npos);

  Session mode;
  mode.command("SET sql_mode = 'ANSI_QUOTES'; SELECT \"a\"");
  mode.ok({.status = more});
  mode.rows();
  CHECK(mode.pins() == "unknown_change");

  Session failed;
  failed.command("USE other; LOCK TABLES t READ; NOSUCH");
  failed.ok({.schema = "other", .state_change = true, .status = more});
  failed.ok({.status = more});
  failed.err(1064);
  CHECK(failed.pins() == "lock_tables, warnings, unknown_change");
  CHECK(failed.image().schema == "other");
}

TEST_CASE("SET STATEMENT is of the statement behind it") {
  Session session(mariadb);
  session.select("SET STATEMENT sql_mode = '' FOR SELECT 1");
  CHECK(query_of(session) == "");
  session.query("SET STATEMENT sql_mode = '' FOR CREATE TEMPORARY TABLE t (x INT)", changed);
  CHECK(session.pins() == "temporary_table");
}

TEST_CASE("Warnings pin until they are gone") {
  Session session;
  session.select("SELECT 1/0", {.warnings = 1});
  CHECK(session.pins() == "warnings");
  session.select("SHOW WARNINGS");
  CHECK(session.pins() == "warnings");
  session.select("SELECT 1");
  CHECK(session.pins() == "");
  session.command("SELECT nosuch");
  session.err(1054);
  CHECK(session.pins() == "warnings");
  session.command("", Command::com_ping);
  session.ok();
  CHECK(session.pins() == "warnings");
  session.query("COMMIT");
  CHECK(session.pins() == "");
}

TEST_CASE("MariaDB keeps warnings over statements without tables") {
  Session session(mariadb);
  session.command("SELECT nosuch");
  session.err(1054);
  session.select("SELECT 1");
  session.query("SET sql_mode = ''", variable("sql_mode", ""));
  CHECK(session.pins() == "warnings");
  session.select("SELECT 1 FROM t");
  CHECK(session.pins() == "");
}

TEST_CASE("SQL_CALC_FOUND_ROWS pins until the next statement that is not about it") {
  Session session;
  session.select("SELECT SQL_CALC_FOUND_ROWS * FROM t LIMIT 1");
  CHECK(session.pins() == "found_rows");
  session.select("SELECT FOUND_ROWS()");
  CHECK(session.pins() == "found_rows");
  session.select("SELECT 1");
  CHECK(session.pins() == "");
}

TEST_CASE("A savepoint pins where no transaction is seen, until there is one or it is over") {
  const Told manual{.status = {}};
  const Told begun{.status = ServerStatus::in_trans};
  Session session;
  session.query("SAVEPOINT s");  // with autocommit it is nothing
  CHECK(session.pins() == "");
  session.query("SAVEPOINT s", manual);
  CHECK(session.pins() == "savepoint");
  session.query("RELEASE SAVEPOINT s", manual);
  session.select("SELECT 1", manual);
  CHECK(session.pins() == "savepoint");
  session.query("INSERT INTO t VALUES (1)", begun);
  CHECK(session.pins() == "");
  for (const char* end : {"COMMIT", "ROLLBACK", "BEGIN", "CREATE TABLE t (a INT)"}) {
    session.query("SAVEPOINT s", manual);
    session.query("ROLLBACK TO SAVEPOINT s", manual);
    CHECK(session.pins() == "savepoint");
    session.query(end, manual);
    CHECK(session.pins() == "");
  }
  session.query("SAVEPOINT s", manual);
  session.query("SELECT nosuch INTO @a", manual);
  session.query("SET autocommit = 1", variable("autocommit", "ON"));
  CHECK(session.pins() == "");
}
