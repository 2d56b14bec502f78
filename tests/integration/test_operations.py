"""Running mysqlproxy: its command line, signals, logs and limits, and servers that come and go."""

import re
import signal
import socket
import subprocess
import threading
import time

import pymysql
import pytest

from harness import wire
from harness.accounts import APP, NOBODY, OTHER, Account, write_secret
from harness.process import Child, free_port, wait_until
from harness.proxy import Proxy
from harness.servers import MariaDb, MySql
from harness.wire import Closed, Err, Wire, logged_in


@pytest.fixture
def start(proxy_executable, tmp_path_factory, request):
    """start(servers, **options): a proxy for one test, whose end the test may see to itself."""
    made = []

    def make(*servers, running=True, **options):
        made.append(Proxy(proxy_executable, tmp_path_factory.mktemp("proxy"), servers, **options))
        if running:
            made[-1].start()
        return made[-1]

    yield make
    for proxy in made:
        proxy.stop_well()


@pytest.fixture(scope="module")
def pair(work):
    """Two servers for this module, which a test may stop and has to start again."""
    servers = [MariaDb(work / name, name) for name in ("db1", "db2")]
    try:
        for server in servers:
            server.create()
        yield servers
    finally:
        for server in servers:
            server.stop()


def server_of(connection):
    return int(connection.ask("SELECT @@port"))


# Command line and configuration


def run(executable, *arguments):
    done = subprocess.run([str(executable), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=30)
    return done.returncode, done.stdout, done.stderr


def test_help_and_version(proxy_executable):
    code, out, _ = run(proxy_executable, "--help")
    assert code == 0 and "--check-config" in out
    code, out, _ = run(proxy_executable, "--version")
    assert code == 0 and re.search(r"\d+\.\d+\.\d+", out)


@pytest.mark.parametrize("arguments", [[], ["--nonsense"], ["--config", "/no/such/file"], ["--listen", "x", "--server", "y"]])
def test_usage_errors(proxy_executable, arguments):
    code, _, errors = run(proxy_executable, *arguments)
    assert code == 2 and errors


def test_check_config(start, proxy_executable, mariadb):
    proxy = start(mariadb, running=False)
    proxy.write_config()
    code, out, _ = run(proxy_executable, "--config", proxy.config, "--check-config")
    assert code == 0
    assert f'address = "127.0.0.1:{mariadb.port}"' in out
    assert 'balance = "least_connections"' in out, "defaults are shown too"
    assert APP.native_hash[:5] in out and APP.native_hash not in out, "who reads the output can't use it to log in"


@pytest.mark.parametrize(("tables", "said"), [
    ({"proxy": {"max_conections": 5}}, r"max_conections.*did you mean.*max_connections"),
    ({"pool.main": {"servers": ["mariadbb"]}}, r"mariadbb"),
    ({"proxy": {"connect_timeout": "soon"}}, r"connect_timeout"),
    ({"proxy": {"threads": "two"}}, r"threads"),
    ({"user.old": {"pool": "main", "native_hash": "6f8c114b58f2ce9e"}}, r"native_hash|pre-4.1|old"),
])
def test_configuration_errors(start, proxy_executable, mariadb, tables, said):
    """Each with the file and the line."""
    proxy = start(mariadb, running=False, tables=tables)
    proxy.write_config()
    for more in (["--check-config"], []):
        code, _, errors = run(proxy_executable, "--config", proxy.config, *more)
        assert code == 2
        assert re.search(said, errors), errors
        assert re.search(re.escape(str(proxy.config)) + r":\d+", errors), errors


def test_address_taken(start, proxy_executable, mariadb):
    proxy = start(mariadb, tables={"listen.main": {"bind": f"127.0.0.1:{mariadb.port}"}}, running=False)
    proxy.start(wait=False)
    assert proxy.child.wait() == 3


def test_without_a_file(mariadb, proxy_executable, tmp_path):
    """The simplest case needs no configuration file."""
    port = free_port()
    child = Child([proxy_executable, "--listen", f"127.0.0.1:{port}", "--server", mariadb.address,
                   "--user", f"{APP.name}:{APP.native_hash}"], tmp_path / "log", "mysqlproxy")
    try:
        child.wait_until(lambda: "ready" in (tmp_path / "log").read_text(), "it is ready")
        with logged_in(port, APP) as connection:
            assert connection.ask("SELECT 1") == "1"
        said = (tmp_path / "log").read_text()
        assert f"127.0.0.1:{port}" in said and mariadb.address in said, "one screen of what is where"
    finally:
        assert child.stop() == 0


def test_unix_socket(start, mariadb):
    proxy = start(mariadb, running=False)
    path = proxy.folder / "mysql.sock"
    proxy.tables["listen.main"]["bind"] = [f"unix:{path}", proxy.address]
    proxy.start()
    with Wire(path=path) as connection:
        assert connection.log_in(APP)[:1] == b"\0"
        assert connection.ask("SELECT 'by a socket'") == "by a socket"
    assert proxy.wait_for_access()["bytes_to_client"] > 0
    assert proxy.stop() == 0
    assert not path.exists()


def test_server_on_a_unix_socket(start, mariadb):
    proxy = start(mariadb, tables={"server.mariadb": {"address": f"unix:{mariadb.socket}"}})
    with logged_in(proxy.port, APP) as connection:
        assert server_of(connection) == mariadb.port


# Logs


def test_access_log(start, server):
    proxy = start(server)
    with logged_in(proxy.port, APP) as connection:
        connection_id = connection.greeting.connection_id
        for _ in range(3):
            connection.ask("SELECT 1")
        client = "%s:%d" % connection.socket.getsockname()
        connection.command(wire.COM_QUIT)
        assert connection.closed()
    line = proxy.wait_for_access()
    expected = {"client": client, "listener": "main", "user": "app", "database": "test", "pool": "main",
                "server": server.name, "connection_id": connection_id, "commands": 4, "end": "quit", "ended_by": "client"}
    assert {key: line[key] for key in expected} == expected
    assert line["bytes_from_client"] > 3 * 13 and line["bytes_to_client"] > 3 * 50 and line["duration_ms"] >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])

    with Wire(proxy.port) as connection:
        connection.log_in(Account("it's\n\x1bme", "x"), schema=b"")
    line = proxy.wait_for_access(since=1)
    assert line["user"] == "it's\n\x1bme" and line["ended_by"] == "proxy" and "Access denied" in line["end"]


