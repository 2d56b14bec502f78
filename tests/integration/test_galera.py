"""Three nodes of a Galera cluster behind a proxy: nodes leave and join under load, and clients do not notice.

LONG_TESTS=1 for all the ways to leave.
"""

import collections
import os
import threading
import time

import pymysql
import pytest

from harness.accounts import APP, OTHER, Account, write_secret
from harness.galera import Galera
from harness.process import wait_until
from harness.proxy import Proxy
from harness.replicated import CHECKER

#: Of load at each state, in seconds; more for a thorough run.
REST = float(os.environ.get("GALERA_SECONDS", 1))
CLIENTS = int(os.environ.get("GALERA_CLIENTS", 4))

#: Its statements go to every node.
ANYWHERE = Account(OTHER.name, OTHER.password, "everywhere")
#: A statement was under way on a node that is no more: nobody knows whether it was done.
LOST = 1158
#: Its transaction was undone by another node's, or by its own node's end. No proxy can hide that.
UNDONE = (1180, 1213)


@pytest.fixture(scope="module")
def cluster(work):
    made = Galera(work)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def proxy(proxy_executable, tmp_path, cluster):
    password = write_secret(tmp_path / "checker", CHECKER.password)
    names = [node.name for node in cluster.nodes]
    lent = {"servers": names, "pooling": "transaction", "replay_reads": True}
    tables = {
        "proxy": {"threads": 2, "connect_timeout": "3s"},
        "health": {"interval": "100ms", "timeout": "1s", "fall": 2, "user": CHECKER.name, "password_file": password},
        # One node is written to; of reads each has its share.
        "pool.main": {**lent, "role": "primary", "primary_wait": "20s", "read_pool": "everywhere"},
        "pool.everywhere": {**lent, "balance": "round_robin"},
    }
    for node in cluster.nodes:
        if not node.child.running():
            node.start()
    cluster.wait_for_all()
    cluster.nodes[0].ask("TRUNCATE test.kept")
    made = Proxy(proxy_executable, tmp_path / "proxy", cluster.nodes, accounts=(APP, ANYWHERE), tables=tables).start()
    yield made
    made.stop_well()


def connect(proxy, account=APP):
    return pymysql.connect(host="127.0.0.1", port=proxy.port, user=account.name, password=account.password, database="test",
                           autocommit=True, connect_timeout=30, read_timeout=60)


class Load:
    """Clients that write a row, each its own, and read one, and never connect again."""

    def __init__(self, proxy, account):
        self.proxy, self.account = proxy, account
        self.acknowledged, self.errors = set(), []
        self.done = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _run(self, number):
        connection = connect(self.proxy, self.account)
        while not self._stop.is_set():
            for sql in (f"INSERT INTO kept (n) VALUES ({number})", f"SELECT n FROM kept WHERE n >= {number} LIMIT 1"):
                try:
                    with connection.cursor() as cursor:
                        cursor.execute(sql)
                    if sql.startswith("INSERT"):
                        self.acknowledged.add(number)
                    self.done += 1
                except pymysql.err.MySQLError as error:
                    self.errors.append((sql.split(" ")[0], *error.args))
                    if error.args[0] == 2013:
                        return
            number += CLIENTS
            time.sleep(0.002)
        connection.close()

    def errors_are_few(self):
        """One statement a client was under way, no more."""
        assert len(self.errors) <= CLIENTS, collections.Counter(self.errors)
        return True

    def goes_on(self, more=20, seconds=0.0):
        goal, end = self.done + more, time.monotonic() + seconds
        wait_until(lambda: self.done >= goal and time.monotonic() >= end,
                   f"{more} more statements; errors: {self.errors[-3:]}", timeout=40 + seconds)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


#: The nodes of a pool with a primary, or of one without.
ONE, ALL = pytest.param(APP, id="one is written to"), pytest.param(ANYWHERE, id="all are written to")


def long(param):
    return pytest.param(*param.values, id=param.id, marks=pytest.mark.long)


@pytest.fixture
def load(proxy, account):
    made = Load(proxy, account)
    made.goes_on()
    yield made
    made.stop()


def assert_all_is_kept(cluster, load):
    load.stop()
    cluster.wait_for_all()
    for node in cluster.nodes:
        node.ask("SET SESSION wsrep_sync_wait = 1")
        kept = {row[0] for row in node.ask("SELECT n FROM test.kept")}
        assert load.acknowledged <= kept, f"{node.name} lacks {sorted(load.acknowledged - kept)[:5]}"


