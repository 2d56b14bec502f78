"""The primary is moved: by plan, under load, and when it is lost; and nothing that was acknowledged gets lost."""

import contextlib
import json
import subprocess
import threading
import time

import pymysql
import pytest

from harness.accounts import APP, write_secret
from harness.process import wait_until
from harness.proxy import Proxy
from harness.replicated import CHECKER, COPY, GtidReplication

#: What PyMySQL makes of an error that comes before it has asked for anything.
SERVER_LOST = 2013

#: What no vendor does in its own way is tried with one.
once = pytest.mark.parametrize("replication", ["mariadb"], indirect=True)


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def replication(request, work, build):
    made = GtidReplication(work, build, request.param, 3 if request.param == "mariadb" else 2)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def start(proxy_executable, tmp_path, replication):
    """start(**pool): a proxy in front of them, after a fresh beginning."""
    made = []

    def make(fresh=True, **pool):
        if fresh:
            replication.begin()
        folder = tmp_path / f"proxy{len(made)}"
        folder.mkdir()
        for account in (CHECKER, COPY):
            write_secret(folder / account.name, account.password)
        tables = {
            "proxy": {"control": folder / "control"},
            "health": {"interval": "200ms", "timeout": "2s", "user": CHECKER.name, "password_file": folder / CHECKER.name},
            "health.reachable": {"fall": 2},
            "pool.main": {"servers": [server.name for server in replication.servers], "role": "primary", "primary_wait": "30s",
                          "replication_user": COPY.name, "replication_password_file": folder / COPY.name, **pool},
        }
        made.append(Proxy(proxy_executable, folder, replication.servers, accounts=(APP,), tables=tables))
        proxy = made[-1].start()
        for server in replication.servers[1:]:
            proxy.wait_for_log(f"{server.name} is read-only, and replicates")
        return proxy

    yield make
    for proxy in made:
        proxy.stop_well()


def operate(proxy, *arguments):
    """The exit code and what is printed."""
    done = subprocess.run([proxy.executable, *arguments, "-c", proxy.config], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def primary_of(proxy):
    code, text = operate(proxy, "status", "--json")
    assert code == 0, text
    return json.loads(text)["pools"][0]["primary"]


class Writers:
    """Clients that write a number a transaction, each its own, and note what was acknowledged."""

    def __init__(self, proxy, count=4):
        self.proxy = proxy
        self.acknowledged = set()
        self.tried = set()
        self.errors = []
        self.longest_gap = 0.0
        self._resting = threading.Event()
        self._at_rest = threading.Barrier(count + 1)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number, count)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, number, step):
        connection = None
        last = time.monotonic()
        while not self._stop.is_set():
            if self._resting.is_set():
                self._at_rest.wait()
                self._at_rest.wait()
                last = time.monotonic()
            try:
                if connection is None:
                    connection = pymysql.connect(host="127.0.0.1", port=self.proxy.port, user=APP.name, password=APP.password,
                                                 database="test", connect_timeout=30)
                self.tried.add(number)
                with connection.cursor() as cursor:
                    cursor.execute("INSERT INTO kept VALUES (%s)", (number,))
                connection.commit()
                self.acknowledged.add(number)
                now = time.monotonic()
                self.longest_gap, last = max(self.longest_gap, now - last), now
            except pymysql.err.MySQLError as error:
                self.errors.append(error)
                connection = None
            number += step
        if connection:
            connection.close()

    @contextlib.contextmanager
    def at_rest(self):
        """Nobody writes anything, or waits for an answer."""
        self._resting.set()
        self._at_rest.wait(60)
        try:
            yield
        finally:
            self._resting.clear()
            self._at_rest.wait(60)

    def wait_for(self, more):
        """Until so many more were acknowledged."""
        goal = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= goal, f"{more} more writes; errors: {self.errors[-3:]}")

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def assert_kept(writers, replication, servers):
    """What was acknowledged is there, nothing is there that nobody wrote, and all have the same."""
    first, *others = servers
    kept = replication.kept(first)
    assert writers.acknowledged <= kept <= writers.tried
    for server in others:
        wait_until(lambda: replication.kept(server) == kept, f"{server.name} has the same as {first.name}")


