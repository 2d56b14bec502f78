"""Where users come from, and what keeps strangers out: files, pasted lines, the servers themselves; limits."""

import os
import socket
import subprocess
import time

import pytest

from harness.accounts import Account, write_secret
from harness.plugin_accounts import make_certificate
from harness.plugins import CACHING_SHA2, ED25519, NATIVE, SHA256, Login, any_certificate
from harness.wire import Closed, Err, Wire

READER = Account("reader", "reads-accounts")
WALTER = Account("walter", "his-pass word")
BLOCKED, FULL = 1129, 1040


@pytest.fixture
def people(secure_server):
    """create(name, how, host): an account on the server, gone with the test."""
    made = []

    def create(name, how, host="%"):
        secure_server.ask(f"CREATE USER '{name}'@'{host}' {how}")
        made.append(f"'{name}'@'{host}'")

    yield create
    for account in made:
        secure_server.ask(f"DROP USER IF EXISTS {account}")


@pytest.fixture
def reader(secure_server, people):
    people(READER.name, by_native(secure_server, READER.password))
    secure_server.ask(f"GRANT SELECT ON mysql.* TO '{READER.name}'@'%'")


def by(server, plugin, password):
    named = plugin.decode().removeprefix("client_")
    if server.flavor == "mariadb":
        return f"IDENTIFIED VIA {named} USING PASSWORD('{password}')"
    return f"IDENTIFIED WITH {named} BY '{password}'"


def by_native(server, password=WALTER.password):
    return by(server, NATIVE, password)


def verdict(proxy_or_port, name=WALTER.name, password=WALTER.password, plugin=NATIVE, tls=None, path=None):
    """"ok", or the ERR, or that there was no word."""
    port = getattr(proxy_or_port, "port", proxy_or_port)
    try:
        wire, last = Login(name, password, plugin, tls).run(port, path)
    except (Closed, ConnectionError):
        return "closed"
    with wire:
        return Err.of(last) or "ok"


def printed(server, name=WALTER.name, host="%"):
    """What SHOW CREATE USER prints."""
    return server.ask(f"SHOW CREATE USER '{name}'@'{host}'")[0][0]


def loading(**more):
    return {"pool.main": {"load_users": {"user": READER.name, "password_file": "reader.password", **more}}}


def start_loading(start, server, tables=None, **more):
    """A proxy that knows nobody but by its server."""
    proxy = start(server, accounts=(), tables={**loading(**more), **(tables or {})}, running=False)
    write_secret(proxy.folder / "reader.password", READER.password)
    return proxy.start()


# Pasted lines


def test_what_the_server_prints_is_pasted(secure_server, start, people):
    people(WALTER.name, by_native(secure_server))
    proxy = start(secure_server, accounts=(), tables={
        f"user.{WALTER.name}": {"pool": "main", "mysql_user": printed(secure_server)}})
    assert verdict(proxy) == "ok"
    assert verdict(proxy, password="?").code == 1045


def test_lines_of_the_tables_are_pasted(secure_server, start, people):
    """All the columns there are, and the few that matter."""
    people(WALTER.name, by_native(secure_server))
    few = "SELECT Host, User, plugin, authentication_string FROM mysql.user"
    statements = [few, "SELECT * FROM mysql.user"]
    if secure_server.flavor == "mariadb":
        statements.append("SELECT * FROM mysql.global_priv")
    for statement in statements:
        row = secure_server.ask(f"{statement} WHERE User = '{WALTER.name}'")[0]
        cells = ["" if cell is None else cell.decode() if isinstance(cell, bytes) else str(cell) for cell in row]
        for line in ("\t".join(cells), "| " + " | ".join(cells) + " |"):
            proxy = start(secure_server, accounts=(), tables={
                f"user.{WALTER.name}": {"pool": "main", "mysql_user": line}})
            assert verdict(proxy) == "ok", line
            proxy.stop_well()


