"""Fixtures of the integration tests: real servers, and a mysqlproxy in front of each.

Everything is private to the run: temporary directories, loopback, free ports. A server or a client
that is missing is a failure that says how to install it, not a skipped test.
"""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness.accounts import Account  # noqa: E402
from harness.lending import reason_for  # noqa: E402
from harness.plugin_accounts import SecureMariaDb, SecureMySql  # noqa: E402
from harness.probe import Probe  # noqa: E402
from harness.process import Failure  # noqa: E402
from harness.proxy import Proxy  # noqa: E402
from harness.servers import RUN_FOLDER, MariaDb, MySql  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
folder_key = pytest.StashKey[str]()
BUILD = Path(os.environ.get("BUILD_DIR", TOP / "build"))


def pytest_addoption(parser):
    parser.addoption("--proxy", metavar="PATH", default=os.environ.get("MYSQLPROXY"),
                     help="the mysqlproxy to test (default: $MYSQLPROXY, else the newest in build*/proxy)")
    parser.addoption("--clients", metavar="NAMES", default="",
                     help="only these clients of the conversations, by comma")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with LONG_TESTS=1, since it takes long and another test sees most of it")

    # So that servers are stopped, and folders removed, when the run is.
    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    # One folder for all the processes of a run; the first makes it. Short, since a socket's path has a limit.
    if RUN_FOLDER not in os.environ:
        os.environ[RUN_FOLDER] = config.stash[folder_key] = tempfile.mkdtemp(prefix="mysqlproxy-test-")


def pytest_unconfigure(config):
    folder = config.stash.get(folder_key, None)
    if folder and os.environ.get("KEEP_TEST_FOLDER"):
        print(f"\nkept {folder}", file=sys.stderr)
    elif folder:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)  # one process does without
def pytest_xdist_make_scheduler(config, log):
    from harness.schedule import Schedule
    return Schedule(config, log)


def pytest_collection_modifyitems(config, items):
    if "LONG_TESTS" not in os.environ:
        left_out = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if why := reason_for(item.nodeid):
            item.add_marker(pytest.mark.skip(reason=why))
    if hasattr(config, "workerinput"):
        from harness.schedule import longest_first
        longest_first(items)


@pytest.fixture(scope="session")
def proxy_executable(request):
    given = request.config.getoption("--proxy")
    if given:
        found = [Path(given).resolve()]
    else:
        found = [BUILD / "proxy/mysqlproxy", *TOP.glob("build*/proxy/mysqlproxy")]
    found = [path for path in found if os.access(path, os.X_OK)]
    if not found:
        raise Failure("no mysqlproxy is built: run ninja, or name one by --proxy")
    return max(found, key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="session")
def probe():
    """mysqlprobe: probe("login", target, …) runs it and gives what it said."""
    return Probe()


@pytest.fixture(scope="session")
def build():
    """Where setup has put the clients and MySQL."""
    return BUILD


@pytest.fixture(scope="session")
def work():
    """A folder for data directories and logs, of this process alone."""
    return Path(tempfile.mkdtemp(prefix="w", dir=os.environ[RUN_FOLDER]))


def running(server):
    try:
        server.create()
        yield server
    finally:
        # Nothing reads its data any more.
        server.kill()


@pytest.fixture(scope="session")
def mariadb(work):
    yield from running(MariaDb(work / "mariadb"))


@pytest.fixture(scope="session")
def mysql(work, build):
    yield from running(MySql(work / "mysql", build / "mysql8"))


@pytest.fixture(scope="session")
def secure_mariadb(work):
    yield from running(SecureMariaDb(work / "secure-mariadb"))


@pytest.fixture(scope="session")
def secure_mysql(work, build):
    yield from running(SecureMySql(work / "secure-mysql", build / "mysql8"))