def test_a_planned_move_under_load_loses_nothing(start, replication):
    one, two = replication.servers[:2]
    proxy = start()
    code, plan = operate(proxy, "switchover", "main", "--to", "two", "--dry-run")
    assert code == 0 and "would make one read-only" in plan and "would make two the primary" in plan, plan
    assert primary_of(proxy) == "one" and not replication.read_only(one)
    writers = Writers(proxy)
    try:
        writers.wait_for(50)
        code, text = operate(proxy, "switchover", "main", "--to", "two", "--timeout", "20s")
        assert code == 0, text
        writers.wait_for(50)
    finally:
        writers.stop()
    assert "two is the primary" in text and "one copies from two" in text
    assert primary_of(proxy) == "two"
    assert replication.read_only(one) and not replication.read_only(two)
    for server in replication.servers:
        if server is not two:
            wait_until(lambda: replication.copies(server, two), f"{server.name} copies from two")
    assert_kept(writers, replication, [two, *(server for server in replication.servers if server is not two)])
    # A session that was on the old one has to log in anew, which it is told while nothing of it is under way.
    for error in writers.errors:
        assert error.args[0] in (1053, SERVER_LOST), writers.errors
    ends = {access["end"] for access in proxy.accesses() if access["ended_by"] == "proxy"}
    assert ends <= {"server one is not the primary of pool main any more"}
    # And back again: each is as good a primary as the other.
    code, text = operate(proxy, "switchover", "main", "--to", "one")
    assert code == 0, text
    assert primary_of(proxy) == "one"