def test_conditions_come_with_the_line(secure_server, start, people, tmp_path):
    certificate, key = make_certificate(tmp_path, "walter")
    people(WALTER.name, by_native(secure_server) + " REQUIRE SUBJECT '/CN=walter'")
    proxy = start(secure_server, accounts=(), tables={
        "listen.main": {"tls_ca": certificate},
        f"user.{WALTER.name}": {"pool": "main", "mysql_user": printed(secure_server)}})
    # What the server asks of its clients is asked of the proxy too; here it is about the proxy's.
    secure_server.ask(f"ALTER USER '{WALTER.name}'@'%' REQUIRE NONE")
    context = any_certificate()
    denied = verdict(proxy)
    assert denied.code == 1045 and denied.state == "28000"
    assert verdict(proxy, tls=context) == denied
    context.load_cert_chain(certificate, key)
    assert verdict(proxy, tls=context) == "ok"


def test_accounts_are_told_apart_by_host(secure_server, start, people):
    people(WALTER.name, by_native(secure_server))
    here = Account(WALTER.name, WALTER.password)
    wrong = Account(WALTER.name, "another")
    line = "CREATE USER walter@'{}' IDENTIFIED BY PASSWORD '{}'"
    hosts = {"%": wrong, "127.0.0.0/8": here}
    proxy = start(secure_server, accounts=(), tables={f"user.{WALTER.name}": {
        "pool": "main", "mysql_user": [line.format(host, one.native_hash) for host, one in hosts.items()]}})
    assert verdict(proxy) == "ok"
    assert verdict(proxy, password="another").code == 1045
    proxy.tables[f"user.{WALTER.name}"] = {"pool": "main", "hash": here.native_hash, "host": ["10.0.%", "192.0.2.1"]}
    proxy.write_config()
    assert "not" not in proxy.reload()["message"]
    assert verdict(proxy).code == 1045


# A file of their own


def test_users_file(secure_server, start, people):
    people(WALTER.name, by_native(secure_server))
    proxy = start(secure_server, accounts=(), tables={"proxy": {"users_file": "users.toml"}}, running=False)
    users = proxy.folder / "users.toml"
    write_secret(users, "")
    proxy.start()
    assert verdict(proxy).code == 1045
    write_secret(users, f'[user.{WALTER.name}]\npool = "main"\nhash = "{WALTER.native_hash}"\n')
    assert proxy.reload()["message"] == "the configuration was reloaded"
    assert verdict(proxy) == "ok"
    write_secret(users, '[user.walter]\npool = "nowhere"\n')
    assert "not reloaded" in proxy.reload()["message"]
    assert verdict(proxy) == "ok", "the old one stays in force"
    since = len(proxy.messages())
    write_secret(users, f'[user.{WALTER.name}]\npool = "main"\nhash = "{WALTER.native_hash}"\n')
    users.chmod(0o644)
    proxy.reload()
    proxy.wait_for_log("everybody on this machine can read", since=since)


# mysqlproxy user


def run_user(executable, *arguments, said=None, **variables):
    done = subprocess.run([str(executable), "user", *map(str, arguments)], input=said, capture_output=True, text=True,
                          timeout=30, env={**os.environ, **variables}, start_new_session=True)
    assert WALTER.password not in done.stdout + done.stderr
    return done


