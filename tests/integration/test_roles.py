"""Pools that find out which of their servers is the primary, and follow it: real replication, switched and broken."""

import threading
import time

import pymysql
import pytest

from harness.accounts import APP, OTHER, Account, write_secret
from harness.process import wait_until
from harness.proxy import Proxy
from harness.servers import MariaDb, MySql

CHECKER = Account("checker", "checker-secret")
READER = Account(OTHER.name, OTHER.password, "reads")


class Replication:
    """Two servers, the second of which copies from the first, until told otherwise."""

    def __init__(self, servers):
        self.servers = servers
        for number, server in enumerate(servers, 1):
            server.create()
            server.ask(f"CREATE USER '{CHECKER.name}'@'%' IDENTIFIED {self.by(server, CHECKER)}")
            server.ask(f"GRANT {'SLAVE MONITOR' if server.flavor == 'mariadb' else 'REPLICATION CLIENT'} ON *.* TO '{CHECKER.name}'@'%'")
            server.ask("CREATE USER 'copy'@'%' IDENTIFIED " + self.by(server, Account("copy", "copy-secret")))
            server.ask("GRANT REPLICATION SLAVE ON *.* TO 'copy'@'%'")
            server.ask("CREATE TABLE test.kept (n INT PRIMARY KEY) ENGINE=InnoDB")
            server.stop()
            self.start(server)

    @staticmethod
    def by(server, account):
        plugin = "" if server.flavor == "mariadb" else "WITH mysql_native_password "
        return f"{plugin}BY '{account.password}'"

    def start(self, server, read_only=False):
        number = self.servers.index(server) + 1
        more = ["--log-bin=bin", f"--server-id={number}", "--log-slave-updates", f"--read-only={int(read_only)}", "--skip-slave-start"]
        if server.flavor == "mysql":
            more += ["--gtid-mode=ON", "--enforce-gtid-consistency=ON"]
        server.start(*more)

    def copy(self, to, source):
        """`to` is a read-only replica of `source` from here on, from where that one stands now."""
        row = source.ask("SHOW MASTER STATUS")[0]
        to.ask("STOP SLAVE")
        to.ask("RESET SLAVE ALL")
        to.ask(f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port}, MASTER_USER='copy',"
               f" MASTER_PASSWORD='copy-secret', MASTER_LOG_FILE='{row[0]}', MASTER_LOG_POS={row[1]}, MASTER_CONNECT_RETRY=1")
        to.ask("SET GLOBAL read_only = 1")
        to.ask("START SLAVE")

    @staticmethod
    def promote(server):
        server.ask("STOP SLAVE")
        server.ask("RESET SLAVE ALL")
        server.ask("SET GLOBAL read_only = 0")

    def begin(self):
        """As it is before each test: the first is the primary."""
        first, second = self.servers
        for server in self.servers:
            if not server.child.running():
                self.start(server)
            server.ask("STOP SLAVE")
            server.ask("RESET SLAVE ALL")
            server.ask("SET GLOBAL read_only = 0")
            server.ask("TRUNCATE test.kept")
        self.copy(second, first)


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def replication(request, work, build):
    kind = request.param
    servers = []
    for name in ("one", "two"):
        folder = work / f"roles-{kind}-{name}"
        servers.append(MariaDb(folder, name) if kind == "mariadb" else MySql(folder, build / "mysql8", name))
    try:
        yield Replication(servers)
    finally:
        for server in servers:
            server.stop()


@pytest.fixture
def start(proxy_executable, tmp_path, replication):
    """start(**tables): a proxy with a pool for writes and one for reads."""
    made = []

    def make(**pools):
        replication.begin()
        names = [server.name for server in replication.servers]
        password = write_secret(tmp_path / "checker", CHECKER.password)
        tables = {
            "health": {"interval": "200ms", "timeout": "1s", "user": CHECKER.name, "password_file": password},
            "pool.main": {"servers": names, "role": "primary", "primary_wait": "20s", **pools.get("main", {})},
            "pool.reads": {"servers": names, "role": "replica", **pools.get("reads", {})},
        }
        made.append(Proxy(proxy_executable, tmp_path / "proxy", replication.servers, accounts=(APP, READER), tables=tables))
        return made[-1].start()

    yield make
    for proxy in made:
        proxy.stop_well()


def connect(proxy, account=APP):
    return pymysql.connect(host="127.0.0.1", port=proxy.port, user=account.name, password=account.password, database="test",
                           autocommit=True, connect_timeout=30)


