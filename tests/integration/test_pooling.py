"""pooling = "transaction": many clients over few server connections, and none of them can tell."""

import threading
import time

import pymysql
import pytest

from harness import wire
from harness.accounts import APP, OTHER
from harness.exchange import Session
from harness.wire import Closed, Err
from pooling import ask, connect, one, pooled, table, value  # noqa: F401


#: How the proxy says that a server has closed a connection.
LOST = b"closed the connection"


# Who has the connection


def test_two_clients_share_one_connection(one):
    first, second = connect(one), connect(one)
    assert value(first, "SELECT CONNECTION_ID()") == value(second, "SELECT CONNECTION_ID()")


def test_a_transaction_keeps_its_connection(pooled, table):
    proxy = pooled(max_connections=2)
    first, second = connect(proxy, database="test"), connect(proxy, database="test")
    ask(first, "BEGIN")
    ask(first, "INSERT INTO pooled (name) VALUES ('mine')")
    other = value(second, "SELECT CONNECTION_ID()")
    assert value(first, "SELECT CONNECTION_ID()") != other
    assert value(second, "SELECT COUNT(*) FROM pooled") == 0
    ask(first, "COMMIT")
    assert value(second, "SELECT COUNT(*) FROM pooled") == 1


def test_who_finds_none_waits_for_its_turn(one, table):
    first, second = connect(one, database="test"), connect(one, database="test")
    ask(first, "BEGIN")
    ask(first, "INSERT INTO pooled (name) VALUES ('first')")
    came = []
    waiter = threading.Thread(target=lambda: came.append(value(second, "SELECT COUNT(*) FROM pooled")))
    waiter.start()
    waiter.join(0.5)
    assert waiter.is_alive()
    ask(first, "COMMIT")
    waiter.join(20)
    assert came == [1]


def test_the_wait_has_an_end(pooled, table):
    proxy = pooled(max_connections=1, queue_timeout="3s")
    first, second = connect(proxy, database="test"), connect(proxy, database="test")
    ask(first, "BEGIN")
    ask(first, "INSERT INTO pooled (name) VALUES ('first')")
    with pytest.raises(pymysql.MySQLError) as caught:
        ask(second, "SELECT 1")
    assert caught.value.args[0] == 1040
    ask(first, "ROLLBACK")
    assert value(second, "SELECT 1") == 1


def test_a_client_that_leaves_in_a_transaction_leaves_nothing(one, table):
    first = connect(one, database="test")
    ask(first, "BEGIN")
    ask(first, "INSERT INTO pooled (name) VALUES ('lost')")
    ask(first, "SET @secret = 'x'")
    first._force_close()
    second = connect(one, database="test")
    assert ask(second, "SELECT COUNT(*), @secret FROM pooled") == ((0, None),)


# What is a session's own


