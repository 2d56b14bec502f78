"""The program of queries that every client runs, directly and through the proxy.

One list of cases; each is a list of steps on its own connections. A step is a dict:

  do             connect, query, execute (a prepared statement), cursor (one with a server-side cursor),
                 batch, call, stream (row by row), start and join (a query in the background), change_user,
                 select_db, ping, reset, statistics, kill_command, commit, rollback, autocommit, close,
                 remember (a query's first value under a name, later {name} in SQL), remember_id (the
                 connection id of the client library), await (a query until its first value `equals`)
  on             the connection, "main" unless said
  expect         nothing: the step has to succeed where the client has it. A number or a set of numbers: it
                 has to fail with such an error. LOST: its connection has to be gone. ANY: either.
  required       where the client has nothing for this step, the rest of the case is left out too
  not_for        names of clients that can't do it
  vague          what may differ from run to run and is not compared: "rows" or "message"

A client that has nothing for a step reports it as unsupported, and both of its runs have to agree on that.
"""

from harness.accounts import APP, NOBODY, OTHER, POOR

LOST = "lost"
ANY = "any"

LARGE = 40 << 20


def connect(account=APP, database="test", **more):
    return {"do": "connect", "user": account.name, "password": account.password, "database": database, **more}


def query(sql, expect=None, **more):
    return {"do": "query", "sql": sql, "expect": expect, **more}


def execute(sql, *params, expect=None, **more):
    return {"do": "execute", "sql": sql, "params": list(params), "expect": expect, **more}


def stream(sql, expect=None, **more):
    return {"do": "stream", "sql": sql, "expect": expect, **more}


def step(do, **more):
    return {"do": do, **more}


def case(name, *steps, **more):
    return {"name": name, "steps": list(steps), **more}


def ready(*names):
    """Statements that leave no table of these names."""
    return [query(f"DROP TABLE IF EXISTS {name}") for name in names]


def numbers(name, count):
    """A table of the numbers 0 to count-1."""
    digits = "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 " \
             "UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
    places = len(str(count - 1))
    total = " + ".join(f"d{i}.d * {10 ** i}" for i in range(places))
    tables = ", ".join(f"{digits} d{i}" for i in range(places))
    return [*ready(name), query(f"CREATE TABLE {name} (n INT PRIMARY KEY)"),
            query(f"INSERT INTO {name} SELECT {total} AS n FROM {tables} HAVING n < {count}")]


def login():
    yield case("login", connect(), query("SELECT CURRENT_USER(), USER(), DATABASE()"), step("ping"), step("close"))
    yield case("login without a schema", connect(database=None), query("SELECT DATABASE()"), query("SELECT * FROM t", 1046))
    yield case("login without a password", connect(NOBODY), query("SELECT CURRENT_USER()"))
    yield case("wrong password", {**connect(), "password": "wrong", "expect": 1045})
    yield case("no password given", {**connect(), "password": "", "expect": 1045})
    yield case("a password where none is", {**connect(NOBODY), "password": "x", "expect": 1045})
    yield case("unknown user", {**connect(), "user": "stranger", "expect": 1045})
    yield case("unknown user, no password", {**connect(), "user": "stranger", "password": "", "expect": 1045})
    yield case("a user name of any bytes", {**connect(), "user": "it's \"me\" \\ \u00e4\u20ac", "expect": 1045})
    yield case("unknown schema", {**connect(database="no_such_schema"), "expect": {1044, 1049}})
    yield case("forbidden schema", {**connect(POOR, database="secret"), "expect": 1044})
    yield case("select schema", connect(), step("select_db", database="test2"), query("SELECT DATABASE()"),
               step("select_db", database="nope", expect={1044, 1049}), query("SELECT DATABASE()"),
               step("select_db", database="test"), query("SELECT DATABASE()"))
    yield case("a statement at the login", connect(init="SET @greeting = 'hello'"), query("SELECT @greeting"))


