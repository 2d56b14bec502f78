"""pooling = "transaction", where a session has more on its connection than meets the eye."""

import struct
import threading
import time

import pymysql
import pytest

from harness import wire
from harness.accounts import APP
from harness.exchange import Session, lenenc_string
from harness.process import wait_until
from harness.wire import Err
from pooling import ask, connect, one, pooled, table, value  # noqa: F401

#: More than the proxy waits for before it lets a command through.
LONG = 1 << 20


def text(data):
    return 0xFD, lenenc_string(data)


def number(value):
    return 3, struct.pack("<i", value)


def end_of(session, slot, values, rebind=True):
    """The answer to an execute, without its columns' names."""
    return session.execute(slot, values, rebind=rebind)[-2:]


# Long commands


def test_a_long_statement_has_an_id_of_its_own(pooled):
    proxy = pooled(max_connections=2)
    with Session(proxy.port, APP) as first, Session(proxy.port, APP) as second:
        first.prepare(0, b"SELECT 7")
        first.prepare(1, b"SELECT 'mine', /*" + b"x" * LONG + b"*/ ?")
        second.query(b"SELECT 1")
        assert b"mine" in first.execute(1, (number(5),))[-2]
        assert b"mine" not in first.execute(0, ())[-2]
        assert b"mine" in first.execute(1, (number(5),))[-2]


def test_a_long_statement_keeps_its_connection_until_it_is_closed(pooled):
    proxy = pooled(max_connections=1, queue_timeout="2s")
    with Session(proxy.port, APP) as first, Session(proxy.port, APP) as second:
        first.prepare(0, b"SELECT /*" + b"x" * LONG + b"*/ 5")
        assert Err.of(second.query(b"SELECT 7")[-1]).code == 1040
        first.close_statement(0)
        assert b"\x017" in second.query(b"SELECT 7")


@pytest.mark.parametrize("size", [100, LONG + 1000])
def test_types_are_the_sessions_own_however_long_the_values_are(one, size):
    with Session(one.port, APP) as first, Session(one.port, APP) as second:
        for session in (first, second):
            session.prepare(0, b"SELECT LENGTH(?), ?")
        first.execute(0, (text(b"a"), number(6)))
        second.execute(0, (number(3), text(b"kkk")))
        row = end_of(first, 0, (text(b"x" * size), number(6)), rebind=False)[0]
        assert row == bytes(2) + struct.pack("<qi", size, 6) or row == bytes(2) + struct.pack("<ii", size, 6)
        if size > LONG:
            return  # of which nobody knows what it did: the session keeps the connection
        assert end_of(second, 0, (number(3), text(b"kkk")), rebind=False)[0].endswith(b"\x03kkk")
        assert end_of(first, 0, (text(b"xy"), number(8)), rebind=False)[0].endswith(struct.pack("<i", 8))


def test_types_of_a_bulk_are_the_sessions_own(one, server, table):
    if server.flavor == "mysql":
        pytest.skip("MariaDB's")
    bulk = wire.USUAL & ~wire.LONG_PASSWORD | wire.BULK_OPERATIONS
    with Session(one.port, APP, bulk) as first, Session(one.port, APP, bulk) as second:
        for session in (first, second):
            session.prepare(0, b"INSERT INTO pooled (name) VALUES (LEFT(?, 3))")
        many = [[lenenc_string(b"one")], [lenenc_string(b"four")]]
        assert first.execute_in_bulk(0, many, types=[0xFD])[-1][0] == 0
        assert second.execute_in_bulk(0, [[struct.pack("<i", 1234)]], types=[3])[-1][0] == 0
        assert first.execute_in_bulk(0, many)[-1][0] == 0
        first.slots[0].bound, first.slots[0].types = True, [0xFD]
        assert first.execute(0, (text(b"two"),), rebind=False)[-1][0] == 0
        assert second.execute_in_bulk(0, [[struct.pack("<i", 5678)]])[-1][0] == 0
        assert first.execute(0, (number(9),))[-1][0] == 0
        assert first.execute_in_bulk(0, [[struct.pack("<i", 10)]])[-1][0] == 0
    names = server.ask("SELECT GROUP_CONCAT(name ORDER BY id) FROM test.pooled")[0][0]
    assert names == "one,fou,123,one,fou,two,567,9,10"


# What keeps a connection


