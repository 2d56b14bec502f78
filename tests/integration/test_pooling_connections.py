"""pooling = "transaction": the connections that are lent, and servers that have no room for more."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from harness.accounts import APP, Account
from harness.process import wait_until
from harness.proxy import Proxy
from pooling import ask, connect, one, pooled, table, value  # noqa: F401


def connected_or_none(proxy, account):
    with contextlib.suppress(pymysql.err.OperationalError):
        return connect(proxy, account)


def test_a_connection_that_was_killed_is_replaced(server, one):
    first = connect(one)
    server.ask(f"KILL {value(first, 'SELECT CONNECTION_ID()')}")
    wait_until(lambda: value(first, "SELECT 1") == 1, "an answer", 10)


def test_many_clients_over_few_connections(server, pooled, table):
    proxy = pooled(max_connections=5)
    before = time.time()

    def work(number, failures):
        try:
            with connect(proxy, database="test") as client:
                for turn in range(20):
                    ask(client, "BEGIN")
                    ask(client, f"INSERT INTO pooled (name) VALUES ('{number}-{turn}')")
                    if turn % 4 == 0:
                        ask(client, "ROLLBACK")
                    else:
                        ask(client, "COMMIT")
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    failures = []
    threads = [threading.Thread(target=work, args=(number, failures)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert server.ask("SELECT COUNT(*) FROM test.pooled")[0][0] == 60 * 15
    server.wait_for_sessions(5, APP.name)
    assert time.time() - before < 120


def test_a_server_that_has_no_room_itself_is_waited_for(server, pooled):
    """It lets less in than the configuration counts on: who finds that out waits as for a connection of the proxy's."""
    proxy = pooled(max_connections=50)
    failures = []

    def work():
        try:
            with connect(proxy, database="test") as client:
                for _ in range(3):
                    ask(client, "BEGIN")
                    ask(client, "SELECT SLEEP(0.02)")
                    ask(client, "COMMIT")
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(30)]
    with server.limited_to(10):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert failures == []
    assert server.ask("SHOW GLOBAL STATUS LIKE 'Connection_errors_max_connections'")[0][1] != "0"


def test_a_server_that_has_no_room_for_long_says_so(server, pooled):
    proxy = pooled(max_connections=50, queue_timeout="300ms")
    holders = []

    def refused():
        """Sessions of the tests before may leave meanwhile: then there is room, and it is taken as well."""
        try:
            while True:
                holders.append(pymysql.connect(host="127.0.0.1", port=server.port, user=APP.name, password=APP.password))
        except pymysql.err.OperationalError as error:
            assert error.args[0] == 1040
        try:
            connect(proxy).close()
        except pymysql.err.OperationalError as error:
            return error.args[0]

    with server.limited_to(10):
        try:
            assert wait_until(refused, "a client that is refused", 20) == 1040
        finally:
            for holder in holders:
                holder.close()


def test_kill_finds_a_client_without_a_connection(pooled):
    proxy = pooled(max_connections=2)
    first, second = connect(proxy), connect(proxy)
    ask(second, "SELECT 1")
    ask(first, f"KILL {second.thread_id()}")
    with pytest.raises(pymysql.MySQLError):
        for _ in range(50):
            ask(second, "SELECT 1")
            time.sleep(0.1)


class SingleSession:
    """Of each user: others get error 1203 once they have proved who they are. MariaDB can't be told so while it runs.

    All that is told to the server is by one connection from before: root is a user, too.
    """

    def __init__(self, server, account):
        self.server, self.account = server, account

    def __enter__(self):
        self.admin = self.server.admin()
        ask(self.admin, self.server.create_user(self.account))
        ask(self.admin, "SET GLOBAL max_user_connections = 1")
        self.holder = pymysql.connect(host="127.0.0.1", port=self.server.port, user=self.account.name,
                                      password=self.account.password)
        return self

    def __exit__(self, *_):
        self.holder.close()
        ask(self.admin, "SET GLOBAL max_user_connections = 0")
        ask(self.admin, f"DROP USER {self.account.name}")
        self.admin.close()

    def refusals(self):
        return int(ask(self.admin, "SHOW GLOBAL STATUS LIKE 'Aborted_connects'")[0][1])

    def leave(self):
        ask(self.admin, f"KILL {self.holder.thread_id()}")


def test_a_user_who_has_no_room_on_the_server_waits_for_it(mysql, proxy_executable, tmp_path):
    account = Account("single_waits", "one at a time")
    proxy = Proxy(proxy_executable, tmp_path, [mysql], accounts=[account],
                  tables={"pool.main": {"pooling": "transaction"}}).start()
    try:
        with SingleSession(mysql, account) as single, ThreadPoolExecutor(1) as threads:
            before = single.refusals()

            def leave():
                wait_until(lambda: single.refusals() > before, "the proxy was refused")
                single.leave()

            leaving = threads.submit(leave)
            with connect(proxy, account) as client:
                assert value(client, "SELECT 1") == 1
            leaving.result()
    finally:
        proxy.stop_well()


def test_a_user_whom_only_the_server_can_judge_is_told_that_there_is_no_room(mysql, proxy_executable, tmp_path):
    """The client's proof was for one challenge of the server's, and it can't be asked for another."""
    account = Account("single_through", "one at a time")
    proxy = Proxy(proxy_executable, tmp_path, [mysql], accounts=(), tables={
        "pool.main": {"pooling": "transaction"}, f"user.{account.name}": {"pool": "main", "passthrough": True}}).start()
    try:
        with SingleSession(mysql, account) as single:
            with pytest.raises(pymysql.err.OperationalError) as refused:
                connect(proxy, account)
            assert refused.value.args[0] == 1203
            single.leave()
            with wait_until(lambda: connected_or_none(proxy, account), "there is room") as client:
                assert value(client, "SELECT 1") == 1
    finally:
        proxy.stop_well()