def test_user_add_and_check(secure_server, start, people, proxy_executable):
    people(WALTER.name, by_native(secure_server))
    proxy = start(secure_server, accounts=(), tables={"proxy": {"users_file": "users.toml"}}, running=False)
    users = proxy.folder / "users.toml"
    added = run_user(proxy_executable, "add", WALTER.name, "--file", users, said=WALTER.password + "\n")
    assert added.returncode == 0, added.stderr
    assert users.stat().st_mode & 0o777 == 0o600
    assert WALTER.password not in users.read_text()
    proxy.start()
    assert verdict(proxy) == "ok"
    assert verdict(proxy, plugin=CACHING_SHA2) == "ok"
    for password, code in ((WALTER.password, 0), ("?", 1)):
        checked = run_user(proxy_executable, "check", WALTER.name, "-c", proxy.config, "--password-env", "SAID",
                           SAID=password)
        assert checked.returncode == code
    assert run_user(proxy_executable, "check", "nobody", "-c", proxy.config, said="x\n").returncode == 2
    assert run_user(proxy_executable, "check", WALTER.name, "-c", proxy.config, said="").returncode == 2
    password_file = proxy.folder / "password"
    write_secret(password_file, "newer\n")
    assert run_user(proxy_executable, "add", WALTER.name, "-c", proxy.config, "--password-file",
                    password_file).returncode == 2
    assert run_user(proxy_executable, "add", WALTER.name, "-c", proxy.config, "--password-file", password_file,
                    "--replace").returncode == 0
    proxy.reload()
    assert verdict(proxy).code == 1045


# Other accounts on the servers


def test_another_name_on_the_server(secure_server, start, people):
    people("walter_rw", by_native(secure_server))
    proxy = start(secure_server, accounts=(), tables={
        f"user.{WALTER.name}": {"pool": "main", "hash": WALTER.native_hash, "server_user": "walter_rw"}})
    wire, last = Login(WALTER.name, WALTER.password, NATIVE).run(proxy.port)
    with wire:
        assert Err.of(last) is None
        assert wire.ask("SELECT CURRENT_USER()") == "walter_rw@%"
        assert Err.of(Login(WALTER.name, WALTER.password, NATIVE).change_user(wire)) is None
        assert wire.ask("SELECT CURRENT_USER()") == "walter_rw@%"
    assert proxy.wait_for_access()["user"] == WALTER.name


@pytest.mark.parametrize("kind", ["sha1", "password"])
def test_another_password_on_the_server(secure_server, start, people, kind):
    import hashlib

    people("walter_rw", by_native(secure_server, "the-servers-own"))
    proxy = start(secure_server, accounts=(), running=False, tables={f"user.{WALTER.name}": {
        "pool": "main", "hash": WALTER.native_hash, "server_user": "walter_rw", "server_secret_file": "secret"}})
    text = hashlib.sha1(b"the-servers-own").hexdigest() if kind == "sha1" else "the-servers-own"
    write_secret(proxy.folder / "secret", f"{kind}:{text}\n")
    proxy.start()
    assert verdict(proxy) == "ok"
    assert verdict(proxy, password="the-servers-own").code == 1045


# Loaded from the servers


def plugins_of(server):
    return [NATIVE, ED25519] if server.flavor == "mariadb" else [NATIVE, CACHING_SHA2, SHA256]


def test_users_of_the_server(secure_server, start, people, reader):
    """By every plugin, without a word of them in the configuration."""
    for plugin in plugins_of(secure_server):
        people(f"by_{plugin.decode()}"[:30], by(secure_server, plugin, WALTER.password))
    proxy = start_loading(start, secure_server)
    for plugin in plugins_of(secure_server):
        name = f"by_{plugin.decode()}"[:30]
        assert verdict(proxy, name, plugin=plugin, tls=any_certificate()) == "ok"
        assert verdict(proxy, name, "?", plugin, any_certificate()).code == 1045
    assert verdict(proxy, "nobody-at-all").code == 1045