SETTINGS = [
    ("SET time_zone = '+03:00'", "SELECT @@time_zone"),
    ("SET SESSION sql_mode = 'ANSI_QUOTES,NO_ENGINE_SUBSTITUTION'", "SELECT @@sql_mode"),
    ("SET NAMES latin1", "SELECT @@character_set_client, @@character_set_results, @@collation_connection"),
    ("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "SELECT {isolation}"),
    ("SET SESSION group_concat_max_len = 4711", "SELECT @@group_concat_max_len"),
    ("SET autocommit = 0", "SELECT @@autocommit"),
    ("SET @a = 5, @b = 'text', @c = 1.50, @d = 0.1e0, @e = NULL, @f = x'00ff'", "SELECT @a, @b, @c, @d, @e, HEX(@f)"),
    ("SELECT 18446744073709551615, _latin1 0xE4 INTO @big, @letter",
     "SELECT @big, CHARSET(@letter), COLLATION(@letter), HEX(@letter)"),
    ("USE test", "SELECT DATABASE()"),
]


@pytest.mark.parametrize("setting,question", SETTINGS, ids=[one[0][:30] for one in SETTINGS])
def test_settings_follow_their_session_and_no_other(server, one, setting, question):
    question = question.format(isolation="@@tx_isolation" if server.name == "mariadb" else "@@transaction_isolation")
    first, second = connect(one), connect(one)
    before = ask(second, question)
    ask(first, setting)
    mine = ask(first, question)
    with connect(server) as direct:
        ask(direct, setting)
        assert mine == ask(direct, question)
    assert ask(second, question) == before
    assert ask(first, question) == mine
    assert ask(connect(one), question) == before


def test_who_has_no_schema_gets_none_from_others(pooled):
    proxy = pooled(max_connections=5)
    others = [connect(proxy, database="test") for _ in range(5)]
    for client in others:
        ask(client, "BEGIN")  # so that each has one of the five
    for client in others:
        ask(client, "COMMIT")
    assert value(connect(proxy), "SELECT DATABASE()") is None


def test_prepared_statements_are_found_again(one, table):
    first, second = (raw(one) for _ in range(2))
    statements = [(client, client.prepare(f"SELECT ? + {add}, CONNECTION_ID()")) for client in (first, second)
                  for add in (1, 2)]
    for client, statement in statements * 2:
        assert client.execute(statement, 40)[0][0] in (41, 42)


def raw(proxy):
    from mysql.connector import connect as driver

    class Client:
        def __init__(self):
            self.connection = driver(host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password,
                                     use_pure=True, ssl_disabled=True, connection_timeout=30)

        def prepare(self, sql):
            cursor = self.connection.cursor(prepared=True)
            return cursor, sql.replace("?", "%s")

        def execute(self, statement, *values):
            cursor, sql = statement
            cursor.execute(sql, values)
            return cursor.fetchall()

    return Client()


def test_last_insert_id_and_row_counts(one, table):
    first, second = connect(one, database="test", autocommit=True), connect(one, database="test", autocommit=True)
    ask(first, "INSERT INTO pooled (name) VALUES ('a')")
    ask(second, "INSERT INTO pooled (name) VALUES ('b'), ('c')")
    assert value(first, "SELECT LAST_INSERT_ID()") == 1
    assert value(second, "SELECT LAST_INSERT_ID()") == 2
    assert value(first, "SELECT LAST_INSERT_ID()") == 1


def test_warnings_can_be_read(one):
    first, second = connect(one), connect(one)
    ask(first, "SELECT CAST('1x' AS SIGNED)")
    assert len(ask(first, "SHOW WARNINGS")) == 1
    assert ask(second, "SHOW WARNINGS") == ()
    with pytest.raises(pymysql.MySQLError):
        ask(first, "SELECT nothing")
    assert ask(second, "SHOW ERRORS") == ()


def test_counts_of_the_statement_before(server, one, table):
    first, second = connect(one, database="test", autocommit=True), connect(one, database="test", autocommit=True)
    direct = connect(server, database="test", autocommit=True)
    for sql in ["INSERT INTO pooled (name) VALUES ('a'), ('b'), ('c')", "SELECT * FROM pooled LIMIT 2",
                "SELECT SQL_CALC_FOUND_ROWS * FROM pooled LIMIT 1", "DELETE FROM pooled WHERE id < 0", "SET @x = 1"]:
        for client in (first, direct):
            ask(client, "SELECT 1 UNION SELECT 2")
            ask(client, sql)
            ask(second, "SELECT 1")
        answers = []
        for client in (first, direct):
            with client.cursor() as cursor:
                cursor.execute("SELECT ROW_COUNT(), FOUND_ROWS() + 1")
                answers.append((cursor.description[0], cursor.fetchall()[0][0]))
        assert answers[0] == answers[1], sql


def test_found_rows_are_kept_longer_than_the_connection(pooled, table):
    proxy = pooled(max_connections=1, linger="50ms")
    first, second = connect(proxy, database="test", autocommit=True), connect(proxy)
    ask(first, "INSERT INTO pooled (name) VALUES ('a'), ('b'), ('c')")
    ask(first, "SELECT SQL_CALC_FOUND_ROWS id FROM pooled LIMIT 1")
    assert value(second, "SELECT 1") == 1
    assert value(first, "SELECT FOUND_ROWS()") == 3


def test_warnings_can_be_read_without_autocommit(one):
    first = connect(one)
    with pytest.raises(pymysql.MySQLError):
        ask(first, "SELECT nothing")
    assert len(ask(first, "SHOW ERRORS")) == 1


@pytest.mark.parametrize("leaves", ["CREATE TEMPORARY TABLE test.left_behind (a INT)", "SET sql_mode = 'ANSI'", "SET @left = 1"])
def test_what_a_login_has_set_outlasts_who_was_there_before(server, one, leaves):
    """COM_RESET_CONNECTION and DEFAULT take back what CLIENT_IGNORE_SPACE is for."""
    capabilities = wire.USUAL | wire.IGNORE_SPACE | wire.INTERACTIVE
    question = b"SELECT @@sql_mode, @@wait_timeout = @@global.interactive_timeout"

    def answer(port):
        with Session(port, APP, capabilities) as session:
            said = session.query(question)
            session.query(leaves.encode())
            session.quit()
            return said

    wanted = answer(server.port)
    assert b"IGNORE_SPACE" in wanted[-2]
    for _ in range(3):
        assert answer(one.port) == wanted


@pytest.fixture
def trigger(server, table):
    """Sets @seen before each row of `pooled`, also of one that is refused."""
    server.ask("CREATE TRIGGER test.pooled_insert BEFORE INSERT ON test.pooled FOR EACH ROW SET @seen = NEW.id")
    server.ask("INSERT INTO test.pooled VALUES (7, 'there')")


@pytest.mark.parametrize("between", [[], ["SELECT 1"], ["SELECT * FROM nowhere"], ["COMMIT"], ["SET @other = 1"]], ids=str)
@pytest.mark.parametrize("eof", [0, wire.DEPRECATE_EOF], ids=["eof", "no eof"])
def test_what_a_trigger_sets_before_an_error_is_not_lost(pooled, trigger, between, eof):
    proxy = pooled(max_connections=2, linger="50ms", queue_timeout="300ms")
    with Session(proxy.port, APP, wire.USUAL | eof) as first, Session(proxy.port, APP) as second:
        assert Err.of(first.query(b"INSERT INTO pooled VALUES (7, 'again')")[-1]).code == 1062
        for statement in between:
            first.query(statement.encode())
        time.sleep(0.2)
        second.query(b"BEGIN")  # on the connection, if it was given back
        with Session(proxy.port, APP) as third:
            third.query(b"SELECT 1")  # or it is told soon that there is none
        assert b"\x017" in first.query(b"SELECT @seen")


def test_row_count_is_not_that_of_what_the_proxy_asks(pooled, trigger):
    """Behind an error in a statement with a trigger it has a transaction told of, and the connection stays."""
    with Session(pooled().port, APP) as session:
        assert Err.of(session.query(b"INSERT INTO pooled VALUES (7, 'again')")[-1]).code == 1062
        session.query(b"SELECT 1")
        assert session.query(b"SELECT ROW_COUNT()")[-2] == b"\x02-1"


def test_what_a_trigger_sets_in_a_batch_is_not_lost(pooled, trigger):
    proxy = pooled(max_connections=2, queue_timeout="300ms")
    with Session(proxy.port, APP) as first, Session(proxy.port, APP) as second:
        first.query(b"INSERT INTO pooled VALUES (8, 'new'); SET @other = 1")
        second.query(b"BEGIN")
        with Session(proxy.port, APP) as third:
            third.query(b"SELECT 1")
        assert b"\x018" in first.query(b"SELECT @seen")


@pytest.mark.parametrize("commands", [
    # An execute, a fetch and a reset of a statement that is not there; of one without a cursor.
    [("execute", 0, ()), ("query", b"SHOW WARNINGS"), ("query", b"SELECT ROW_COUNT()")],
    [("query", b"SELECT 1/0"), ("fetch", 0, 1), ("query", b"SHOW WARNINGS")],
    [("reset_statement", 0), ("query", b"SHOW ERRORS")],
    [("prepare", 0, b"SELECT 1"), ("fetch", 0, 1), ("query", b"SELECT ROW_COUNT()")],
    # What leaves another ROW_COUNT().
    [("query", b"SELECT 1"), ("prepare", 0, b"SELECT 1"), ("reset_statement", 0), ("query", b"SELECT ROW_COUNT()")],
    [("query", b"SELECT 1"), ("ping",), ("query", b"SELECT ROW_COUNT()")],
    [("ping",), ("set_option", True), ("query", b"SELECT ROW_COUNT()")],
    [("prepare", 0, b"SELECT 1 UNION SELECT 2"), ("execute", 0, (), 1), ("fetch", 0, 1), ("fetch", 0, 5), ("reset_statement", 0),
     ("query", b"SELECT ROW_COUNT()")],
    # What the option was set to outlasts the user.
    [("set_option", False), ("change_user", OTHER, b"test"), ("query", b"SELECT 1; SELECT 2"), ("set_option", True), ("query", b"SELECT 1; SELECT 2")],
    # MariaDB goes to the statement's schema and back, and takes that for a change.
    [("query", b"USE test"), ("prepare", 0, b"SELECT ?"), ("query", b"USE information_schema"),
     ("execute", 0, ((252, b"\x01\x00\xff\xbf"), (253, b"\x00")), 0, True), ("query", b"SELECT 1")],
    # What is asked for without a server.
    [("query", b"SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"), ("ping",)],
    # Nobody tells of it behind a reset.
    [("reset_connection",), ("query", b"SET completion_type = 2"), ("query", b"ROLLBACK"), ("query", b"SELECT 1")],
], ids=lambda commands: " ".join(command[0] for command in commands))
def test_same_answers_as_alone(server, pooled, commands):
    proxy = pooled(max_connections=2)

    def answers(port, others):
        said = []
        with Session(port, APP) as session:
            session.query(b"SELECT 'begin'")
            for name, *arguments in commands:
                if others:
                    connect(proxy).close()
                try:
                    said.append(getattr(session, name)(*arguments))
                except Closed:
                    said.append("closed")
                    break
                if said[-1] and LOST in said[-1][-1]:
                    said[-1] = "closed"
                    break
        return said

    assert answers(proxy.port, True) == answers(server.port, False)


@pytest.mark.parametrize("schema", [b"test", b""], ids=["schema", "none"])
def test_a_login_is_answered_in_the_same_way_without_a_server(server, pooled, schema):
    proxy = pooled(max_connections=2)
    tracking = wire.USUAL | wire.SESSION_TRACK

    def login(port, capabilities=tracking, **more):
        with Session(port, APP, capabilities, schema, **more) as session:
            return session.login

    expected = login(server.port)
    # By one that was opened for it, by what is known of that, and by one that others had before.
    assert [login(proxy.port) for _ in range(3)] == [expected] * 3
    with Session(proxy.port, APP, tracking, b"") as other:
        other.query(b"SET @left = 1")
        other.init_db(b"test")
    assert login(proxy.port) == expected
    assert login(proxy.port, wire.USUAL) == login(server.port, wire.USUAL)


def test_ids_of_statements_are_nobody_elses(one):
    with Session(one.port, APP) as first, Session(one.port, APP) as second:
        first.prepare(0, b"SELECT 'secret'")
        first.execute(0, ())
        for number in (*range(1, 9), 0xFFFFFFFF):
            second.gone[0] = number
            assert Err.of(second.execute(0, ())[-1]).code == 1243
            assert Err.of(second.fetch(0, 1)[-1]).code == 1243


# What keeps a connection


@pytest.mark.parametrize("begin,question,answer,end", [
    ("CREATE TEMPORARY TABLE test.own (a INT)", "SELECT COUNT(*) FROM test.own", 0, "DROP TEMPORARY TABLE test.own"),
    ("SELECT GET_LOCK('mine', 1)", "SELECT IS_USED_LOCK('mine') = CONNECTION_ID()", 1, "SELECT RELEASE_LOCK('mine')"),
    ("LOCK TABLES test.pooled WRITE", "SELECT COUNT(*) FROM test.pooled", 0, "UNLOCK TABLES"),
    ("PREPARE p FROM 'SELECT 7'", "SELECT 7", 7, "DEALLOCATE PREPARE p"),
])
def test_what_no_other_connection_has_keeps_its_own(pooled, table, begin, question, answer, end):
    proxy = pooled(max_connections=2)
    first, second = connect(proxy), connect(proxy)
    ask(first, begin)
    mine = value(first, "SELECT CONNECTION_ID()")
    for _ in range(3):
        assert value(second, "SELECT CONNECTION_ID()") != mine
        assert value(first, question) == answer
    ask(first, end)
    # With nothing kept the other one may have both.
    ask(second, "BEGIN")
    other = connect(proxy)
    assert value(other, "SELECT CONNECTION_ID()") in (mine, value(second, "SELECT CONNECTION_ID()"))
    ask(other, "BEGIN")
    ask(second, "ROLLBACK")


def test_a_statement_that_is_closed_lets_go(pooled):
    """With its cursor, at once: COM_STMT_CLOSE has no answer, and the client may say nothing more for long."""
    proxy = pooled(max_connections=1, queue_timeout="2s")
    with Session(proxy.port, APP) as first, Session(proxy.port, APP) as second:
        first.prepare(0, b"SELECT 1 UNION SELECT 2")
        first.execute(0, (), 1)
        assert Err.of(second.query(b"SELECT 7")[-1]).code == 1040
        first.close_statement(0)
        assert b"\x017" in second.query(b"SELECT 7")


def test_a_reset_lets_go_of_everything(pooled):
    proxy = pooled(max_connections=2)
    first, second = connect(proxy), connect(proxy)
    ask(first, "CREATE TEMPORARY TABLE test.own (a INT)")
    first._execute_command(0x1F, b"")
    first._read_ok_packet()
    ask(second, "BEGIN")
    with connect(proxy) as third:
        ask(third, "BEGIN")
        assert value(third, "SELECT 1") == 1
    with pytest.raises(pymysql.MySQLError):
        ask(first, "SELECT * FROM test.own")


def test_an_option_of_the_connection_is_nobody_elses(one):
    first = connect(one, client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)
    first._execute_command(0x1B, b"\x01\x00")  # COM_SET_OPTION: no multi-statements
    first._read_packet()
    with pytest.raises(pymysql.MySQLError):
        ask(first, "SELECT 1; SELECT 2")
    first.close()
    second = connect(one, client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)
    assert ask(second, "SELECT 1; SELECT 2") == ((1,),)
