"""Servers that come and go, and pools of several of them."""

import re
import threading
import time

import pymysql
import pytest

from harness import wire
from harness.accounts import APP, NOBODY, OTHER, Account, write_secret
from harness.process import free_port, wait_until
from harness.servers import MySql
from harness.wire import Closed, Err, Wire, logged_in


def server_of(connection):
    return int(connection.ask("SELECT @@port"))


# Servers that come and go


def test_failover(start, pair):
    """A server that is down is skipped, and used again when it is back; the log says both."""
    db1, db2 = pair
    proxy = start(db1, db2, tables={"pool.main": {"balance": "first_available"}})
    with logged_in(proxy.port, APP) as connection:
        assert server_of(connection) == db1.port
    db1.kill()
    with logged_in(proxy.port, APP) as connection:
        assert server_of(connection) == db2.port
    proxy.wait_for_log(r"server db1 down since \d\d:\d\d:\d\d, Connection refused")
    since = len(proxy.messages())
    db1.start()
    proxy.wait_for_log("server db1 up", since=since, timeout=30)
    with logged_in(proxy.port, APP) as connection:
        assert server_of(connection) == db1.port


def test_no_server(start, pair):
    """The client is told of each server why it can't be had."""
    db1, db2 = pair
    proxy = start(db1, db2, tables={"server.db3": {"address": f"127.0.0.1:{free_port()}"}, "pool.main": {"servers": ["db1", "db3"]}})
    db1.stop()
    try:
        with Wire(proxy.port) as connection:
            refusal = Err.of(connection.log_in(APP))
        assert refusal.code == 1158
        assert refusal.message.startswith("no server for pool main: ")
        for name in ("db1", "db3"):
            assert re.search(rf"{name} down since [\d:]+, Connection refused", refusal.message), refusal.message
    finally:
        db1.start()


def test_start_without_servers(start, pair):
    """The proxy starts, greets, and serves as soon as a server is there."""
    db1, _ = pair
    db1.stop()
    proxy = start(db1)
    with Wire(proxy.port) as connection:
        assert Err.of(connection.log_in(APP)).code == 1158
    db1.start()
    proxy.wait_for_log("server db1 up", timeout=30)
    with logged_in(proxy.port, APP) as connection:
        assert connection.greeting.version.endswith(connection.ask("SELECT VERSION()"))
        assert server_of(connection) == db1.port


@pytest.mark.parametrize("moment", ["in a query", "in a result", "in a prepared statement", "between queries"])
def test_server_dies(start, pair, moment):
    """A client that waits for an answer is told why none comes, where an ERR can stand; what it
    sent is not sent again."""
    db1, db2 = pair
    proxy = start(db1, db2, tables={"pool.main": {"balance": "first_available"}})
    connection = logged_in(proxy.port, APP)
    try:
        if moment == "in a query":
            connection.query("SELECT SLEEP(10)")
        elif moment == "in a prepared statement":
            connection.command(wire.COM_STMT_PREPARE, b"SELECT SLEEP(10)")
            connection.read(), connection.read(), connection.read()
            connection.command(wire.COM_STMT_EXECUTE, b"\x01\0\0\0\0\x01\0\0\0")
        elif moment == "in a result":
            connection.query("SELECT seq, SLEEP(seq > 2000), REPEAT('x', 100) FROM seq_1_to_2100")
            for _ in range(5):
                connection.read()
        if moment in ("in a query", "in a prepared statement"):
            wait_until(lambda: db1.ask("SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(10)'")[0][0],
                       "the query to run")
        db1.kill()
        told = []
        with pytest.raises(Closed):
            while True:
                payload = connection.read()
                if payload[:1] == b"\xff":
                    told.append(Err.of(payload))
        if moment in ("in a query", "in a prepared statement"):
            assert [err.code for err in told] == [1158] and "server db1 closed the connection" in told[0].message
        if moment == "between queries":
            assert not told
        line = proxy.wait_for_access()
        assert line["ended_by"] == "server" and line["server"] == "db1"
        assert db2.sessions() == 0
        with logged_in(proxy.port, APP) as connection:
            assert server_of(connection) == db2.port
    finally:
        if db1.child.running():
            db1.kill()
        db1.start()


