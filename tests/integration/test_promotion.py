"""What the proxy does to replicas before it makes one of them the primary, and what becomes of them when it does not."""

import contextlib
import subprocess
import threading

import pymysql
import pytest

from harness.accounts import APP, write_secret
from harness.link import Link
from harness.process import wait_until
from harness.proxy import Proxy
from harness.replicated import CHECKER, COPY, GtidReplication


class Cluster(GtidReplication):
    """The replicas reach the first server by one link, the proxy by another."""

    def __init__(self, work, build):
        self.links = []
        super().__init__(work, build, "mariadb", 3)
        self.of_replicas, self.of_proxy = self.links = [Link(self.servers[0].port) for _ in range(2)]

    def port_of(self, server):
        return self.of_replicas.port if self.links and server is self.servers[0] else server.port

    def begin(self):
        for server in self.servers:
            if not server.child.running():
                self.start(server)
            # After which a replica takes a source that says nothing for lost.
            server.ask("SET GLOBAL slave_net_timeout = 1")
        super().begin()

    def receives(self, server):
        return self.status(server)["Slave_IO_Running"]

    def has_received(self, server):
        """The number of the last transaction."""
        connection = server.admin()
        with contextlib.closing(connection), connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute("SHOW SLAVE STATUS")
            return int(cursor.fetchone()["Gtid_IO_Pos"].rpartition("-")[2] or 0)

    def write(self, number):
        """Until it is acknowledged, and both replicas that receive have it."""
        one, *others = self.servers
        one.ask(f"INSERT INTO test.kept VALUES ({number})")
        last = int(one.ask("SELECT @@gtid_binlog_pos")[0][0].rpartition("-")[2])
        for server in others:
            if self.receives(server) == "Yes":
                wait_until(lambda: self.has_received(server) == last, f"{server.name} has received it")

    def stop(self):
        super().stop()
        for link in self.links:
            link.stop()


@pytest.fixture(scope="module")
def cluster(work, build):
    made = Cluster(work, build)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def start(proxy_executable, tmp_path, cluster):
    """start(**pool): a proxy in front of them, after a fresh beginning."""
    made = []

    def make(**pool):
        cluster.begin()
        for account in (CHECKER, COPY):
            write_secret(tmp_path / account.name, account.password)
        tables = {
            "proxy": {"control": tmp_path / "control"},
            "server.one": {"address": cluster.of_proxy.address},
            "health": {"interval": "200ms", "timeout": "2s", "user": CHECKER.name, "password_file": tmp_path / CHECKER.name},
            "health.reachable": {"fall": 2},
            "pool.main": {"servers": [server.name for server in cluster.servers], "role": "primary", "primary_wait": "30s",
                          "replication_user": COPY.name, "replication_password_file": tmp_path / COPY.name, **pool},
        }
        made.append(Proxy(proxy_executable, tmp_path / "proxy", cluster.servers, accounts=(APP,), tables=tables))
        proxy = made[-1].start()
        for server in cluster.servers[1:]:
            proxy.wait_for_log(f"{server.name} is read-only, and replicates")
        return proxy

    yield make
    for link in cluster.links:
        link.mend()
    for proxy in made:
        proxy.stop_well()


def promote(proxy, *more):
    done = subprocess.run([proxy.executable, "promote", "main", "-c", proxy.config, *more], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout + done.stderr


@contextlib.contextmanager
def standing_still(server):
    """It receives, and can't apply what it has received."""
    connection = server.admin()
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("LOCK TABLES test.kept WRITE")
        yield
        cursor.execute("UNLOCK TABLES")


class Write:
    """One on the old primary, by somebody who reaches it. It may never be acknowledged."""

    def __init__(self, server, number):
        self.acknowledged = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(server, number))
        self._thread.start()

    def _run(self, server, number):
        try:
            server.ask(f"INSERT INTO test.kept VALUES ({number})")
            self.acknowledged.set()
        except pymysql.err.MySQLError:
            pass

    def join(self):
        self._thread.join()


def test_a_primary_that_revives_finds_nobody_to_acknowledge_a_write(start, cluster):
    one, two, three = cluster.servers
    proxy = start(failover="promote")
    # The second, which is chosen among equals, does not connect again by itself; the third would.
    two.ask("STOP SLAVE")
    two.ask("CHANGE MASTER TO MASTER_CONNECT_RETRY=600")
    two.ask("START SLAVE")
    wait_until(lambda: cluster.copies(two, one), "two copies from one")
    # Whatever the primary acknowledges is on a replica, however long that takes.
    one.ask("SET GLOBAL rpl_semi_sync_master_timeout = 600000")
    one.ask("SET GLOBAL rpl_semi_sync_master_wait_no_slave = 1")
    with standing_still(two):
        cluster.write(1)
        for link in cluster.links:
            link.cut()
        proxy.wait_for_log("failover of pool main: the replicas receive nothing more")
        cluster.of_replicas.mend()
        write = Write(one, 2)
        # Time enough for the third, did it try.
        write.acknowledged.wait(3)
        assert [cluster.receives(server) for server in (two, three)] == ["No", "No"]
    proxy.wait_for_log("failover of pool main: two is the primary")
    proxy.wait_for_log("failover of pool main: writes go on")
    acknowledged = write.acknowledged.is_set()
    one.kill()
    write.join()
    assert cluster.kept(two) == ({1, 2} if acknowledged else {1})
    wait_until(lambda: cluster.copies(three, two), "three copies from two")


def test_replicas_receive_again_when_nobody_is_promoted(start, cluster):
    one, two, three = cluster.servers
    proxy = start()
    with standing_still(two):
        cluster.write(1)
        one.kill()
        proxy.wait_for_log("one down")
        code, text = promote(proxy, "--to", "two", "--timeout", "1s")
        assert code == 1 and "failed: two has not applied what it has received in time" in text, text
        assert "two receives again" in text and "three receives again" in text
        assert [cluster.receives(server) for server in (two, three)] == ["Connecting", "Connecting"]
    cluster.start(one)
    for server in (two, three):
        wait_until(lambda: cluster.copies(server, one), f"{server.name} copies from one")
        wait_until(lambda: cluster.kept(server) == {1}, f"{server.name} has it all")


def test_what_a_replica_has_received_is_not_thrown_away(start, cluster):
    """MariaDB does so when replication is started while both of its threads are stopped."""
    one, two, three = cluster.servers
    proxy = start()
    three.ask("STOP SLAVE")
    two.ask("STOP SLAVE SQL_THREAD")
    cluster.write(1)
    one.kill()
    proxy.wait_for_log("one down")
    code, text = promote(proxy, "--to", "two")
    assert code == 0 and "two is the primary" in text, text
    assert cluster.kept(two) == {1}
    # With both stopped it can't be helped, and is not hidden.
    two.ask("INSERT INTO test.kept VALUES (2)")
    wait_until(lambda: cluster.kept(three) == {1, 2}, "three has it all")
    three.ask("STOP SLAVE SQL_THREAD")
    two.ask("INSERT INTO test.kept VALUES (3)")
    last = int(two.ask("SELECT @@gtid_binlog_pos")[0][0].rpartition("-")[2])
    wait_until(lambda: cluster.has_received(three) == last, "three has received it")
    three.ask("STOP SLAVE")
    two.kill()
    proxy.wait_for_log("two down")
    code, text = promote(proxy, "--to", "three")
    assert code == 1 and "three: it does not replicate, and when it is told to it throws away" in text, text
