"""Random programs of commands that use all that a session holds, for test_pooling_model.py.

A program is a list of steps; a step is a tuple of the name of a method of harness.exchange.Session and its arguments,
so that it can be run, compared, left out and printed. Programs of one seed are the same everywhere. What they answer
depends on nothing but their own session and the schemas of their client, which no other client writes to.
"""

import random
import struct

from harness.accounts import APP, OTHER

CLIENTS = 8
SLOTS = 3

# The types of binary parameters.
TINY, LONG, DOUBLE, NULL, LONGLONG, VAR_STRING, BLOB = 1, 3, 5, 6, 8, 253, 252

#: What a session is asked for at the end of each program, and now and then in the middle.
VARIABLES = {
    "both": ["character_set_client", "character_set_connection", "character_set_results", "collation_connection", "autocommit",
             "sql_mode", "time_zone", "foreign_key_checks", "unique_checks", "sql_safe_updates", "sql_select_limit",
             "group_concat_max_len", "sort_buffer_size", "max_sort_length", "div_precision_increment", "lc_time_names",
             "big_tables", "sql_auto_is_null", "sql_warnings", "sql_notes", "auto_increment_increment", "auto_increment_offset",
             "default_storage_engine", "lock_wait_timeout", "max_error_count", "net_write_timeout", "wait_timeout",
             "optimizer_search_depth", "character_set_database", "collation_database", "sql_quote_show_create",
             "low_priority_updates", "completion_type"],
    "mariadb": ["tx_isolation", "tx_read_only", "max_statement_time", "standard_compliant_cte", "in_transaction",
                "column_compression_threshold"],
    "mysql": ["transaction_isolation", "transaction_read_only", "max_execution_time", "show_old_temporals", "cte_max_recursion_depth",
              "windowing_use_high_precision", "default_collation_for_utf8mb4"],
}

#: Statements that set one of them, each a few ways.
SETTINGS = {
    "both": [
        "SET foreign_key_checks = {bit}", "SET @@unique_checks = {bit}", "SET @@session.sql_safe_updates = {bit}",
        "SET SESSION sql_select_limit = {small}", "SET sql_select_limit = DEFAULT", "SET group_concat_max_len = {small}",
        "SET LOCAL sort_buffer_size = {big}", "SET @@local.max_sort_length = {medium}", "SET div_precision_increment = {digit}",
        "SET lc_time_names = 'fi_FI'", "SET lc_time_names = DEFAULT", "SET big_tables = {bit}", "SET sql_notes = {bit}",
        "SET auto_increment_increment = {digit}, auto_increment_offset = {digit}", "SET sql_warnings = {bit}",
        "SET default_storage_engine = MyISAM", "SET default_storage_engine = DEFAULT", "SET lock_wait_timeout = {medium}",
        "SET max_error_count = {digit}", "SET @@session.net_write_timeout = {medium}, @mixed = {number}",
        "SET @old = @@sql_mode, sql_mode = 'STRICT_ALL_TABLES'", "SET sql_mode = @old", "SET optimizer_search_depth = {digit}",
        "SET collation_connection = latin1_german1_ci", "SET character_set_results = NULL", "SET character_set_results = latin1",
        "SET character_set_connection = utf8mb4", "SET character_set_client = latin1", "SET sql_auto_is_null = {bit}",
        "SET sql_quote_show_create = {bit}", "SET group_concat_max_len = @number", "SET sort_buffer_size = (SELECT 300000 + {digit})",
        "SET no_such_variable = 1", "SET sql_mode = 'NO_SUCH_MODE'", "SET foreign_key_checks = 0, no_such_variable = 1",
        "SET /* here */ unique_checks/**/= {bit} -- there", "SET @@sql_notes := {bit}", "/*!40101 SET sql_notes = {bit} */",
    ],
    "mariadb": ["SET max_statement_time = {small}", "SET STATEMENT sort_buffer_size = 400000 FOR SELECT @@sort_buffer_size",
                "SET STATEMENT sql_mode = 'ANSI_QUOTES' FOR SELECT @@sql_mode", "/*M! SET sql_notes = {bit} */"],
    "mysql": ["SET max_execution_time = 0", "SET cte_max_recursion_depth = {small}", "SET windowing_use_high_precision = {bit}",
              "SELECT /*+ SET_VAR(sort_buffer_size = 400000) */ @@sort_buffer_size"],
}