def test_frozen_server(start, pair):
    """connect_timeout bounds the wait for one that accepts and says nothing; the next is taken."""
    db1, db2 = pair
    proxy = start(db1, db2, tables={"pool.main": {"balance": "first_available"}, "proxy": {"connect_timeout": "500ms"},
                                    "health": {"interval": "60s"}})
    db1.child.freeze()
    try:
        begun = time.monotonic()
        with logged_in(proxy.port, APP) as connection:
            assert server_of(connection) == db2.port
        assert time.monotonic() - begun < 5
        proxy.wait_for_log("server db1 down since .*connect_timeout")
        begun = time.monotonic()
        logged_in(proxy.port, APP).close()
        assert time.monotonic() - begun < 0.45, "it is left alone for a while"
    finally:
        db1.child.thaw()


def test_health_check_logs_in(start, pair):
    """Where an account is given; what is wrong with it is said, and does not take the server down."""
    db1, db2 = pair
    proxy = start(db1, running=False)
    password = write_secret(proxy.folder / "health.password", "wrong")
    proxy.tables["health"] = {"interval": "200ms", "user": "app", "password_file": password}
    proxy.start()
    proxy.wait_for_log("health check: .*db1 refused login 1045 Access denied")
    logged_in(proxy.port, APP).close()
    password.write_text(APP.password + "\n")
    proxy.reload()
    since = len(proxy.messages())
    time.sleep(0.6)
    assert not [one for one in proxy.messages()[since:] if "refused" in one["message"]]


# Pools


def spread(proxy, count):
    """How many of `count` connections that are open at once each server has."""
    connections = [logged_in(proxy.port, APP) for _ in range(count)]
    ports = [server_of(one) for one in connections]
    for one in connections:
        one.close()
    return ports


def test_balance(start, pair):
    db1, db2 = pair
    wait = {"health": {"interval": "60s"}}
    ports = spread(start(db1, db2, tables={"pool.main": {"balance": "round_robin"}, **wait}), 10)
    assert sorted(ports) == sorted([db1.port, db2.port] * 5)
    ports = spread(start(db1, db2, tables={"pool.main": {"balance": "least_connections"}, **wait}), 10)
    assert sorted(ports) == sorted([db1.port, db2.port] * 5)
    ports = spread(start(db1, db2, tables={"pool.main": {"balance": "first_available"}, **wait}), 4)
    assert ports == [db1.port] * 4
    ports = spread(start(db1, db2, tables={"server.db1": {"weight": 3}, **wait}), 12)
    assert ports.count(db1.port) == 9


TWO_POOLS = {"pool.main": {"servers": ["db1"]}, "pool.second": {"servers": ["db2"]}, "user.other": {"pool": "second"}}


def test_user_to_pool(start, pair):
    db1, db2 = pair
    proxy = start(db1, db2, tables=TWO_POOLS)
    with logged_in(proxy.port, APP) as one, logged_in(proxy.port, OTHER) as other:
        assert (server_of(one), server_of(other)) == (db1.port, db2.port)


def test_change_to_another_pool(start, pair):
    """COM_CHANGE_USER may lead to another server, and back."""
    db1, db2 = pair
    proxy = start(db1, db2, tables=TWO_POOLS)
    with logged_in(proxy.port, APP) as connection:
        for account, expected in ((OTHER, db2.port), (NOBODY, db1.port), (APP, db1.port)):
            change_user(connection, account)
            assert server_of(connection) == expected
            assert connection.ask("SELECT CURRENT_USER()") == f"{account.name}@%"
        db2.wait_for_sessions(0)


def change_user(connection, account, salt=None):
    answer = wire.scramble(account.password, salt or connection.greeting.salt)
    connection.command(wire.COM_CHANGE_USER, account.name.encode() + b"\0" + bytes([len(answer)]) + answer + b"test\0\x2d\0"
                       + wire.NATIVE + b"\0")
    reply = connection.read()
    if reply[:1] == b"\xfe":
        salt = reply.split(b"\0", 1)[1][:20]
        connection.send(wire.scramble(account.password, salt))
        reply = connection.read()
    assert reply[:1] == b"\x00", Err.of(reply)


