"""Reads on replicas, with pooling = "transaction" and real replication: where statements go, and what they see."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from harness.accounts import APP, write_secret
from harness.proxy import Proxy
from harness.replicated import CHECKER, GtidReplication

# Of writes and the reads behind them; 100,000 for a thorough run.
PAIRS = int(os.environ.get("PAIRS", 300))


def tell_apart(server):
    """A table that is not copied says who the server is: a variable would be the session's."""
    connection = server.admin()
    with connection.cursor() as cursor:
        for sql in ("SET sql_log_bin = 0", "CREATE TABLE test.who (name VARCHAR(10))",
                    f"INSERT INTO test.who VALUES ('{server.name}')"):
            cursor.execute(sql)
    connection.close()


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def replication(request, work, build):
    made = GtidReplication(work, build, request.param, 2)
    try:
        made.begin()
        made.servers[0].ask("CREATE TABLE test.pairs (id INT PRIMARY KEY, n INT) ENGINE=InnoDB")
        made.servers[0].ask("INSERT INTO test.pairs VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0)")
        for server in made.servers:
            tell_apart(server)
        yield made
    finally:
        made.stop()


@pytest.fixture
def split(proxy_executable, tmp_path, replication):
    """split(causal_reads=...): a proxy that reads on the replica."""
    made = []

    def make(**main):
        password = write_secret(tmp_path / "checker", CHECKER.password)
        names = [server.name for server in replication.servers]
        tables = {
            "proxy": {"connect_timeout": "30s"},
            "health": {"interval": "200ms", "timeout": "10s", "user": CHECKER.name, "password_file": password},
            "pool.main": {"servers": names, "role": "primary", "pooling": "transaction", "read_pool": "reads", **main},
            "pool.reads": {"servers": names, "role": "replica", "primary_reads": "never", "pooling": "transaction"},
        }
        made.append(Proxy(proxy_executable, tmp_path / f"proxy{len(made)}", replication.servers, accounts=(APP,), tables=tables))
        made[-1].start()
        made[-1].wait_for_log("two is read-only, and replicates")
        return made[-1]

    yield make
    for proxy in made:
        proxy.stop_well()


def connect(proxy):
    return pymysql.connect(host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password, database="test",
                           autocommit=True, connect_timeout=30, read_timeout=60)