@pytest.fixture(scope="session")
def strange(work):
    """A MariaDB that tests may bring into any state, and back."""
    server = MariaDb(work / "strange", "strange")
    try:
        server.create()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def odd(work, build):
    """Likewise a MySQL."""
    server = MySql(work / "odd", build / "mysql8", "odd")
    try:
        server.create()
        yield server
    finally:
        server.stop()


@pytest.fixture
def account(odd):
    """account(plugin, options): one of MySQL's for this test."""
    made = []

    def make(plugin="mysql_native_password", options="", password="pw"):
        name = f"odd{len(made)}"
        odd.ask(f"CREATE USER {name}@'%' IDENTIFIED WITH {plugin} BY '{password}' {options}")
        made.append(name)
        return Account(name, password)

    yield make
    for name in made:
        odd.ask(f"DROP USER {name}@'%'")


def pytest_generate_tests(metafunc):
    if "secure_server" in metafunc.fixturenames:
        metafunc.parametrize("secure_server", ["secure_mariadb", "secure_mysql"], indirect=True, scope="session")
    # A conversation brings its own order of servers and clients.
    if "server" in metafunc.fixturenames and "case_name" not in metafunc.fixturenames:
        metafunc.parametrize("server", ["mariadb", "mysql"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(request):
    """Each server in turn. Tests leave it as it was; one that stops a server starts its own."""
    return request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def marked_servers(request):
    """What a test counts of sessions are its own, not those of the test before that the server has not seen off."""
    for name in ("server", "mariadb", "mysql"):
        if name in request.fixturenames:
            request.getfixturevalue(name).mark()


@pytest.fixture(scope="session")
def secure_server(request):
    """Each server in turn with TLS, every plugin and accounts in every state."""
    return request.getfixturevalue(request.param)


def made_proxies(executable, folder):
    """make(servers, **options): a new running proxy, stopped when this ends."""
    made = []

    def make(*servers, **options):
        made.append(Proxy(executable, tempfile.mkdtemp(prefix="proxy", dir=folder), servers, **options))
        return made[-1].start()

    yield make
    for proxy in made:
        proxy.stop_well()


# Of these a test or a fixture takes the one with its own scope: a proxy that nobody needs any more costs the
# others time, since it goes on asking its servers how they are.


@pytest.fixture(scope="session")
def proxies(work, proxy_executable):
    yield from made_proxies(proxy_executable, work)


@pytest.fixture(scope="module")
def module_proxies(work, proxy_executable):
    yield from made_proxies(proxy_executable, work)


@pytest.fixture
def own_proxies(work, proxy_executable):
    yield from made_proxies(proxy_executable, work)


@pytest.fixture(scope="session")
def shared_proxies(proxies):
    """One proxy for each server, for tests that leave it as it was."""
    made = {}

    def get(server):
        if server.name not in made:
            # None of these tests is about servers that go, and a busy machine is no reason to take one for gone.
            made[server.name] = proxies(server, tables={"health": {"interval": "2s", "timeout": "60s"}})
        return made[server.name]

    return get


@pytest.fixture
def proxy(server, shared_proxies):
    """The proxy in front of `server`."""
    proxy = shared_proxies(server)
    yield proxy
    assert proxy.child.running(), "the proxy has died"


@pytest.fixture
def start(proxy_executable, tmp_path_factory):
    """start(servers, **options): a proxy for one test, whose end the test may see to itself."""
    made = []

    def make(*servers, running=True, **options):
        made.append(Proxy(proxy_executable, tmp_path_factory.mktemp("proxy"), servers, **options))
        return made[-1].start() if running else made[-1]

    yield make
    for proxy in made:
        proxy.stop_well()


@pytest.fixture(scope="module")
def pair(work, request):
    """Two servers for one module, told apart by their ports. A test may stop one, and starts it again."""
    servers = [MariaDb(work / f"{request.module.__name__}-{name}", name) for name in ("db1", "db2")]
    try:
        for server in servers:
            server.create()
        yield servers
    finally:
        for server in servers:
            server.stop()