def test_new_users_need_no_waiting(secure_server, start, people, reader):
    """What has changed at the server is seen at the first login that fails."""
    proxy = start_loading(start, secure_server, interval="1h", pause="200ms")
    assert verdict(proxy).code == 1045
    people(WALTER.name, by_native(secure_server))
    assert verdict(proxy) == "ok"
    secure_server.ask(f"SET PASSWORD FOR '{WALTER.name}'@'%' = " +
                      ("PASSWORD('newer')" if secure_server.flavor == "mariadb" else "'newer'"))
    assert verdict(proxy, password="newer") == "ok"
    assert verdict(proxy).code == 1045
    if secure_server.flavor == "mysql":
        # To a plugin that the client has to be asked for anew.
        secure_server.ask(f"ALTER USER '{WALTER.name}'@'%' IDENTIFIED WITH caching_sha2_password BY 'third'")
        assert verdict(proxy, password="third", tls=any_certificate()) == "ok"
        secure_server.ask(f"ALTER USER '{WALTER.name}'@'%' IDENTIFIED WITH caching_sha2_password BY 'fourth'")
        assert verdict(proxy, password="fourth", plugin=CACHING_SHA2, tls=any_certificate()) == "ok"
    else:
        # To one whose answers only the server can use: it is asked for before the proxy judges them.
        for password, begin in (("third", NATIVE), ("fourth", ED25519)):
            secure_server.ask(f"ALTER USER '{WALTER.name}'@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{password}')")
            assert verdict(proxy, password=password, plugin=begin) == "ok"
        assert verdict(proxy, password="third", plugin=ED25519).code == 1045
        secure_server.ask(f"ALTER USER '{WALTER.name}'@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('newer')")
        # Where the client was sent the other way by then, at the next login.
        assert wait_until_ok(proxy, "newer") == "ok"
    secure_server.ask(f"DROP USER '{WALTER.name}'@'%'")
    assert verdict(proxy, password="fourth" if secure_server.flavor == "mysql" else "newer").code == 1045


def test_states_of_the_servers_accounts(secure_server, start, people, reader):
    """Each as the server itself has it."""
    people("is_out", by_native(secure_server) + " ACCOUNT LOCK")
    people("is_old", by_native(secure_server) + " PASSWORD EXPIRE")
    people("is_shy", by_native(secure_server) + " REQUIRE SSL")
    people("is_away", by_native(secure_server), host="10.9.8.7")
    proxy = start_loading(start, secure_server)
    for name in ("is_out", "is_old", "is_shy", "is_away"):
        for password in (WALTER.password, "?"):
            assert verdict(proxy, name, password) == verdict(secure_server, name, password), (name, password)
    assert verdict(proxy, "is_shy", tls=any_certificate()) == "ok"


def test_the_most_specific_host_counts(secure_server, start, people, reader):
    people(WALTER.name, by_native(secure_server, "of everybody"))
    people(WALTER.name, by_native(secure_server), host="127.0.0.1")
    proxy = start_loading(start, secure_server)
    assert verdict(proxy) == verdict(secure_server) == "ok"
    assert verdict(proxy, password="of everybody").code == 1045


def test_the_configurations_own_users_come_first(secure_server, start, people, reader):
    people(WALTER.name, by_native(secure_server))
    stranger = Account(WALTER.name, "another")
    proxy = start_loading(start, secure_server, tables={
        f"user.{WALTER.name}": {"pool": "main", "hash": stranger.native_hash}})
    assert verdict(proxy).code == 1045


def test_lists_of_plugins(secure_server, start, people, reader):
    if secure_server.flavor == "mysql":
        pytest.skip("MariaDB's")
    people(WALTER.name, f"IDENTIFIED VIA unix_socket OR ed25519 USING PASSWORD('{WALTER.password}') "
                        f"OR mysql_native_password USING PASSWORD('{WALTER.password}')")
    proxy = start_loading(start, secure_server)
    for plugin in (NATIVE, ED25519):
        assert verdict(proxy, plugin=plugin) == "ok"


def test_without_the_right_to_read_hashes(secure_server, start, people, reader):
    if secure_server.flavor == "mysql":
        pytest.skip("MariaDB's: the view is enough there")
    secure_server.ask(f"REVOKE SELECT ON mysql.* FROM '{READER.name}'@'%'")
    secure_server.ask(f"GRANT SELECT ON mysql.user TO '{READER.name}'@'%'")
    people(WALTER.name, by_native(secure_server))
    proxy = start_loading(start, secure_server)
    assert verdict(proxy) == "ok"