CHARSETS = ["utf8mb4", "latin1", "utf8", "binary", "cp1251", "gbk", "ascii", "sjis"]
COLLATIONS = ["utf8mb4_bin", "utf8mb4_unicode_ci", "utf8mb4_general_ci"]
MODES = ["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES", "ANSI", "PIPES_AS_CONCAT",
         "STRICT_TRANS_TABLES", "IGNORE_SPACE", "HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION", "TRADITIONAL", "ONLY_FULL_GROUP_BY"]
ZONES = ["+00:00", "-03:30", "+05:45", "SYSTEM", "nowhere"]
LEVELS = ["READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]

#: Text that means something else in another sql_mode or character set. `\\` and the two bytes are for the server.
TRICKY = [
    b"SELECT \"word\"", b"SELECT 'a\\\\'", b"SELECT 'a\\'' AS quoted, @tag -- '", b"SELECT 'it''s' /* ' */", b"SELECT \"a\"\"b\"",
    b"SELECT '\\' AS x, @v0, '", b"SELECT 'a' || 'b'", b"SELECT NOT 1 BETWEEN -5 AND 5", b"SELECT COUNT (*)", b"SELECT 'caf\xe9'",
    b"SELECT '\xc3\xa9', HEX('\xc3\xa9'), LENGTH('\xc3\xa9')", b"SELECT HEX('\xbf\x5c'), @v1", b"SELECT _binary'\xff', N'n', x'ff'",
    b"SET @v2 = 'a\\', @v3 = ' b'", b"SET @v2 = \"sql_mode\"", b"SELECT CAST(0 AS UNSIGNED) - 1", b"SELECT 1 --1", b"SELECT 1 # one",
    b"SELECT 'x' 'y', \"z\"", b"SELECT 1/3, 'a' = 'A', 'a' < 'B'",
]

USER_VALUES = ["1", "-7.25", "1e10", "NULL", "'text'", "_latin1 x'e9'", "x'00ff'", "18446744073709551615", "'\u00e4' COLLATE utf8mb4_bin",
               "CAST('2024-02-29' AS DATE)", "TRUE", "''", "REPEAT('r', 300)", "b'101'", "CAST(1.50 AS DECIMAL(10,4))", "@v1", "@@sql_mode"]

SELECTS = [
    "SELECT * FROM t ORDER BY id", "SELECT id, v FROM t WHERE id > {digit} ORDER BY id", "SELECT COUNT(*), SUM(n), MAX(v) FROM t",
    "SELECT SQL_CALC_FOUND_ROWS id FROM t ORDER BY id LIMIT 1", "SELECT FROM_UNIXTIME(86400 * {digit}), DATE_FORMAT('2024-03-05', '%W %M')",
    "SELECT @v{v}, @v1, @mixed, @number", "SELECT @v{v} := @v{v} + 1", "SELECT id, n INTO @v{v}, @number FROM t ORDER BY id LIMIT 1",
    "SELECT id FROM t WHERE id = 999 INTO @v{v}", "SELECT f({digit}), @in_function", "SELECT LAST_INSERT_ID({number})", "SELECT 1/0, CAST('12x' AS SIGNED)",
    "SELECT DATABASE(), CURRENT_USER(), CHARSET(''), COLLATION('')", "SELECT id, v FROM t ORDER BY id LIMIT 2 FOR UPDATE",
    "SELECT GROUP_CONCAT(v ORDER BY id) FROM t", "SELECT * FROM nowhere", "SELECT * FROM {other}.t ORDER BY id", "SHOW TABLES", "SHOW CREATE TABLE t",
    "SELECT SLEEP(0)", "SELECT id, (SELECT MAX(n) FROM {other}.t) AS m FROM t ORDER BY id", "EXPLAIN SELECT 1", "DO 1", "SELECT 1 WHERE FALSE",
    "SELECT * FROM t WHERE id IS NULL", "SELECT 5 = 5 COLLATE utf8mb4_bin", "SELECT v LIKE 'A%' FROM t ORDER BY id", "SELECT ts FROM t ORDER BY id",
]

WRITES = [
    "INSERT INTO t (n, v) VALUES ({number}, 'row {digit}')", "INSERT INTO t (n, v) VALUES ({number}, 'a'), ({digit}, 'b')",
    "INSERT INTO t (id, n) VALUES ({digit}, 1)", "INSERT IGNORE INTO t (id, n, v) VALUES ({digit}, 1, REPEAT('long', 50))",
    "UPDATE t SET n = n + 1 WHERE id <= {digit}", "UPDATE t SET v = CONCAT(v, 'x') ORDER BY id LIMIT 1", "UPDATE t SET n = {number}",
    "DELETE FROM t WHERE id = {digit}", "DELETE FROM t ORDER BY id LIMIT 1", "REPLACE INTO t (id, n, v) VALUES ({digit}, 3, 'replaced')",
    "INSERT INTO t (n, v, ts) VALUES (1, @v{v}, '2001-02-03 04:05:06')", "INSERT INTO t (n) SELECT n + 1 FROM {other}.t ORDER BY id LIMIT 2",
    "INSERT INTO child (t) VALUES ({digit})", "INSERT INTO t (n, v) VALUES (1, 'a') ON DUPLICATE KEY UPDATE n = 2",
    "UPDATE t SET id = LAST_INSERT_ID(id + 100) WHERE id = {digit}", "TRUNCATE child",
]

AFTER = ["SELECT FOUND_ROWS()", "SELECT ROW_COUNT()", "SELECT LAST_INSERT_ID()", "SELECT @@last_insert_id, @@identity", "SHOW WARNINGS",
         "SHOW COUNT(*) WARNINGS", "SELECT @@warning_count, @@error_count", "SHOW ERRORS", "GET DIAGNOSTICS @count = NUMBER", "SELECT @count",
         "SELECT ROW_COUNT(), FOUND_ROWS()"]

TRANSACTIONS = [
    "BEGIN", "START TRANSACTION", "START TRANSACTION READ ONLY", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "COMMIT", "COMMIT", "ROLLBACK",
    "COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "SAVEPOINT s{digit}", "ROLLBACK TO SAVEPOINT s{digit}", "RELEASE SAVEPOINT s{digit}",
    "SET autocommit = 0", "SET autocommit = 1", "SET @@autocommit = {bit}", "SET autocommit = OFF", "SET autocommit = ON",
    "SET SESSION TRANSACTION ISOLATION LEVEL {level}", "SET TRANSACTION ISOLATION LEVEL {level}", "SET TRANSACTION READ ONLY",
    "SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE", "SET TRANSACTION ISOLATION LEVEL {level}, READ WRITE",
    "SET completion_type = {digit}", "SET completion_type = 0", "SET completion_type = 0",
]

TEMPORARY = [
    "CREATE TEMPORARY TABLE tmp{digit} (a INT, b VARCHAR(20))", "CREATE TEMPORARY TABLE IF NOT EXISTS t (only INT)",
    "INSERT INTO tmp{digit} VALUES ({number}, 'mine')", "SELECT * FROM tmp{digit}", "DROP TEMPORARY TABLE IF EXISTS tmp{digit}", "DROP TEMPORARY TABLE IF EXISTS t",
    "CREATE TEMPORARY TABLE tmp{digit} AS SELECT id, n FROM t", "ALTER TABLE tmp{digit} ADD c INT DEFAULT 3", "DROP TABLE IF EXISTS tmp{digit}",
]

LOCKS = [
    "LOCK TABLES t WRITE", "LOCK TABLES t READ", "LOCK TABLES t READ, {other}.t WRITE", "UNLOCK TABLES", "UNLOCK TABLES",
    "SELECT GET_LOCK('{me} {digit}', 20)", "SELECT RELEASE_LOCK('{me} {digit}')", "SELECT GET_LOCK('{me} x', 20), IS_FREE_LOCK('{me} x')",
    "SELECT RELEASE_ALL_LOCKS()",
    "HANDLER t OPEN", "HANDLER t OPEN AS h", "HANDLER t READ FIRST", "HANDLER h READ NEXT", "HANDLER t READ `PRIMARY` = ({digit})", "HANDLER t CLOSE", "HANDLER h CLOSE",
]

XA = ["XA START '{me}'", "XA END '{me}'", "XA PREPARE '{me}'", "XA COMMIT '{me}'", "XA ROLLBACK '{me}'", "XA COMMIT '{me}' ONE PHASE",
      "XA START '{me}', 'branch'", "XA END '{me}', 'branch'", "XA ROLLBACK '{me}', 'branch'"]

CALLS = ["CALL p_sets({digit})", "CALL p_results({digit})", "CALL p_begins()", "CALL p_mode()", "CALL p_temporary()", "CALL p_out(@v{v})",
         "CALL p_fails()", "CALL nowhere()", "SELECT @by_procedure, @by_trigger, @in_function", "CALL p_use()"]

SQL_PREPARED = ["PREPARE q{digit} FROM 'SELECT ? + 1, @@sql_mode'", "PREPARE q{digit} FROM 'INSERT INTO t (n) VALUES (?)'", "PREPARE q{digit} FROM @v{v}",
                "EXECUTE q{digit} USING @v{v}", "EXECUTE q{digit} USING @number", "EXECUTE q{digit}", "DEALLOCATE PREPARE q{digit}", "PREPARE q1 FROM 'SET @v{v} = 5'",
                "EXECUTE IMMEDIATE 'SELECT 1'", "PREPARE q{digit} FROM 'SET sql_notes = 0'"]

DDL = ["ALTER TABLE t ADD extra INT DEFAULT {digit}", "ALTER TABLE t DROP COLUMN extra", "ALTER TABLE t MODIFY v VARCHAR(60)", "CREATE TABLE made{digit} (a INT)",
       "DROP TABLE IF EXISTS made{digit}", "CREATE OR REPLACE VIEW seen AS SELECT id, n FROM t", "DROP VIEW IF EXISTS seen", "SELECT * FROM seen ORDER BY id",
       "ANALYZE TABLE child", "CREATE DATABASE IF NOT EXISTS {other}"]

BINARY = ["SELECT ? AS given, @v{v}, @@sql_mode", "SELECT * FROM t WHERE id > ? ORDER BY id", "INSERT INTO t (n, v) VALUES (?, ?)", "UPDATE t SET v = ? WHERE id = ?",
          "SELECT 'plain', \"quoted\"", "SELECT LENGTH(?), MD5(?)", "SET @v{v} = ?", "CALL p_results(?)", "SELECT * FROM tmp{digit}", "SELECT ?, ?, ?",
          "DO ?", "SET sql_mode = ?", "SELECT id, n, v, ts FROM t ORDER BY id", "DELETE FROM t WHERE id = ?", "SELEC ?", "BEGIN", "COMMIT",
          "SELECT DATABASE(), ?", "CREATE TEMPORARY TABLE tmp{digit} (a INT)", "SELECT n FROM {other}.t WHERE id < ? ORDER BY id", "SET SESSION time_zone = ?"]


def rows(schema):
    return (f"INSERT INTO {schema}.t (id, n, v, ts) VALUES (1, 10, 'one', '2020-01-01 00:00:00'), (2, 20, 'Two', NULL), "
            f"(3, 30, '{schema}', NULL)")


def tables(schema, other):
    """The statements that make the schemas of one client as they are before each program."""
    for name in (schema, other):
        yield f"CREATE DATABASE IF NOT EXISTS {name}"
        yield f"DROP TABLE IF EXISTS {name}.child, {name}.t"
        yield (f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY, n INT, v VARCHAR(40), ts TIMESTAMP NULL) ENGINE=InnoDB "
               "DEFAULT CHARSET=utf8mb4 STATS_PERSISTENT=1 STATS_AUTO_RECALC=0")
        yield f"CREATE TABLE {name}.child (t INT, FOREIGN KEY (t) REFERENCES t (id)) ENGINE=InnoDB"
        yield rows(name)
        yield (f"CREATE TRIGGER {name}.t_insert BEFORE INSERT ON {name}.t FOR EACH ROW "
               "SET @by_trigger = CONCAT_WS(',', @by_trigger, NEW.n)")