def test_text_log(start, mariadb):
    proxy = start(mariadb, running=False, tables={"log": {"format": "text"}})
    proxy.start(wait=False)
    proxy.child.wait_until(lambda: "ready" in proxy.log.read_text(), "it is ready")
    with Wire(proxy.port) as connection:
        connection.log_in(Account("a name\nof two lines", "x"), schema=b"")
    wait_until(lambda: proxy.access_log.read_text().endswith("\n"), "the access log")
    line, = proxy.access_log.read_text().splitlines()
    assert r'user="a name\nof two lines"' in line and "ended_by=proxy" in line


# Signals


def test_drain(start, server):
    """On SIGTERM idle clients are told and let go, running queries end first, and no one new is let in."""
    proxy = start(server)
    idle, busy = logged_in(proxy.port, APP), logged_in(proxy.port, APP)
    busy.query("SELECT SLEEP(1), 'finished'")
    wait_until(lambda: server.ask("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(1), %'")[0][0],
               "the query to run")
    proxy.child.send(signal.SIGTERM)
    idle.sequence = 0
    assert Err.of(idle.read()).code == 1053
    assert idle.closed()
    wait_until(lambda: refused(proxy.port), "the listener to close")
    assert busy.read() == b"\x02"
    for _ in range(3):
        busy.read()
    assert busy.read().endswith(b"finished")
    assert proxy.child.wait() == 0
    ends = {one["end"] for one in proxy.accesses()}
    assert ends == {"shutdown"}


def refused(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 5):
            return False
    except ConnectionRefusedError:
        return True


def test_drain_waits_for_transactions(start, mariadb):
    proxy = start(mariadb)
    connection = logged_in(proxy.port, APP)
    connection.ask("CREATE TABLE IF NOT EXISTS drained (a INT)")
    connection.ask("START TRANSACTION")
    proxy.child.send(signal.SIGTERM)
    proxy.wait_for_log("stopping")
    assert connection.ask("INSERT INTO drained VALUES (1)") is None
    assert connection.ask("COMMIT") is None
    assert proxy.child.wait() == 0
    assert mariadb.ask("SELECT COUNT(*) FROM test.drained") == ((1,),)
    mariadb.ask("DROP TABLE test.drained")