def port_of(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@port")
        return cursor.fetchone()[0]


def server_for(proxy, account=APP):
    connection = connect(proxy, account)
    try:
        return port_of(connection)
    finally:
        connection.close()


def is_let_in_by(proxy, server):
    """While the primary changes a session may have to leave between its login and its first statement."""
    try:
        return server_for(proxy) == server.port
    except pymysql.MySQLError:
        return False


def left_its_primary(access):
    return "not the primary" in access["end"]


def test_writes_go_to_the_primary_and_reads_to_the_replica(start, replication):
    one, two = replication.servers
    proxy = start()
    proxy.wait_for_log("two is read-only, and replicates")
    assert [server_for(proxy) for _ in range(4)] == [one.port] * 4
    assert [server_for(proxy, READER) for _ in range(4)] == [two.port] * 4


def test_reads_go_to_the_primary_while_there_is_no_replica(start, replication):
    one, two = replication.servers
    proxy = start(reads={"max_lag": "5s"})
    proxy.wait_for_log("two is read-only, and replicates")
    assert server_for(proxy, READER) == two.port
    two.ask("STOP SLAVE")
    wait_until(lambda: server_for(proxy, READER) == one.port, "reads are on the primary")
    two.ask("START SLAVE")
    wait_until(lambda: server_for(proxy, READER) == two.port, "reads are on the replica again")


def test_reads_return_to_a_replica_that_was_behind_without_ever_stopping(start, replication):
    one, two = replication.servers
    proxy = start(reads={"max_lag": "2s"})
    proxy.wait_for_log("two is read-only, and replicates")
    wait_until(lambda: server_for(proxy, READER) == two.port, "reads are on the replica")
    lock = two.admin()
    try:
        with lock.cursor() as cursor:
            cursor.execute("LOCK TABLES test.kept WRITE")
            one.ask("INSERT INTO test.kept VALUES (1)")
            wait_until(lambda: server_for(proxy, READER) == one.port, "reads are on the primary")
            cursor.execute("UNLOCK TABLES")
    finally:
        lock.close()
    wait_until(lambda: server_for(proxy, READER) == two.port, "reads are on the replica again")


def test_no_replica_is_an_error_when_the_primary_is_not_to_be_read(start, replication):
    _, two = replication.servers
    proxy = start(reads={"primary_reads": "never"})
    proxy.wait_for_log("two is read-only, and replicates")
    assert server_for(proxy, READER) == two.port
    two.ask("SET GLOBAL read_only = 0")
    proxy.wait_for_log("two is writable")
    with pytest.raises(pymysql.err.OperationalError, match="no server for pool reads: .*one up, writable; .*two up, writable"):
        connect(proxy, READER)


def test_a_switch_ends_idle_sessions_and_lets_transactions_finish(start, replication):
    one, two = replication.servers
    proxy = start()
    idle, busy = connect(proxy), connect(proxy)
    assert port_of(idle) == port_of(busy) == one.port
    with busy.cursor() as cursor:
        cursor.execute("START TRANSACTION READ ONLY")
        cursor.execute("SELECT COUNT(*) FROM kept")
    one.ask("SET GLOBAL read_only = 1")
    replication.promote(two)
    access = proxy.wait_for_access(left_its_primary)
    assert access["server"] == "one"
    with pytest.raises(pymysql.err.MySQLError):
        port_of(idle)
    # Whatever it asked for is done with before it has to go.
    with busy.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM kept")
        assert cursor.fetchall() == ((0,),)
        cursor.execute("COMMIT")
    proxy.wait_for_access(left_its_primary, since=1)
    assert server_for(proxy) == two.port


def test_a_login_waits_for_a_new_primary_and_the_old_one_is_fenced(start, replication):
    one, two = replication.servers
    proxy = start()
    connection = connect(proxy)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO kept VALUES (1)")
    wait_until(lambda: two.ask("SELECT n FROM test.kept") == ((1,),), "the replica has it")
    one.kill()
    proxy.wait_for_log("one down")
    began = time.monotonic()
    # Nobody has said yet who is next; somebody does while the login waits.
    promotion = threading.Timer(1.0, lambda: replication.promote(two))
    promotion.start()
    assert server_for(proxy) == two.port
    assert time.monotonic() - began >= 0.9
    promotion.join()
    since = len(proxy.messages())
    replication.start(one)
    proxy.wait_for_log("one up", since=since)
    assert one.ask("SELECT @@read_only") == ((0,),)
    # It lacks what the new one was told: nobody is sent there, not even when the new one is gone.
    assert [server_for(proxy) for _ in range(3)] == [two.port] * 3
    since = len(proxy.messages())
    proxy.reload()
    assert "fenced" in proxy.wait_for_log("^pool main", since=since)["message"]
    assert server_for(proxy) == two.port
    # Somebody takes care of it.
    replication.copy(one, two)
    proxy.wait_for_log("one is read-only", since=since)
    two.ask("SET GLOBAL read_only = 1")
    replication.promote(one)
    wait_until(lambda: is_let_in_by(proxy, one), "the first is the primary again")


def test_a_login_gives_up_after_primary_wait(start, replication):
    one, two = replication.servers
    proxy = start(main={"primary_wait": "300ms"})
    one.ask("SET GLOBAL read_only = 1")
    proxy.wait_for_log("one is read-only")
    with pytest.raises(pymysql.err.OperationalError, match="no primary for pool main: .*one up, read-only; .*two up, read-only") as error:
        connect(proxy)
    assert error.value.args[0] == 1158


def test_a_primary_that_hangs_is_left_by_those_who_wait_for_it(start, replication):
    one, two = replication.servers
    proxy = start()
    waiting = connect(proxy)
    assert port_of(waiting) == one.port
    one.child.freeze()
    try:
        answers = []

        def ask():
            try:
                answers.append(port_of(waiting))
            except pymysql.err.MySQLError as error:
                answers.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        proxy.wait_for_log("one down")
        replication.promote(two)
        asking.join(30)
        assert not asking.is_alive() and len(answers) == 1
        assert "one is not the primary of pool main any more" in str(answers[0])
        assert server_for(proxy) == two.port
    finally:
        one.child.thaw()