def test_what_was_read_last_stays(secure_server, start, people, reader):
    """When it can't be read any more, that is said once."""
    people(WALTER.name, by_native(secure_server))
    proxy = start_loading(start, secure_server, interval="200ms", pause="100ms")
    secure_server.ask(f"REVOKE SELECT ON mysql.* FROM '{READER.name}'@'%'")
    proxy.wait_for_log("can't be read, those known stay in force: .*denied")
    time.sleep(1)
    assert verdict(proxy) == "ok"
    assert verdict(proxy, password="?").code == 1045
    said = [one for one in proxy.messages() if "can't be read" in one["message"]]
    assert len(said) == 1 and READER.password not in str(said)
    secure_server.ask(f"GRANT SELECT ON mysql.* TO '{READER.name}'@'%'")
    since = len(proxy.messages())
    proxy.wait_for_log("accounts of pool main are read", since=since)


def test_failed_logins_do_not_flood_the_server(secure_server, start, people, reader):
    proxy = start_loading(start, secure_server, interval="1h", pause="2s")
    for statement in ("SET GLOBAL log_output = 'TABLE'", "TRUNCATE mysql.general_log", "SET GLOBAL general_log = ON"):
        secure_server.ask(statement)
    try:
        began = time.monotonic()
        for _ in range(3):
            assert verdict(proxy).code == 1045
        took = time.monotonic() - began
    finally:
        secure_server.ask("SET GLOBAL general_log = OFF")
    reads = secure_server.ask("SELECT COUNT(*) FROM mysql.general_log WHERE command_type = 'Connect' AND "
                              f"argument LIKE '{READER.name}@%'")[0][0]
    # Each read waits for the one before to be 2 s old.
    assert took > 4
    assert 2 <= reads <= 4


# Limits


def limits(**more):
    return {"login_limits": {"exempt": ["192.0.2.0/24"], **more}}


def test_hosts_that_fail_too_often_are_blocked(secure_server, start, people):
    people(WALTER.name, by_native(secure_server))
    user = {f"user.{WALTER.name}": {"pool": "main", "hash": WALTER.native_hash}}
    proxy = start(secure_server, accounts=(), running=False, tables={
        **user, **limits(max_failures=3, first_delay="0ms", block_time="5s")})
    path = proxy.folder / "s"
    proxy.tables["listen.main"]["bind"] = [proxy.address, f"unix:{path}"]
    proxy.start()
    for _ in range(2):
        assert verdict(proxy, password="?").code == 1045
    assert verdict(proxy) == "ok", "which takes the count back"
    for _ in range(3):
        assert verdict(proxy, "whoever", "?").code == 1045
    blocked = verdict(proxy)
    assert blocked.code == BLOCKED and blocked.state == ""
    assert blocked.message == server_blocks(secure_server)
    assert verdict(None, path=path) == "ok", "others are not concerned"
    assert proxy.reload()["message"] == "the configuration was reloaded"
    assert verdict(proxy) == "ok"
    for _ in range(3):
        assert verdict(proxy, password="?").code == 1045
    assert verdict(proxy).code == BLOCKED
    time.sleep(5.2)
    assert verdict(proxy) == "ok"


def test_failures_that_the_server_finds_count_too(secure_server, start, people):
    people(WALTER.name, by_native(secure_server))
    proxy = start(secure_server, accounts=(), tables={
        f"user.{WALTER.name}": {"pool": "main", "passthrough": True}, **limits(max_failures=3, first_delay="0ms")})
    for password in ("?", "?", WALTER.password, "?", "?", "?"):
        assert (verdict(proxy, password=password) == "ok") == (password != "?")
    assert verdict(proxy).code == BLOCKED
    proxy.wait_for_log("the host is blocked")
    assert len([one for one in proxy.messages() if "the host is blocked" in one["message"]]) == 1


def test_names_of_the_configuration_wait_as_others_do(secure_server, start, people, reader):
    """Or else they could be told by that."""
    known = {f"user.{WALTER.name}": {"pool": "main", "hash": WALTER.native_hash}}
    proxy = start_loading(start, secure_server, tables=known, interval="1h", pause="600ms")
    took = []
    for name in (WALTER.name, "whoever"):
        verdict(proxy, name, "?")
        began = time.monotonic()
        assert verdict(proxy, name, "?").code == 1045
        took.append(time.monotonic() - began)
    assert all(0.3 < one < 1.5 for one in took), took