def test_drain_timeout(start, mariadb):
    """Who does not end is cut off, and the exit code says so."""
    proxy = start(mariadb, tables={"proxy": {"drain_timeout": "300ms"}})
    connection = logged_in(proxy.port, APP)
    connection.query("SELECT SLEEP(15)")
    begun = time.monotonic()
    proxy.child.send(signal.SIGTERM)
    assert proxy.child.wait() == 4
    assert time.monotonic() - begun < 5
    with pytest.raises((Closed, AssertionError)):
        while True:
            connection.read()
    mariadb.wait_for_sessions(0)


def test_reload(start, server):
    """A new user gets in, an old connection stays, and a broken file changes nothing."""
    proxy = start(server, accounts=(APP,))
    with logged_in(proxy.port, APP) as connection:
        with Wire(proxy.port) as stranger:
            assert Err.of(stranger.log_in(OTHER)).code == 1045
        proxy.tables["user.other"] = {"pool": "main", "native_hash": OTHER.native_hash}
        proxy.write_config()
        assert proxy.reload()["message"] == "the configuration was reloaded"
        logged_in(proxy.port, OTHER).close()
        assert connection.ask("SELECT 'still here'") == "still here"
        proxy.write_config("[proxy]\nthreads = 'many'\n")
        assert "not reloaded" in proxy.reload()["message"]
        assert connection.ask("SELECT 'still here'") == "still here"
        logged_in(proxy.port, OTHER).close()
        del proxy.tables["user.app"]
        proxy.write_config()
        proxy.reload()
        assert connection.ask("SELECT 'still here'") == "still here"
        with Wire(proxy.port) as stranger:
            assert Err.of(stranger.log_in(APP)).code == 1045


def test_reload_of_listeners(start, mariadb):
    proxy = start(mariadb)
    old = logged_in(proxy.port, APP)
    port = free_port()
    proxy.tables["listen.main"]["bind"] = f"127.0.0.1:{port}"
    proxy.write_config()
    proxy.reload()
    logged_in(port, APP).close()
    wait_until(lambda: refused(proxy.port), "the old listener to close")
    assert old.ask("SELECT 'still here'") == "still here"


# Limits


def test_too_many_connections(start, mariadb):
    """Said in place of a greeting, in the server's words, as a client without a greeting reads it."""
    proxy = start(mariadb, tables={"proxy": {"max_connections": 2}})
    first, second = logged_in(proxy.port, APP), logged_in(proxy.port, APP)
    with Wire(proxy.port) as third:
        assert Err.of(third.read()) == Err(1040, "", "Too many connections")
        assert third.closed()
    with pytest.raises(pymysql.err.OperationalError) as refusal:
        pymysql.connect(host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password)
    assert refusal.value.args == (1040, "Too many connections")
    first.close()
    wait_until(lambda: proxy.accesses(), "the first to be gone")
    logged_in(proxy.port, APP).close()
    second.close()


def test_handshake_timeout(start, mariadb):
    """For the login as a whole: who drips bytes is not given longer."""
    proxy = start(mariadb, tables={"proxy": {"handshake_timeout": "700ms"}})
    begun = time.monotonic()
    silent, dripping = Wire(proxy.port), Wire(proxy.port)
    silent.greet(), dripping.greet()
    with pytest.raises(Closed):
        for byte in wire.frame(bytes(200), 1):
            dripping.send_raw(bytes([byte]))
            time.sleep(0.1)
    assert time.monotonic() - begun < 5
    assert Err.of(silent.read()).code == 1159
    assert silent.closed()
    logged_in(proxy.port, APP).close()


def test_idle_timeout(start, mariadb):
    """For clients that let the connection rest, not for queries that take their time."""
    proxy = start(mariadb, tables={"proxy": {"idle_timeout": "1s"}})
    resting, busy = logged_in(proxy.port, APP), logged_in(proxy.port, APP)
    assert busy.ask("SELECT SLEEP(2.5)") == "0"
    assert resting.closed()
    assert proxy.wait_for_access()["end"] == "idle_timeout"


def test_server_limit(start, mariadb):
    """A server's own max_connections is passed on in its words."""
    proxy = start(mariadb)
    held = []
    with mariadb.limited_to(10):
        try:
            with pytest.raises(AssertionError, match="Too many connections|max_connections"):
                for _ in range(15):
                    held.append(logged_in(proxy.port, APP))
            with Wire(proxy.port) as one:
                assert Err.of(one.log_in(APP)).code == 1040
        finally:
            for one in held:
                one.close()
    logged_in(proxy.port, APP).close()


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