@pytest.mark.parametrize("end,kept", [("INSERT INTO pooled (name) VALUES ('b')", 1), ("ROLLBACK TO SAVEPOINT s1", 0)])
def test_a_savepoint_is_there_before_the_server_speaks_of_a_transaction(pooled, table, end, kept):
    proxy = pooled(max_connections=2)
    first, others = connect(proxy, database="test", autocommit=False), [connect(proxy) for _ in range(2)]
    ask(first, "SAVEPOINT s1")
    for other in others:
        ask(other, "SELECT 1")
    ask(first, end)
    ask(first, "RELEASE SAVEPOINT s1")
    ask(first, "COMMIT")
    assert value(others[0], "SELECT COUNT(*) FROM test.pooled") == kept


def test_a_savepoint_is_forgotten_with_its_transaction(one):
    first, second = connect(one, autocommit=False), connect(one, autocommit=True)
    ask(first, "SAVEPOINT s1")
    ask(first, "COMMIT")
    assert value(second, "SELECT 1") == 1
    with pytest.raises(pymysql.MySQLError) as caught:
        ask(first, "ROLLBACK TO SAVEPOINT s1")
    assert caught.value.args[0] == 1305


def test_a_temporary_table_is_of_the_schema_that_its_statement_was_prepared_in(server, pooled):
    for sql in ("CREATE DATABASE IF NOT EXISTS test2", "DROP TABLE IF EXISTS test2.own", "GRANT ALL ON test2.* TO 'app'@'%'"):
        server.ask(sql)
    proxy = pooled(max_connections=2)
    with Session(proxy.port, APP) as first, Session(proxy.port, APP) as second, Session(proxy.port, APP) as third:
        first.prepare(0, b"CREATE TEMPORARY TABLE own (a INT)")
        first.query(b"USE test2")
        first.query(b"CREATE TABLE own (b INT)")
        first.execute(0, ())
        first.query(b"DROP TABLE test2.own")
        for other in (second, third):
            assert Err.of(other.query(b"SELECT * FROM test.own")[-1]).code == 1146
        assert Err.of(first.query(b"SELECT COUNT(*) FROM test.own")[-1]) is None


@pytest.mark.parametrize("sql", [b"SET @x = '\xff\xfe'", b"SET @x = CONCAT('\xff', LOWER('A'))"])
def test_a_variable_may_have_bytes_that_are_no_characters(pooled, sql):
    proxy = pooled(max_connections=2)
    first, others = connect(proxy, charset="utf8mb4"), [connect(proxy) for _ in range(2)]
    ask(first, sql)
    before = value(first, "SELECT HEX(@x)")
    for other in others:
        ask(other, "SELECT 1")
    assert value(first, "SELECT 1") == 1
    assert value(first, "SELECT HEX(@x)") == before


def test_a_prepared_question_about_the_statement_before(pooled):
    proxy = pooled(max_connections=2, linger="50ms")
    with Session(proxy.port, APP) as first, Session(proxy.port, APP) as second:
        first.prepare(0, b"SELECT FOUND_ROWS() + ?")
        first.query(b"SELECT 1 UNION SELECT 2 UNION SELECT 3")
        for _ in range(3):
            time.sleep(0.1)  # longer than it would linger
            second.query(b"SELECT 1 UNION SELECT 2")
        assert first.execute(0, (number(40),))[-2] == bytes(2) + struct.pack("<q", 43)
        first.close_statement(0)
        assert b"\x017" in first.query(b"SELECT 7")


# When there is no room


def test_kill_needs_no_room(server, pooled):
    proxy = pooled(max_connections=1)
    first, second, third = (connect(proxy) for _ in range(3))
    came = []

    def sleep():
        try:
            came.append(value(first, "SELECT SLEEP(30)"))
        except pymysql.MySQLError as error:
            came.append(error.args[0])

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    running = "SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(30)'"
    wait_until(lambda: server.ask(running)[0][0] == 1, "the statement to run")
    ask(second, f"KILL QUERY {first.thread_id()}")
    sleeper.join(15)
    assert came in ([1], [1317])
    assert value(third, "SELECT 1") == 1


# Schemas that go


def test_a_session_outlives_its_schema(server, pooled):
    for sql in ("DROP DATABASE IF EXISTS going", "CREATE DATABASE going", "GRANT ALL ON going.* TO 'app'@'%'"):
        server.ask(sql)
    proxy = pooled(max_connections=2)
    first, others = connect(proxy, autocommit=True), [connect(proxy, autocommit=True) for _ in range(2)]
    ask(first, "USE going")
    ask(first, "SET @mine = 5")
    ask(others[0], "BEGIN")  # so that the first one's is taken by somebody else
    server.ask("DROP DATABASE going")
    ask(others[1], "USE test")
    ask(others[0], "ROLLBACK")
    assert value(first, "SELECT @mine") == 5
    ask(first, "USE test")
    assert value(first, "SELECT DATABASE()") == "test"
    assert value(first, "SELECT @mine") == 5