def server_blocks(server):
    """The servers' words for it. They never block loopback, so it can't be had from them here."""
    program = "mariadb-admin" if server.flavor == "mariadb" else "mysqladmin"
    return f"Host 'localhost' is blocked because of many connection errors; unblock with '{program} flush-hosts'"


def test_answers_to_failures_come_later_and_later(secure_server, start):
    proxy = start(secure_server, tables=limits(free_failures=1, first_delay="400ms", longest_delay="800ms"))
    took = []
    for _ in range(4):
        began = time.monotonic()
        assert verdict(proxy, password="?").code == 1045
        took.append(time.monotonic() - began)
    assert took[0] < 0.3
    assert 0.25 < took[1] < 0.75
    assert all(0.6 < one < 1.6 for one in took[2:])


def test_hosts_behind_a_balancer_are_told_apart(secure_server, start, people):
    people(WALTER.name, by_native(secure_server))
    proxy = start(secure_server, accounts=(), tables={
        f"user.{WALTER.name}": {"pool": "main", "hash": WALTER.native_hash, "host": "198.51.100.0/24"},
        "listen.main": {"proxy_protocol_from": ["127.0.0.0/8"]},
        **limits(max_failures=2, first_delay="0ms")})

    def log_in(host, password=WALTER.password):
        with Wire(proxy.port) as wire:
            wire.send_raw(f"PROXY TCP4 {host} 203.0.113.1 40000 3306\r\n".encode())
            return Err.of(wire.log_in(Account(WALTER.name, password), schema=b"")) or "ok"

    assert log_in("198.51.100.7") == "ok"
    assert log_in("203.0.113.9").code == 1045, "not from there"
    for _ in range(2):
        assert log_in("198.51.100.7", "?").code == 1045
    blocked = log_in("198.51.100.7")
    assert blocked.code == BLOCKED and "'198.51.100.7'" in blocked.message
    assert log_in("198.51.100.8") == "ok"


def test_handshakes_in_progress_are_bounded(secure_server, start, people):
    people(WALTER.name, by_native(secure_server))
    proxy = start(secure_server, accounts=(), tables={
        f"user.{WALTER.name}": {"pool": "main", "hash": WALTER.native_hash},
        "listen.main": {"max_handshakes": 3}})
    silent = [socket.create_connection(("127.0.0.1", proxy.port)) for _ in range(3)]
    for one in silent:
        assert one.recv(1)
    refused = verdict(proxy)
    assert (refused.code, refused.state, refused.message) == (FULL, "", "Too many connections")
    silent.pop().close()
    assert wait_until_ok(proxy) == "ok"
    sessions = []
    for _ in range(5):
        wire, last = Login(WALTER.name, WALTER.password, NATIVE).run(proxy.port)
        assert Err.of(last) is None, "those that are logged in do not count"
        sessions.append(wire)
    for one in [*sessions, *silent]:
        one.close()


def wait_until_ok(proxy, password=WALTER.password):
    for _ in range(50):
        if verdict(proxy, password=password) == "ok":
            return "ok"
        time.sleep(0.1)
    return verdict(proxy, password=password)


@pytest.mark.parametrize("size", [70_000, 1 << 20, (1 << 24) - 1])
def test_strangers_may_not_send_much(secure_server, start, size):
    """Far less than max_allowed_packet; it is refused by its header, unread."""
    proxy = start(secure_server)
    with Wire(proxy.port) as wire:
        wire.greet()
        try:
            wire.send(b"\x85\xa6\x0f\x20" + bytes(size))
            wire.sequence = 1
            error = Err.of(wire.read())
            assert error.code in (1043, 1153)
        except Closed:
            pass
    assert proxy.child.running()
    assert os.path.getsize(proxy.log) < 1 << 20