def ask(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_reads_go_to_the_replica_and_all_else_to_the_primary(split):
    client = connect(split())

    def who(sql="SELECT name FROM who"):
        return ask(client, sql)[0][0]

    assert who() == "two"
    assert who("SELECT name FROM who FOR UPDATE") == "one"
    ask(client, "SELECT GET_LOCK('x', 0)")
    assert who() == "one"
    ask(client, "SELECT RELEASE_LOCK('x')")
    assert who() == "two"
    ask(client, "BEGIN")
    assert who() == "one"
    ask(client, "COMMIT")
    ask(client, "START TRANSACTION READ ONLY")
    assert who() == "two"
    ask(client, "COMMIT")
    ask(client, "SET autocommit = 0")
    assert who() == "one"
    ask(client, "ROLLBACK")
    ask(client, "SET autocommit = 1")
    assert who() == "two"
    ask(client, "CREATE TEMPORARY TABLE mine (a INT)")
    assert who() == "one"
    ask(client, "DROP TEMPORARY TABLE mine")
    assert who() == "two"


def test_settings_hold_on_both(split):
    client = connect(split())
    ask(client, "SET time_zone = '+05:00', @mine = 'here'")
    assert ask(client, "SELECT name, FROM_UNIXTIME(0) FROM who")[0][0] == "two"
    assert str(ask(client, "SELECT FROM_UNIXTIME(0) FROM who")[0][0]) == "1970-01-01 05:00:00"
    assert ask(client, "SELECT @mine, @@time_zone") == (("here", "+05:00"),)


def pairs_of(client, pairs, row):
    """Writes and reads so many times; yields whether the read has not seen the write before it."""
    for n in range(1, pairs + 1):
        ask(client, f"UPDATE pairs SET n = {n} WHERE id = {row}")
        yield ask(client, f"SELECT n FROM pairs WHERE id = {row}")[0][0] != n


def write_and_read(client, pairs, row=1):
    """How many reads were stale."""
    return sum(pairs_of(client, pairs, row))


@pytest.fixture
def delayed(request, replication):
    """The replica is a second behind, or as many as the parameter says."""
    replica = replication.servers[1]

    def delay(seconds):
        replica.ask("STOP SLAVE")
        replica.ask(f"CHANGE MASTER TO MASTER_DELAY={seconds}")
        replica.ask("START SLAVE")

    delay(getattr(request, "param", 1))
    yield
    delay(0)


@pytest.mark.parametrize("delayed", [600], indirect=True)
def test_without_causal_reads_a_late_replica_shows(split, delayed):
    assert write_and_read(connect(split()), 3) == 3


@pytest.mark.parametrize("causal_reads", ["session", "global"])
def test_a_session_reads_what_it_has_written(split, delayed, causal_reads):
    assert write_and_read(connect(split(causal_reads=causal_reads, causal_wait="10s")), 2) == 0
    # One that takes too long is done without.
    assert write_and_read(connect(split(causal_reads=causal_reads, causal_wait="100ms")), 3) == 0


@pytest.mark.parametrize("causal_reads", ["session", "global"])
def test_many_pairs(split, causal_reads):
    proxy = split(causal_reads=causal_reads, causal_wait="10s")
    client = connect(proxy)
    assert write_and_read(client, PAIRS) == 0
    assert ask(client, "SELECT name FROM who") == (("two",),)


class Hesitation:
    """The replica stands still for a while, and goes on, again and again; at least once."""

    def __init__(self, replica, still=0.1, moving=0.1):
        self.replica, self.still, self.moving = replica, still, moving
        self.times = 0
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(1)

    def __enter__(self):
        self._running = self._threads.submit(self._run)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._running.result()  # raises what went wrong there
        assert self.times > 0

    def _run(self):
        while not self._stop.is_set():
            self.replica.ask("STOP SLAVE SQL_THREAD")
            time.sleep(self.still)
            self.replica.ask("START SLAVE SQL_THREAD")
            self.times += 1
            time.sleep(self.moving)


def test_many_pairs_of_many_clients_while_the_replica_hesitates(split, replication, capsys):
    proxy = split(causal_reads="session", causal_wait="50ms")
    clients = 8
    stale, errors = [], []

    def run(row):
        client = connect(proxy)
        try:
            stale.extend(pairs_of(client, PAIRS // clients + 1, row))
        except pymysql.err.MySQLError as error:
            errors.append(error)
        client.close()

    def reads_of(server):
        return int(server.ask("SHOW GLOBAL STATUS LIKE 'Com_select'")[0][1])

    before = [reads_of(server) for server in replication.servers]
    threads = [threading.Thread(target=run, args=(row,)) for row in range(1, clients + 1)]
    began = time.monotonic()
    with Hesitation(replication.servers[1]) as hesitation:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    reads = [reads_of(server) - earlier for server, earlier in zip(replication.servers, before)]
    with capsys.disabled():
        print(f"\n{replication.servers[0].flavor}: {len(stale)} pairs, {sum(stale)} stale, the replica stood still "
              f"{hesitation.times} times, {time.monotonic() - began:.0f} s, SELECTs of primary and replica {reads}")
    assert not any(stale)
    assert errors == []
    assert len(stale) >= PAIRS


def test_what_others_have_written_is_read_with_global(split, delayed):
    proxy = split(causal_reads="global", causal_wait="10s")
    writer, reader = connect(proxy), connect(proxy)
    ask(writer, "UPDATE pairs SET n = 4711 WHERE id = 1")
    assert ask(reader, "SELECT n FROM pairs WHERE id = 1") == ((4711,),)


def test_the_question_before_a_read_is_not_the_sessions_last_statement(split):
    client = connect(split(causal_reads="global", causal_wait="10s"))
    assert len(ask(client, "SELECT id FROM pairs")) == 8
    # Asked on the primary, whose last statement was the proxy's question for its position.
    assert ask(client, "SELECT FOUND_ROWS(), name FROM who FOR UPDATE") == ((8, "one"),)