def routines(schema):
    """The statements that make its procedures and functions, once."""
    yield f"CREATE FUNCTION {schema}.f(x INT) RETURNS INT NO SQL BEGIN SET @in_function = x; RETURN x * 2; END"
    yield f"CREATE PROCEDURE {schema}.p_sets(x INT) BEGIN SET @by_procedure = x; SET SESSION sql_notes = 0; SET time_zone = '+01:00'; END"
    yield f"CREATE PROCEDURE {schema}.p_results(x INT) BEGIN SELECT x AS first; SELECT id, x FROM t ORDER BY id; END"
    yield f"CREATE PROCEDURE {schema}.p_begins() BEGIN START TRANSACTION; INSERT INTO t (n) VALUES (77); END"
    yield f"CREATE PROCEDURE {schema}.p_mode() BEGIN SET sql_mode = 'ANSI_QUOTES'; SELECT @@sql_mode; END"
    yield f"CREATE PROCEDURE {schema}.p_temporary() BEGIN CREATE TEMPORARY TABLE IF NOT EXISTS tmp1 (p INT); INSERT INTO tmp1 VALUES (1); END"
    yield f"CREATE PROCEDURE {schema}.p_out(OUT x INT) BEGIN SET x = 42; SELECT 'out' AS o; END"
    yield f"CREATE PROCEDURE {schema}.p_fails() BEGIN SET @by_procedure = 'failing'; SELECT 'before'; SELECT * FROM vanished; END"
    yield f"CREATE PROCEDURE {schema}.p_use() BEGIN SET @by_procedure = DATABASE(); SET autocommit = 0; END"