TYPES = [
    # name, type, an ordinary value, the least, the greatest
    ("c_tiny", "TINYINT", "1", "-128", "127"),
    ("c_tiny_u", "TINYINT UNSIGNED", "200", "0", "255"),
    ("c_small", "SMALLINT", "-2", "-32768", "32767"),
    ("c_small_u", "SMALLINT UNSIGNED", "40000", "0", "65535"),
    ("c_medium", "MEDIUMINT", "3", "-8388608", "8388607"),
    ("c_medium_u", "MEDIUMINT UNSIGNED ZEROFILL", "42", "0", "16777215"),
    ("c_int", "INT", "-4", "-2147483648", "2147483647"),
    ("c_int_u", "INT UNSIGNED", "3000000000", "0", "4294967295"),
    ("c_big", "BIGINT", "5", "-9223372036854775808", "9223372036854775807"),
    ("c_big_u", "BIGINT UNSIGNED", "18446744073709551614", "0", "18446744073709551615"),
    ("c_bool", "BOOLEAN", "TRUE", "FALSE", "TRUE"),
    ("c_float", "FLOAT", "1.5", "-3.4e38", "3.4e38"),
    ("c_double", "DOUBLE", "0.1", "-1.7e308", "1.7e308"),
    ("c_decimal", "DECIMAL(30,10)", "-12345.6789", "-99999999999999999999.9999999999", "99999999999999999999.9999999999"),
    ("c_decimal_0", "DECIMAL(5,0)", "7", "-99999", "99999"),
    ("c_bit", "BIT(1)", "b'1'", "b'0'", "b'1'"),
    ("c_bits", "BIT(17)", "b'10000000000000001'", "b'0'", "b'11111111111111111'"),
    ("c_bits_64", "BIT(64)", "b'101'", "b'0'", "~0"),
    ("c_year", "YEAR", "2024", "1901", "2155"),
    ("c_date", "DATE", "'2024-02-29'", "'1000-01-01'", "'9999-12-31'"),
    ("c_time", "TIME", "'12:34:56'", "'-838:59:59'", "'838:59:59'"),
    ("c_time_6", "TIME(6)", "'01:02:03.000456'", "'-00:00:00.000001'", "'838:59:58.999999'"),
    ("c_datetime", "DATETIME", "'2024-02-29 23:59:59'", "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"),
    ("c_datetime_3", "DATETIME(3)", "'2024-02-29 00:00:00.120'", "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59.999'"),
    ("c_datetime_6", "DATETIME(6)", "'2024-02-29 01:02:03.000001'", "'1000-01-01'", "'9999-12-31 23:59:59.999999'"),
    ("c_timestamp", "TIMESTAMP NULL", "'2001-02-03 04:05:06'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"),
    ("c_timestamp_6", "TIMESTAMP(6) NULL", "'2001-02-03 04:05:06.7'", "'1970-01-01 00:00:01'",
     "'2038-01-19 03:14:07.999999'"),
    ("c_char", "CHAR(10)", "'abc'", "''", "'0123456789'"),
    ("c_char_latin1", "CHAR(5) CHARACTER SET latin1", "'\u00e9t\u00e9'", "''", "'abcde'"),
    ("c_varchar", "VARCHAR(100)", "'na\u00efve \u20ac \U0001f600'", "''", "REPEAT('x', 100)"),
    ("c_binary", "BINARY(4)", "x'00ff0a'", "''", "x'ffffffff'"),
    ("c_varbinary", "VARBINARY(300)", "x'0001fefdfcfb'", "''", "REPEAT(x'fe', 300)"),
    ("c_tinytext", "TINYTEXT", "'tiny'", "''", "REPEAT('t', 255)"),
    ("c_text", "TEXT", "'text\\nand\\0more\\\\'", "''", "REPEAT('t', 65535)"),
    ("c_mediumtext", "MEDIUMTEXT", "REPEAT('m', 250)", "REPEAT('m', 251)", "REPEAT('m', 252)"),
    ("c_longtext", "LONGTEXT", "'long'", "REPEAT('l', 65535)", "REPEAT('l', 65536)"),
    ("c_tinyblob", "TINYBLOB", "x'00'", "''", "REPEAT(x'ff', 255)"),
    ("c_blob", "BLOB", "x'fb'", "''", "REPEAT(x'fb', 65535)"),
    ("c_mediumblob", "MEDIUMBLOB", "x'fc'", "REPEAT(x'00', 65535)", "REPEAT(x'00', 65536)"),
    ("c_longblob", "LONGBLOB", "x'fd'", "''", "REPEAT(x'fe', 70000)"),
    ("c_enum", "ENUM('small','medium','l\u00e4rge')", "'medium'", "1", "'l\u00e4rge'"),
    ("c_set", "SET('a','b','c d')", "'a,b'", "''", "'a,b,c d'"),
    ("c_json", "JSON", "'{\"a\": [1, null, \"\u20ac\"]}'", "'[]'", "'\"text\"'"),
    ("c_geometry", "GEOMETRY", "ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('LINESTRING(0 0,1 1)')",
     "ST_GeomFromText('POLYGON((0 0,0 3,3 0,0 0))')"),
    ("c_point", "POINT", "POINT(3,4)", "POINT(-1,-1)", "POINT(1e10,1e-10)"),
]
MARIADB_TYPES = [
    ("c_inet6", "INET6", "'2001:db8::ff00:42:8329'", "'::'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'"),
    ("c_inet4", "INET4", "'192.0.2.33'", "'0.0.0.0'", "'255.255.255.255'"),
    ("c_uuid", "UUID", "'123e4567-e89b-12d3-a456-426655440000'", "'00000000-0000-0000-0000-000000000000'",
     "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
]


def types(flavor):
    columns = TYPES + (MARIADB_TYPES if flavor == "mariadb" else [])
    names = ", ".join(name for name, *_ in columns)
    yield case(
        "every type", connect(), *ready("types"),
        query("CREATE TABLE types (id INT PRIMARY KEY AUTO_INCREMENT, "
              + ", ".join(f"{name} {kind}" for name, kind, *_ in columns) + ")"),
        *(query(f"INSERT INTO types ({names}) VALUES ({', '.join(one[i] for one in columns)})") for i in (2, 3, 4)),
        query("INSERT INTO types () VALUES ()"),
        query("SELECT * FROM types ORDER BY id", ANY),
        execute("SELECT * FROM types WHERE id <> ? ORDER BY id", 0, expect=ANY),
        step("cursor", sql="SELECT * FROM types WHERE id <> ? ORDER BY id", params=[0], fetch=2, expect=ANY),
        # One by one, so that one type that a client can't read doesn't hide the others.
        *(query(f"SELECT {name} FROM types ORDER BY id", ANY) for name, *_ in columns),
        *(execute(f"SELECT {name} FROM types WHERE id <> ? ORDER BY id", 0, expect=ANY) for name, *_ in columns))
    yield case(
        "zero dates", connect(init="SET sql_mode = ''"), *ready("zeros"),
        query("CREATE TABLE zeros (d DATE, t DATETIME, s TIMESTAMP NULL, y YEAR)"),
        query("INSERT INTO zeros VALUES ('0000-00-00', '0000-00-00 00:00:00', '0000-00-00', 0), ('2024-00-01', '2024-01-00', NULL, 0)"),
        query("SELECT * FROM zeros", ANY), execute("SELECT * FROM zeros", expect=ANY))


def parameters():
    values = {
        "INT": [0, 1, -1, 2147483647, -2147483648, None],
        "BIGINT": [9223372036854775807, -9223372036854775808, None],
        "DOUBLE": [0.5, -1e30, 1e-30, None],
        "DECIMAL(20,5)": [{"decimal": "12345.67891"}, None],
        "VARCHAR(300)": ["", "abc", "na\u00efve \u20ac \U0001f600 '\"\\\0\n", {"repeat": ["y", 252]}, None],
        "LONGBLOB": [{"bytes": ""}, {"bytes": "00fffe0afb"}, {"repeat_bytes": ["fb00", 40000]}, None],
        "DATE": [{"date": "2024-02-29"}, {"date": "0001-01-01"}, None],
        "DATETIME(6)": [{"datetime": "2024-02-29T12:34:56"}, {"datetime": "2024-02-29T12:34:56.789012"}, None],
        "TIME(6)": [{"time": "00:00:00"}, {"time": "23:59:59.999999"}, None],
    }
    steps = [connect(), *ready("params")]
    for number, (kind, ones) in enumerate(values.items()):
        table = f"params{number}"
        steps += [*ready(table), query(f"CREATE TABLE {table} (id INT PRIMARY KEY AUTO_INCREMENT, v {kind})")]
        steps += [execute(f"INSERT INTO {table} (v) VALUES (?)", one) for one in ones]
        steps += [execute(f"SELECT id, v, v IS NULL FROM {table} ORDER BY id"),
                  query(f"SELECT id, HEX(v) FROM {table} ORDER BY id"), *ready(table)]
    yield case("parameters of every type", *steps)
    yield case("many parameters", connect(), execute("SELECT " + ", ".join(["?"] * 300), *range(300)),
               execute("SELECT " + ", ".join(["?"] * 20), *[None if i % 3 else i for i in range(20)]))
    yield case("a statement used again", connect(), *ready("again"),
               query("CREATE TABLE again (id INT PRIMARY KEY AUTO_INCREMENT, v INT)"),
               execute("INSERT INTO again (v) VALUES (?)", 7, times=5), execute("SELECT * FROM again WHERE v = ?", 7, times=3))
    yield case("statements that fail", connect(), execute("SELECT nonsense FROM", expect=1064),
               execute("SELECT * FROM no_such_table WHERE a = ?", 1, expect=1146),
               execute("SELECT ? + ?", 1, 2), *ready("u"), query("CREATE TABLE u (a INT PRIMARY KEY)"),
               execute("INSERT INTO u VALUES (?)", 1), execute("INSERT INTO u VALUES (?)", 1, expect=1062),
               execute("INSERT INTO u VALUES (?)", 2), query("SELECT * FROM u"))


def queries():
    yield case("results", connect(), query("SELECT 1 AS one, 'two' AS `zw\u00f6lf`, NULL, '' AS `empty`"),
               query("SELECT 1 WHERE FALSE"), query("DO 1"), query("SELECT 1 FROM DUAL LIMIT 0"),
               query("SHOW VARIABLES LIKE 'character_set_client'"), query("EXPLAIN SELECT 1"))
    yield case("changes", connect(), *ready("changes"),
               query("CREATE TABLE changes (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20), UNIQUE (v))"),
               query("INSERT INTO changes (v) VALUES ('a'), ('b'), ('c')"), query("SELECT LAST_INSERT_ID()"),
               query("UPDATE changes SET v = 'a' WHERE v = 'a'"), query("UPDATE changes SET v = CONCAT(v, v)"),
               query("INSERT INTO changes (v) VALUES ('aa')", 1062), query("INSERT IGNORE INTO changes (v) VALUES ('aa'), ('d')"),
               query("REPLACE INTO changes (v) VALUES ('aa')"), query("DELETE FROM changes WHERE id > 1"),
               query("SELECT ROW_COUNT()"), query("INSERT INTO changes (id) VALUES (4000000000)", 1264),
               query("ALTER TABLE changes MODIFY id BIGINT UNSIGNED AUTO_INCREMENT"),
               query("INSERT INTO changes (id) VALUES (18446744073709551610)"))
    yield case("errors", connect(), query("SELEC 1", 1064), query("SELECT * FROM no_such_table", 1146),
               query("SELECT no_such_column", 1054), query("", {1065, 0}, not_for=["mariadb"]), query("SELECT 1"), query("/* nothing */ ;", ANY),
               query("SELECT * FROM secret.t", 1142), query("USE no_such_schema", {1044, 1049}), query("USE test2"), query("SELECT DATABASE()"),
               query("SIGNAL SQLSTATE '45678' SET MYSQL_ERRNO = 31001, MESSAGE_TEXT = 'grave \u2020 news'", 31001),
               query("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '" + "long " * 25 + "'", 1644), query("SELECT 1"))
    yield case("found rows", connect(found_rows=True), *ready("found"), query("CREATE TABLE found (a INT)"),
               query("INSERT INTO found VALUES (1), (1), (2)"), query("UPDATE found SET a = 1"), query("DROP TABLE found"))
    yield case("multi-statements", connect(multi=True), *ready("m"),
               query("CREATE TABLE m (a INT); INSERT INTO m VALUES (1), (2); SELECT * FROM m; UPDATE m SET a = 5; SELECT 'end' AS s"),
               query("SELECT 1; SELECT 2; SELEC 3; SELECT 4", 1064), query("SELECT 'still here'"),
               query("SELECT 1; SELECT * FROM nowhere; SELECT 2", 1146), query("SELECT 1;"))
    yield case("one statement only", connect(multi=False), query("SELECT 1; SELECT 2", ANY))
    yield case("warnings", connect(init="SET sql_mode = ''"), query("SELECT 1/0"), query("SHOW WARNINGS"),
               *ready("w"), query("CREATE TABLE w (a TINYINT NOT NULL, b VARCHAR(3))"),
               query("INSERT INTO w VALUES (1000, 'abcdef'), (-1000, 'xyz!')"), query("SHOW WARNINGS"),
               query("SHOW COUNT(*) WARNINGS"), query("DROP TABLE IF EXISTS not_here"), query("SHOW WARNINGS"),
               query("INSERT INTO w (b) VALUES ('z')"), query("SELECT CAST('12abc' AS SIGNED), CAST('x' AS DATE)"),
               query("SHOW WARNINGS"), query("SELECT 1"), query("SHOW WARNINGS"),
               execute("SELECT 1/?", 0))
    yield case("transactions", connect(), connect(on="second"), *ready("tx"), query("CREATE TABLE tx (a INT PRIMARY KEY) ENGINE=InnoDB"),
               query("START TRANSACTION"), query("INSERT INTO tx VALUES (1)"), query("SELECT * FROM tx", on="second"),
               query("COMMIT"), query("SELECT * FROM tx", on="second"), query("BEGIN"), query("INSERT INTO tx VALUES (2)"),
               query("SAVEPOINT s"), query("INSERT INTO tx VALUES (3)"), query("ROLLBACK TO SAVEPOINT s"), query("COMMIT"),
               query("SELECT * FROM tx"), query("START TRANSACTION READ ONLY"), query("INSERT INTO tx VALUES (9)", 1792),
               query("ROLLBACK"), query("SET autocommit = 0"), query("INSERT INTO tx VALUES (4)"), query("ROLLBACK"),
               query("SELECT COUNT(*) FROM tx"), query("SET autocommit = 1"), query("SELECT @@autocommit"),
               query("SET innodb_lock_wait_timeout = 1", on="second"), query("BEGIN"), query("UPDATE tx SET a = 10 WHERE a = 1"),
               query("UPDATE tx SET a = 11 WHERE a = 1", 1205, on="second"), query("ROLLBACK"))
    yield case("session variables", connect(), query("SET @a = 1, @b = 'text', @c = NULL"), query("SELECT @a, @b, @c, @d"),
               query("SET SESSION sort_buffer_size = 300000"), query("SELECT @@sort_buffer_size"),
               query("SET time_zone = '+05:30'"), query("SELECT FROM_UNIXTIME(0)"), query("SET NAMES latin1"),
               query("SELECT @@character_set_client, @@collation_connection"), query("SET NAMES utf8mb4"),
               query("SET sql_mode = 'ANSI_QUOTES'"), query("SELECT @@sql_mode"), query("SET no_such_variable = 1", 1193),
               query("CREATE TEMPORARY TABLE temporary_one (a INT)"), query("INSERT INTO temporary_one VALUES (5)"),
               query("SELECT * FROM temporary_one"), query("SELECT GET_LOCK('conversation', 1), RELEASE_LOCK('conversation')"))


def procedures():
    yield case(
        "stored procedures", connect(), query("DROP PROCEDURE IF EXISTS p_results"), query("DROP PROCEDURE IF EXISTS p_out"),
        query("DROP PROCEDURE IF EXISTS p_fails"), query("DROP PROCEDURE IF EXISTS p_nothing"),
        query("CREATE PROCEDURE p_results(n INT) BEGIN SELECT n AS first; SELECT n + 1 AS second, 'x' AS t; SELECT 1 WHERE FALSE; END"),
        query("CREATE PROCEDURE p_out(IN a INT, OUT b INT, INOUT c VARCHAR(20)) BEGIN SET b = a * 2; SET c = CONCAT(c, '!'); SELECT a, c; END"),
        query("CREATE PROCEDURE p_fails() BEGIN SELECT 'before' AS s; SELECT * FROM vanished; SELECT 'after' AS s; END"),
        query("CREATE PROCEDURE p_nothing() BEGIN END"),
        query("CALL p_results(1)"), query("CALL p_nothing()"), query("CALL p_fails()", 1146), query("SELECT 1"),
        query("SET @c = 'c'"), query("CALL p_out(21, @b, @c)"), query("SELECT @b, @c"),
        step("call", procedure="p_out", args=[4, 0, "io"]), step("call", procedure="p_results", args=[5]),
        query("CALL no_such_procedure()", 1305), query("CALL p_results()", 1318),
        query("CALL p_results(1); SELECT 'next'; CALL p_out(1, @b, @c); SELECT @b"))
    # Not every library gets through these by itself.
    yield case(
        "stored procedures, prepared", connect(), query("DROP PROCEDURE IF EXISTS p_two"),
        query("CREATE PROCEDURE p_two(n INT) BEGIN SELECT n AS first; SELECT n + 1 AS second, 'x' AS t; END"),
        execute("CALL p_two(?)", 3, expect=ANY), query("SELECT 'next'", ANY))


def large():
    yield case(
        "large values", connect(), *ready("large"), query("CREATE TABLE large (id INT, v LONGBLOB)"),
        query(f"INSERT INTO large VALUES (1, '{{repeat:u:{LARGE}}}')"), query("SELECT id, LENGTH(v), MD5(v) FROM large"),
        query("SELECT v FROM large"), execute("INSERT INTO large VALUES (2, ?)", {"repeat": ["p", LARGE]}),
        execute("SELECT id, v FROM large WHERE id = ?", 2), query("SELECT id, LENGTH(v), MD5(v) FROM large ORDER BY id"), *ready("large"))
    edges = [(1 << 24) - 1, 1 << 24]
    yield case("values at the edge of a packet", connect(),
               # A row has four bytes in front of such a value. (The mariadb client writes each of them four times.)
               *(query(f"SELECT REPEAT('e', {size - less}) AS v", not_for=["mariadb"] if less != 4 else [])
                 for size in edges for less in (5, 4, 1, 0)),
               # COM_QUERY is one byte, the text around the value 17.
               *(query(f"SELECT LENGTH('{{repeat:q:{edges[0] - 18 + more}}}')") for more in (0, 1)),
               # mysql2 sends an empty packet behind this one, of which its connection dies.
               query(f"SELECT LENGTH('{{repeat:q:{edges[0] - 19}}}')", not_for=["mysql2"]), query("SELECT 'next'"))
    yield case("a value that is too large", connect(), query("SELECT LENGTH(REPEAT('x', 200000000))"), query("SELECT 1"))


def errors_in_results(flavor):
    slow = ("SELECT /*+ MAX_EXECUTION_TIME(300) */ n, SLEEP(0.005) FROM nums" if flavor == "mysql" else
            "SET STATEMENT max_statement_time=0.3 FOR SELECT n, SLEEP(0.005) FROM nums")
    overtime = {3024, 1969, 1317}
    yield case(
        "errors in the middle of a result", connect(), *numbers("nums", 1000),
        query("SELECT n, EXP(n), REPEAT('x', 100) FROM nums ORDER BY n", 1690),
        stream("SELECT n, EXP(n), REPEAT('x', 100) FROM nums ORDER BY n", 1690),
        # The pure Python one takes an ERR for a row of a binary result and waits for more.
        execute("SELECT n, EXP(n), REPEAT('x', 100) FROM nums WHERE n >= ? ORDER BY n", 0, expect=1690,
                not_for=["connector-python"]),
        connect(on="cursors"),
        step("cursor", on="cursors", sql="SELECT n, EXP(n), REPEAT('x', 100) FROM nums WHERE n >= ? ORDER BY n", params=[0],
             fetch=100, expect=1690),
        query("SELECT n, IF(n < 900, n, (SELECT n FROM nums)) AS v, REPEAT('y', 100) FROM nums ORDER BY n", 1242),
        query("SELECT 1; SELECT n, EXP(n), REPEAT('x', 100) FROM nums ORDER BY n; SELECT 2", 1690), query("SELECT 'alive'"),
        query(slow, overtime, vague="rows"), stream(slow, overtime, vague="rows"), query("SELECT 'alive'"))


def streams():
    yield case(
        "many rows", connect(), *numbers("many", 20000), query("SELECT * FROM many ORDER BY n"),
        stream("SELECT n, REPEAT(CHAR(65 + n % 26), n % 300) AS t FROM many ORDER BY n"),
        step("cursor", sql="SELECT n, REPEAT('c', n % 50) AS t FROM many WHERE n >= ? ORDER BY n", params=[100], fetch=1000),
        step("cursor", sql="SELECT n FROM many WHERE n >= ? ORDER BY n", params=[100], fetch=10, take=25),
        stream("SELECT n FROM many ORDER BY n", take=10), query("SELECT 'next'"),
        step("cursor", sql="SELECT n FROM many WHERE n > ?", params=[100000], fetch=10),
        query("SELECT a.n, b.n FROM many a JOIN many b ON b.n = a.n + 1 WHERE a.n < 3000 ORDER BY a.n"))
    yield case("many columns", connect(), query("SELECT " + ", ".join(f"{i} AS c{i}" for i in range(1000))),
               execute("SELECT " + ", ".join(f"{i} AS c{i}" for i in range(1000)) + ", ?", 1))
    rows = [[i, f"row {i}"] for i in range(500)]
    yield case("batches", connect(), *ready("b"), query("CREATE TABLE b (id INT PRIMARY KEY, v VARCHAR(20))"),
               step("batch", sql="INSERT INTO b VALUES (?, ?)", rows=rows), query("SELECT COUNT(*), SUM(id) FROM b"),
               step("batch", sql="INSERT INTO b VALUES (?, ?)", rows=[[1000, "x"], [1, "twice"], [1001, "y"]], expect=1062),
               query("SELECT COUNT(*), SUM(id) FROM b"))
    yield case("a pipeline", connect(), step("pipeline", statements=[f"SELECT {i} AS i" for i in range(20)] + ["SELEC", "SELECT 'last'"]))


def infile(folder):
    load = f"LOAD DATA LOCAL INFILE '{folder}/{{}}' INTO TABLE inf FIELDS TERMINATED BY ','"
    yield case(
        "LOCAL INFILE", connect(infile=True), *ready("inf"), query("CREATE TABLE inf (a INT, b VARCHAR(100))"),
        query(load.format("rows.csv"), infile="rows.csv"), query("SELECT COUNT(*), SUM(a), MAX(b) FROM inf"),
        query(load.format("empty.csv"), infile="empty.csv"), query("SELECT COUNT(*) FROM inf"),
        query(load.format("odd.csv"), ANY, infile="odd.csv"), query("SHOW WARNINGS"), query("SELECT COUNT(*) FROM inf"),
        query(load.format("rows.csv") + "; SELECT 'after'", infile="rows.csv"), query("SELECT COUNT(*) FROM inf"))
    yield case("LOCAL INFILE without a file", connect(infile=True), *ready("inf"), query("CREATE TABLE inf (a INT, b VARCHAR(100))"),
               query(load.format("missing.csv"), ANY), query("SELECT COUNT(*) FROM inf", ANY))
    yield case("LOCAL INFILE not allowed", connect(infile=False), *ready("inf"), query("CREATE TABLE inf (a INT, b VARCHAR(100))"),
               query(load.format("rows.csv"), ANY), query("SELECT COUNT(*) FROM inf", ANY))


def kills():
    sleeping = "SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(20) /* {} */'"
    for how in ("remember", "remember_id"):
        origin = {"do": how, "as": "victim", "required": True, **({"sql": "SELECT CONNECTION_ID()"} if how == "remember" else {})}
        title = "the id of CONNECTION_ID()" if how == "remember" else "the id of the login"
        mark = how
        asleep = step("await", on="killer", sql=sleeping.format(mark), equals="1")
        awake = step("await", on="killer", sql=sleeping.format(mark), equals="0")
        yield case(f"KILL QUERY by {title}", connect(), connect(on="killer"), origin, step("start", sql=f"SELECT SLEEP(20) /* {mark} */"),
                   asleep, query("KILL QUERY {victim}", on="killer"), step("join", expect=ANY), query("SELECT 'alive'"))
        yield case(f"KILL by {title}", connect(), connect(on="killer"), origin, step("start", sql=f"SELECT SLEEP(20) /* {mark} */"),
                   asleep, query("KILL {victim}", on="killer"), step("join", expect={LOST, 1317, 1927, 0}), awake,
                   query("SELECT 'gone'", LOST), query("SELECT 'alive'", on="killer"))
        yield case(f"KILL CONNECTION of an idle one by {title}", connect(), connect(on="killer"), origin,
                   query("KILL CONNECTION {victim}", on="killer"), query("SELECT 'gone'", LOST))
    yield case("KILL by the command", connect(), connect(on="killer"), step("remember_id", **{"as": "victim"}, required=True),
               step("kill_command", on="killer", name="victim", required=True), query("SELECT 'gone'", LOST))
    yield case("KILL of oneself", connect(), step("remember", **{"as": "me"}, sql="SELECT CONNECTION_ID()"),
               query("KILL QUERY {me}", ANY), query("SELECT 'alive'", ANY), query("KILL {me}", ANY), query("SELECT 'gone'", LOST))
    yield case("KILL that fails", connect(), query("KILL 4000000000", 1094), query("KILL QUERY 4000000000", 1094),
               query("KILL 'x'", ANY), query("KILL", 1064), query("SELECT 'alive'"))


def users():
    yield case("change of user", connect(), query("SET @mine = 1"), step("change_user", required=True, user=OTHER.name, password=OTHER.password, database="test2"),
               query("SELECT CURRENT_USER(), DATABASE(), @mine"),
               step("change_user", required=True, user=APP.name, password=APP.password, database="test"), query("SELECT CURRENT_USER(), DATABASE()"),
               # mysql2 takes no password for the one before.
               step("change_user", required=True, user=NOBODY.name, password="", database="test", expect=ANY),
               query("SELECT CURRENT_USER(), DATABASE()", ANY))
    yield case("change to a user with a wrong password", connect(), step("change_user", required=True, user=OTHER.name, password="wrong", database="test", expect=1045),
               query("SELECT CURRENT_USER()", ANY))
    yield case("change to an unknown schema", connect(), step("change_user", required=True, user=OTHER.name, password=OTHER.password, database="nope", expect={1044, 1049},
                    not_for=["connector-j"]),
               query("SELECT CURRENT_USER()", ANY))
    yield case("reset", connect(), query("SET @mine = 1"), query("CREATE TEMPORARY TABLE gone_soon (a INT)"), step("reset"),
               query("SELECT @mine"), query("SELECT DATABASE()"))
    yield case("other commands", connect(), step("statistics"), step("ping"), query("SELECT 1"))
    yield case("session tracking", connect(track=True), query("SET SESSION session_track_schema = ON", ANY),
               query("SET SESSION session_track_state_change = ON", ANY), query("SET SESSION session_track_transaction_info = 'CHARACTERISTICS'", ANY),
               query("SET SESSION session_track_system_variables = '*'", ANY), query("USE test2"), query("SET NAMES latin1"), query("SET @u = 1"),
               query("START TRANSACTION"), query("SELECT 1"), query("COMMIT"), query("SET SESSION sql_mode = ''"), query("USE test"),
               query("SET NAMES utf8mb4"))


def conversation(flavor, folder):
    """All cases for a server of `flavor`; `folder` holds the files for LOCAL INFILE."""
    return [*login(), *queries(), *types(flavor), *parameters(), *procedures(), *errors_in_results(flavor), *streams(),
            *infile(folder), *kills(), *users(), *large()]