def test_kill_on_another_server(start, pair):
    """A connection id means the client's connection, whichever server it is on."""
    db1, db2 = pair
    tables = {"pool.main": {"servers": ["db1", "db2"], "balance": "round_robin"}, "health": {"interval": "60s"}}
    proxy = start(db1, db2, tables=tables)
    with logged_in(proxy.port, APP) as killer, logged_in(proxy.port, APP) as victim:
        assert server_of(killer) != server_of(victim)
        where = db1 if server_of(victim) == db1.port else db2
        victim.query("SELECT SLEEP(20)")
        wait_until(lambda: where.ask("SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(20)'")[0][0],
                   "the query to run")
        assert killer.ask(f"KILL QUERY {victim.greeting.connection_id}") is None
        packets = [victim.read()]
        while packets[-1][:1] not in (b"\xff", b"\xfe") or len(packets) < 4 and packets[-1][:1] == b"\xfe":
            packets.append(victim.read())
        assert Err.of(packets[-1]).code == 1317 if packets[-1][:1] == b"\xff" else packets[-2] == b"\x011"
        assert victim.ask("SELECT 'alive'") == "alive"
        assert killer.ask(f"KILL {victim.greeting.connection_id}") is None
        assert victim.closed()
        assert killer.ask("SELECT 'alive'") == "alive"


def test_server_with_another_default_plugin(start, work, build):
    """MySQL 8 greets with caching_sha2_password and switches to the account's own plugin."""
    server = MySql(work / "mysql-sha2", build / "mysql8", "sha2", plugin="caching_sha2_password")
    try:
        server.create()
        proxy = start(server)
        with logged_in(proxy.port, APP) as connection:
            assert connection.ask("SELECT CURRENT_USER()") == "app@%"
            change_user(connection, OTHER)
            assert connection.ask("SELECT CURRENT_USER()") == "other@%"
    finally:
        server.stop()


def test_more_columns_than_a_table_can_have(start, mariadb):
    proxy = start(mariadb)
    values = [str(number) for number in range(68001)]
    with pymysql.connect(host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT '" + "','".join(values) + "'")
            assert list(cursor.fetchone()) == values


def test_account_of_old(start, mariadb):
    """A user whose account wants mysql_old_password is told so, and the server stays there for the others."""
    old = Account("old", "old secret")
    mariadb.ask("SET GLOBAL secure_auth = OFF")
    mariadb.ask(f"CREATE USER {old.name} IDENTIFIED VIA mysql_old_password USING '0123456789abcdef'")
    try:
        proxy = start(mariadb, tables={"user.old": {"pool": "main", "native_hash": old.native_hash},
                                       "health": {"interval": "1h"}})
        for _ in range(2):
            with pytest.raises(pymysql.err.OperationalError, match="mysql_old_password"):
                pymysql.connect(host="127.0.0.1", port=proxy.port, user=old.name, password=old.password)
            logged_in(proxy.port, APP).close()
        assert not [one for one in proxy.messages() if "down" in one["message"]]
    finally:
        mariadb.ask(f"DROP USER {old.name}")
        mariadb.ask("SET GLOBAL secure_auth = ON")


def test_mixed_pool(start, mariadb, mysql):
    """Clients of a pool of both kinds are shown what both can do, and get right answers from each."""
    proxy = start(mariadb, mysql, tables={"pool.main": {"balance": "round_robin"}, "health": {"interval": "60s"}})
    connections = [logged_in(proxy.port, APP, wire.USUAL | wire.DEPRECATE_EOF) for _ in range(4)]
    versions = set()
    for one in connections:
        assert one.greeting.capabilities == connections[0].greeting.capabilities
        one.query("SELECT @@version")
        assert one.read() == b"\x01"
        one.read()
        versions.add("MariaDB" in one.read().decode())
        assert one.read()[0] == 0xFE
        one.close()
    assert versions == {True, False}


def test_crowd(start, server):
    """64 clients at once, each with its own answers, and nothing left behind."""
    proxy = start(server)
    wrong = []

    def work(number):
        try:
            with logged_in(proxy.port, APP) as connection:
                for i in range(30):
                    if connection.ask(f"SELECT '{number}-{i}'") != f"{number}-{i}":
                        wrong.append(number)
        except Exception as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    server.wait_for_sessions(0, APP.name)
    wait_until(lambda: len(proxy.accesses()) >= 64, "a line in the access log for each")
    assert len(proxy.accesses()) == 64