def names(client):
    """The schemas of one client, with which its tags, locks and transactions begin too."""
    return f"model{client}", f"model{client}_b"


class Generator:
    def __init__(self, seed, flavor, client):
        self.random = random.Random(f"{seed} {flavor} {client}")
        self.flavor = flavor
        self.client = client
        self.schema, self.other = names(client)

    def fill(self, text):
        pick = self.random
        return text.format(
            bit=pick.randrange(2), digit=pick.randrange(1, 4), v=pick.randrange(4), small=pick.choice([1, 2, 5, 1000]), medium=pick.randrange(20, 60),
            big=pick.choice([262144, 300032, 524288]), number=pick.randrange(-5, 1000), level=pick.choice(LEVELS), me=self.schema,
            other=self.other if pick.random() < 0.8 else "nowhere").encode()

    def any(self, texts):
        return self.fill(self.random.choice(texts))

    def state(self):
        pick = self.random
        kind = pick.randrange(10)
        if kind == 0:
            return f"SET NAMES {pick.choice(CHARSETS)}".encode()
        if kind == 1:
            return pick.choice([f"SET NAMES utf8mb4 COLLATE {pick.choice(COLLATIONS)}", f"SET CHARACTER SET {pick.choice(CHARSETS)}", "SET NAMES DEFAULT",
                                "SET NAMES 'latin1'", "SET CHARSET utf8mb4", "SET NAMES nothing"]).encode()
        if kind == 2:
            return pick.choice([f"SET sql_mode = '{pick.choice(MODES)}'", f"SET SESSION sql_mode = '{pick.choice(MODES)}'",
                                "SET sql_mode = DEFAULT", "SET @@sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')"]).encode()
        if kind == 3:
            return pick.choice([f"SET time_zone = '{pick.choice(ZONES)}'", "SET @@session.time_zone = DEFAULT"]).encode()
        if kind in (4, 5):
            value = pick.choice(USER_VALUES)
            return pick.choice([f"SET @v{pick.randrange(4)} = {value}", f"SET @v0 := {value}, @number = {pick.randrange(9)}", f"SELECT @v{pick.randrange(4)} := {value}",
                                f"SELECT {value} INTO @v{pick.randrange(4)}", f"SET @`v1` = {value}, @'v2' = @v0", f"SET @V3 = {value}"]).encode()
        return self.any(SETTINGS["both"] + 2 * SETTINGS[self.flavor])

    def use(self):
        schema = self.random.choice([self.schema, self.other, self.schema, "nowhere"]).encode()
        return self.random.choice([("init_db", schema), ("query", b"USE " + schema), ("query", b"USE `" + schema + b"`")])

    def parameter(self):
        pick = self.random
        return pick.choice([
            None, (LONG, struct.pack("<i", pick.randrange(-3, 9))), (LONGLONG, struct.pack("<q", pick.randrange(1 << 40))), (TINY, b"\x02"),
            (DOUBLE, struct.pack("<d", 2.5)), (VAR_STRING, b"\x05words"), (VAR_STRING, b"\x00"), (BLOB, b"\x03\x00\xff\xbf"),
            (VAR_STRING, b"\x0bANSI_QUOTES"), (VAR_STRING, b"\x06+02:00")])

    def prepared(self):
        """A prepared statement's life, or a part of it."""
        pick = self.random
        slot = pick.randrange(SLOTS)
        kind = pick.randrange(8)
        execute = ("execute", slot, tuple(self.parameter() for _ in range(pick.randrange(1, 4))), 0, pick.random() < 0.7)
        if kind < 3:
            return [("prepare", slot, self.any(BINARY)), execute]
        if kind == 3:
            return [execute]
        if kind == 4:
            return [("prepare", slot, self.any(["SELECT * FROM t ORDER BY id", "SELECT id, ? FROM t ORDER BY id", "SELECT 1 AS a UNION SELECT 2 UNION SELECT 3"])),
                    ("execute", slot, (self.parameter(),), 1, True), ("fetch", slot, 1), *self.some(1), ("fetch", slot, pick.randrange(1, 5)),
                    *([("reset_statement", slot)] if pick.random() < 0.5 else [])]
        if kind == 5:
            return [("prepare", slot, self.any(["SELECT LENGTH(?), ?", "INSERT INTO t (v, n) VALUES (?, 5)"])), ("long_data", slot, 0, b"long " * pick.randrange(1, 8)),
                    *(self.some(1) if pick.random() < 0.3 else []), ("long_data", slot, 0, b"more"),
                    *([("reset_statement", slot)] if pick.random() < 0.3 else []), ("execute", slot, ((BLOB, b""), (LONG, b"\1\0\0\0")), 0, True)]
        if kind == 6:
            return [("close_statement", slot)]
        return [("reset_statement", slot), execute]

    def some(self, count):
        """About `count` steps."""
        steps = []
        while len(steps) < count:
            steps += self.next()
        return steps

    def next(self):
        pick = self.random
        kind = pick.choices(["state", "use", "select", "write", "transaction", "temporary", "lock", "xa", "call", "sql prepared", "prepared", "tricky", "ddl", "multi",
                             "reset", "user", "option", "ping", "look"],
                            [18, 4, 12, 10, 12, 4, 3, 1.5, 5, 4, 14, 6, 2, 3, 1, 1, 0.7, 0.5, 3])[0]
        after = [("query", self.any(AFTER)) for _ in range(pick.choice([0, 0, 1, 2]))]
        match kind:
            case "state": return [("query", self.state())]
            case "use": return [self.use()]
            case "select": return [("query", self.any(SELECTS)), *after]
            case "write": return [("query", self.any(WRITES)), *after]
            case "transaction": return [("query", self.any(TRANSACTIONS))]
            case "temporary": return [("query", self.any(TEMPORARY)), *after]
            case "lock": return [("query", self.any(LOCKS))]
            case "xa": return [("query", self.any(XA))]
            case "call": return [("query", self.any(CALLS)), *after]
            case "sql prepared": return [("query", self.any(SQL_PREPARED))]
            case "prepared": return [*self.prepared(), *after]
            case "tricky": return [("query", pick.choice(TRICKY))]
            case "ddl": return [("query", self.any(DDL))]
            case "multi":
                parts = [pick.choice([self.state, lambda: self.any(SELECTS), lambda: self.any(WRITES), lambda: self.any(TRANSACTIONS), lambda: self.any(AFTER)])()
                         for _ in range(pick.randrange(2, 4))]
                return [("query", b"; ".join(parts)), *after]
            case "reset": return [("reset_connection",)]
            case "user": return [("change_user", pick.choice([APP, OTHER]), self.schema.encode())]
            case "option": return [("set_option", pick.random() < 0.7)]
            case "ping": return [("ping",)]
            case "look": return self.look()

    def look(self):
        """What can be seen of the session, and whether something of another client's can."""
        variables = VARIABLES["both"] + VARIABLES[self.flavor]
        tags = ", ".join(f"@tag{client}" for client in range(CLIENTS))
        return [("query", b"SELECT " + ", ".join("@@" + name for name in variables if name != "default_collation_for_utf8mb4").encode()),
                ("query", b"SELECT DATABASE(), CURRENT_USER(), @v0, @v1, @v2, @v3, @number, @mixed, @old, @count, @by_procedure, @by_trigger, @in_function"),
                ("query", f"SELECT @tag, {tags}".encode())]

    def program(self, length):
        """`length` steps or a few more, between a beginning that leaves tags and an end that looks at everything."""
        pick = self.random
        others = [client for client in range(CLIENTS) if client != self.client]
        tag = [("query", f"SET @tag = 'of {self.schema}', @tag{self.client} = {self.client}".encode()),
               ("query", f"CREATE TEMPORARY TABLE of_{self.schema} (a INT)".encode())]
        beginning = [step for step in tag if pick.random() < 0.3]
        end = [("query", b"ROLLBACK"), *self.look(), ("query", f"SELECT * FROM {names(pick.choice(others))[0]}.of_{names(pick.choice(others))[0]}".encode()),
               ("query", f"SELECT * FROM of_{names(pick.choice(others))[0]}".encode()), ("query", f"SELECT id, n, v FROM {self.schema}.t ORDER BY id".encode())]
        # Not every client tidies up before it goes.
        tidy = [("query", text) for text in (b"UNLOCK TABLES", b"DO RELEASE_ALL_LOCKS()")] if pick.random() < 0.7 else []
        return [*beginning, *self.some(length), *end, *tidy]


def text_of(step):
    """A step for people."""
    name, *arguments = step
    if name == "query":
        return readable(arguments[0])
    if name == "change_user":
        return f"-- change_user {arguments[0].name}, {arguments[1].decode()}"
    shown = ", ".join(readable(one) if isinstance(one, bytes) else repr(one) for one in arguments)
    return f"-- {name} {shown}"


def readable(data):
    return data.decode("ascii", errors="backslashreplace")