def written_on(cluster, load):
    """The node that the statements go to, or any where they go to all."""
    load.goes_on()
    name = cluster.nodes[1].ask("SELECT name FROM test.kept ORDER BY n DESC LIMIT 1")[0][0]
    return next(node for node in cluster.nodes if node.name == name)


def is_used(node):
    """Sessions of the tests' users are there."""
    return node.sessions() > 0


@pytest.mark.parametrize("account", [ONE, long(ALL)])
def test_a_node_is_taken_out_and_put_back(proxy, cluster, load):
    node = written_on(cluster, load)
    for take, put in (("wsrep_reject_queries = ALL", "wsrep_reject_queries = NONE"), ("wsrep_desync = ON", "wsrep_desync = OFF")):
        since = len(proxy.messages())
        node.ask(f"SET GLOBAL {take}")
        proxy.wait_for_log(f"{node.name} is .*not (in step|synced) with its cluster", since=since)
        load.goes_on(seconds=REST)
        node.ask(f"SET GLOBAL {put}")
        proxy.wait_for_log(f"{node.name} is writable$", since=since)
        load.goes_on()
    assert load.errors == []
    assert_all_is_kept(cluster, load)


@pytest.mark.parametrize("account", [long(ONE), long(ALL)])
def test_a_node_is_stopped_and_joins_again(proxy, cluster, load):
    node = written_on(cluster, load)
    # As an operator does it: no statement is under way there when it goes.
    node.ask("SET GLOBAL wsrep_reject_queries = ALL")
    proxy.wait_for_log(f"{node.name} is .*not in step")
    since = len(proxy.messages())
    node.stop()
    load.goes_on(seconds=REST)
    node.start()
    proxy.wait_for_log(f"{node.name} is writable$", since=since)
    load.goes_on()
    assert load.errors == []
    assert_all_is_kept(cluster, load)


@pytest.mark.parametrize("account", [long(ONE), ALL])
def test_a_node_is_killed_and_joins_again(proxy, cluster, load):
    node = written_on(cluster, load)
    node.kill()
    load.goes_on(seconds=REST)
    since = len(proxy.messages())
    node.start()
    proxy.wait_for_log(f"{node.name} is writable$", since=since)
    load.goes_on()
    # What it was writing is in doubt, one statement a client; nothing else is.
    assert load.errors_are_few()
    assert all(error[0] == "INSERT" and error[1] == LOST for error in load.errors), load.errors
    assert_all_is_kept(cluster, load)


@pytest.mark.parametrize("account", [long(ONE), long(ALL)])
def test_a_node_hangs_and_goes_on(proxy, cluster, load):
    node = written_on(cluster, load)
    since = len(proxy.messages())
    node.child.freeze()
    try:
        proxy.wait_for_log(f"{node.name} down", since=since)
        # Else everybody waits for it sooner or later.
        if load.account is APP:
            load.goes_on(seconds=REST)
    finally:
        node.child.thaw()
    proxy.wait_for_log(f"{node.name} is writable$", since=since)
    load.goes_on()
    assert load.errors_are_few()
    assert all(error[0] == "INSERT" and error[1] in (LOST, *UNDONE) for error in load.errors), load.errors
    assert_all_is_kept(cluster, load)


def test_a_node_that_comes_back_is_as_good_as_any(proxy, cluster):
    """Each is the only one left in turn: nobody stays fenced for having been away."""
    client = connect(proxy)

    def name():
        with client.cursor() as cursor:
            cursor.execute("INSERT INTO kept (n) SELECT COALESCE(MAX(n), 0) + 1 FROM kept")
            cursor.execute("SELECT name FROM kept ORDER BY n DESC LIMIT 1 FOR UPDATE")
            return cursor.fetchone()[0]

    one, two, three = cluster.nodes
    assert name() == "one"
    one.ask("SET GLOBAL wsrep_reject_queries = ALL")
    assert name() == "two"
    since = len(proxy.messages())
    one.ask("SET GLOBAL wsrep_reject_queries = NONE")
    proxy.wait_for_log("one is writable$", since=since)
    for node in (two, three):
        node.ask("SET GLOBAL wsrep_reject_queries = ALL")
    assert name() == "one"
    for node in (two, three):
        node.ask("SET GLOBAL wsrep_reject_queries = NONE")