@once
def test_an_open_transaction_may_end_and_no_longer_than_its_time(start, replication):
    proxy = start()
    connection = pymysql.connect(host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password, database="test")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO kept VALUES (1)")
        move = subprocess.Popen([proxy.executable, "switchover", "main", "-c", proxy.config, "--timeout", "4s"],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        proxy.wait_for_log("new writes wait")
        cursor.execute("SELECT n FROM kept")
        assert cursor.fetchall() == ((1,),)
        text, _ = move.communicate(timeout=30)
        assert move.returncode == 0, text
        assert "1 sessions have a transaction open" in text
        with pytest.raises(pymysql.err.MySQLError):
            cursor.execute("INSERT INTO kept VALUES (2)")
    proxy.wait_for_access(lambda access: access["end"] == "server one is not the primary of pool main any more")
    assert all(replication.kept(server) == set() for server in replication.servers)


@once
def test_a_replica_that_lags_is_not_promoted_and_the_old_primary_goes_on(start, replication):
    one, two = replication.servers[:2]
    proxy = start(switchover_max_lag="1s")
    two.ask("STOP SLAVE SQL_THREAD")
    code, text = operate(proxy, "switchover", "main", "--to", "two")
    assert code == 1 and "two: it does not replicate just now" in text, text
    # One that stops in the middle of it: nothing is lost but time.
    two.ask("STOP SLAVE")
    two.ask("CHANGE MASTER TO MASTER_DELAY=3")
    two.ask("START SLAVE")
    one.ask("INSERT INTO test.kept VALUES (1)")
    code, text = operate(proxy, "switchover", "main", "--to", "two", "--timeout", "1s")
    two.ask("STOP SLAVE")
    two.ask("CHANGE MASTER TO MASTER_DELAY=0")
    assert code == 1, text
    if "failed: two has not caught up in time" in text:
        assert "one can be written to again" in text
    assert not replication.read_only(one) and replication.read_only(two)
    assert primary_of(proxy) == "one"
    writers = Writers(proxy, 1)
    writers.acknowledged.add(1)
    writers.wait_for(1)
    writers.stop()


def test_a_primary_that_is_killed_is_replaced_and_taken_back(start, replication, tmp_path):
    one, two = replication.servers[:2]
    hook = tmp_path / "hook"
    said = tmp_path / "called"
    # It is there with all that it says.
    hook.write_text(f"#!/bin/sh\necho \"$MYSQLPROXY_EVENT $MYSQLPROXY_POOL $MYSQLPROXY_OLD $1\" > {said}.new && mv {said}.new {said}\n")
    hook.chmod(0o700)
    proxy = start(failover="promote", on_failover=[hook, "an argument"])
    writers = Writers(proxy)
    try:
        writers.wait_for(50)
        if replication.kind == "mysql":
            # Without semi-synchronous replication nobody can promise more.
            with writers.at_rest():
                wait_until(lambda: replication.kept(two) == replication.kept(one), "the replica has it all")
                one.kill()
        else:
            one.kill()
        proxy.wait_for_log("failover of pool main: writes go on")
        writers.wait_for(50)
        new = next(server for server in replication.servers if server.name == primary_of(proxy))
        assert new is not one
        wait_until(said.exists, "the hook is called")
        assert said.read_text() == "failover main one an argument\n"
        replication.start(one)
        # With what it had not sent to anybody it can't be a replica; read-only it is in any case.
        proxy.wait_for_log("demote of pool main: one copies from|one does not copy from|one has transactions")
        writers.wait_for(20)
    finally:
        writers.stop()
    assert replication.read_only(one) and not replication.read_only(new)
    followers = [server for server in replication.servers if server is not new and replication.copies(server, new)]
    assert len(followers) >= len(replication.servers) - 2
    assert_kept(writers, replication, [new, *followers])


@once
def test_a_dry_run_promotes_nobody(start, replication):
    one, two = replication.servers[:2]
    proxy = start(failover="promote", failover_dry_run=True)
    one.kill()
    # That is the last of what it would do.
    proxy.wait_for_log("failover of pool main: would make one .*when it is back")
    assert all(replication.read_only(server) for server in replication.servers[1:])
    assert primary_of(proxy) is None

    def promote():
        code, text = operate(proxy, "promote", "main", "--to", "two")
        return None if "is being moved" in text else (code, text)

    # An operator may, once that attempt is over.
    code, text = wait_until(promote, "a promotion")
    assert code == 0 and "two is the primary" in text, text
    assert primary_of(proxy) == "two"


@once
def test_only_one_proxy_acts(start, replication):
    proxy = start()
    two = replication.servers[1]
    holder = two.admin()
    with holder.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK('mysqlproxy.primary', 0)")
        assert cursor.fetchone() == (1,)
    code, text = operate(proxy, "switchover", "main")
    holder.close()
    assert code == 1 and "another proxy moves a primary: it holds the lock on two" in text, text
    assert primary_of(proxy) == "one"


@once
def test_two_proxies_agree_about_a_lost_primary(start, replication):
    one = replication.servers[0]
    proxies = [start(failover="promote"), start(fresh=False, failover="promote")]
    one.kill()
    wait_until(lambda: (names := {primary_of(proxy) for proxy in proxies}) <= {"two", "three"} and len(names) == 1,
               "they agree about a new primary")
    writable = [server for server in replication.servers[1:] if not replication.read_only(server)]
    assert len(writable) == 1


@once
def test_the_control_socket_is_its_owners(start, replication):
    proxy = start()
    control = proxy.folder / "control"
    assert control.stat().st_mode & 0o777 == 0o600
    code, text = operate(proxy, "status")
    assert code == 0 and "one up, primary" in text and "two up, read-only" in text, text
    code, text = operate(proxy, "switchover", "nobodys")
    assert code == 1 and 'there is no pool "nobodys"' in text
    code, text = operate(proxy, "switchover", "main", "--to", "four")
    assert code == 1 and 'pool main has no server "four"' in text
    proxy.stop_well()
    assert not control.exists()
    code, text = operate(proxy, "status")
    assert code == 2 and "no proxy answers at" in text
