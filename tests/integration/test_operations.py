"""Running mysqlproxy: its command line, signals, logs and limits."""

import re
import signal
import socket
import subprocess
import time

import pymysql
import pytest

from harness import wire
from harness.accounts import APP, OTHER, Account
from harness.process import Child, free_port, wait_until
from harness.wire import Closed, Err, Wire, logged_in


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
        assert int(connection.ask("SELECT @@port")) == mariadb.port


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
