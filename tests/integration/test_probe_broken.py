"""Set-ups that are broken: each has its own diagnosis and exit code.

What a real server can be brought to do, a real one does; the rest are scripted ones.
"""

import os
import random
import socket
import ssl
import struct
import subprocess
import time

import pymysql
import pytest

from harness import wire
from harness.accounts import APP, GHOST, NOBODY, POOR, STALE, Account
from harness.certificates import Authority
from harness.probe import OK, FakeServer, err, greeting
from harness.process import Child, free_port
from harness.servers import MariaDb, MySql

REFUSED, USAGE, UNREACHABLE, TLS, PROTOCOL, PLUGIN, EARLY = 1, 2, 3, 4, 5, 6, 7


def diagnosed(said, code, step, *words):
    """The run ended with that code at that step, and its first cause or advice has these words."""
    assert said.code == code, said.out + said.err
    report = said.report
    assert report["ok"] is False and report["exit_code"] == code
    assert report["step"] == step, report["error"]
    first = said.error["causes"][0]
    for word in words:
        assert word in first["cause"] + " " + first["advice"], said.advice()
    return said


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def strange(work):
    """A MariaDB that tests may bring into any state."""
    server = MariaDb(work / "strange", "strange")
    try:
        server.create()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
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


# The way to the server


def test_wrong_port(probe):
    port = free_port()
    diagnosed(probe("login", f"127.0.0.1:{port}", "-u", "x"), UNREACHABLE, "connect", f"Nothing listens on port {port}")


def test_unknown_name(probe):
    diagnosed(probe("login", "no-such-host.invalid", "-u", "x"), UNREACHABLE, "resolve", "no-such-host.invalid")


def test_missing_socket(probe, tmp_path):
    diagnosed(probe("login", f"unix:{tmp_path}/none", "-u", "x"), UNREACHABLE, "connect", "no unix socket of that name")


def test_socket_left_over(probe, tmp_path):
    path = tmp_path / "s"
    socket.socket(socket.AF_UNIX).bind(str(path))
    diagnosed(probe("login", f"unix:{path}", "-u", "x"), UNREACHABLE, "connect", "left over")


def test_connect_times_out(probe):
    # A queue that is full: the kernel drops the next connection's packets, as a firewall does.
    with FakeServer(None, backlog=0) as server:
        held = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", server.port))
            held.append(one)
        time.sleep(0.2)
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "500ms"), UNREACHABLE, "connect", "firewall")


def test_hangs_after_accept(probe):
    with FakeServer(lambda peer: peer.drain()) as server:
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "500ms"), UNREACHABLE, "greeting", "hangs")


def test_a_stopped_server_hangs(probe, strange):
    strange.child.freeze()
    try:
        diagnosed(probe("greet", strange.address, "--timeout", "500ms"), UNREACHABLE, "greeting", "hangs")
    finally:
        strange.child.thaw()


def test_closes_at_once(probe):
    with FakeServer(lambda peer: None) as server:
        diagnosed(probe("login", server.address, "-u", "x"), UNREACHABLE, "greeting", "closed again without a word")


def test_greeting_drips(probe):
    def drip(peer):
        for byte in wire.frame(greeting(), 0):
            peer.raw(bytes([byte]))
            time.sleep(0.05)

    with FakeServer(drip) as server:
        begin = time.monotonic()
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "600ms"), UNREACHABLE, "greeting")
        assert time.monotonic() - begin < 3


def test_haproxy_without_a_server(probe, work):
    port = free_port()
    config = work / "dead.cfg"
    config.write_text(f"defaults\n mode tcp\n timeout connect 1s\n timeout client 9s\n timeout server 9s\n"
                      f"listen db\n bind 127.0.0.1:{port}\n server a 127.0.0.1:{free_port()}\n")
    child = Child(["/usr/sbin/haproxy", "-db", "-f", config], work / "dead.log", "haproxy")
    try:
        child.wait_until(lambda: listens(port), "it listens")
        said = probe("login", f"127.0.0.1:{port}", "-u", "x", "--timeout", "8s")
        diagnosed(said, UNREACHABLE, "greeting", "proxy or load balancer")
    finally:
        child.stop()


def listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_mysqlproxy_without_a_server(probe, own_proxies, work):
    dead = MariaDb(work / "never-started", "dead")
    said = probe.login(own_proxies(dead).address, APP, "--timeout", "20s")
    assert said.code in (REFUSED, EARLY)
    assert said.error["code"] and said.error["causes"]


# Something else


def test_garbage(probe):
    with FakeServer(lambda peer: peer.raw(os.urandom(16) + b"\xff" * 500)) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting", "no protocol known here")


def test_http_server(probe, tmp_path):
    port = free_port()
    child = Child(["python3", "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", tmp_path],
                  tmp_path / "log", "HTTP server")
    try:
        child.wait_until(lambda: listens(port), "it listens")
        for command in ("login", "greet"):
            user = ["-u", "x"] if command == "login" else []
            diagnosed(probe(command, f"127.0.0.1:{port}", *user, "--timeout", "1s"), PROTOCOL, "greeting", "an HTTP server")
    finally:
        child.stop()


def test_ssh_server(probe):
    with FakeServer(lambda peer: (peer.raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting", "an SSH server")
        diagnosed(probe("greet", server.address), PROTOCOL, "greeting", "an SSH server")


def test_smtp_server(probe):
    with FakeServer(lambda peer: (peer.raw(b"220 mail ESMTP\r\n"), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting", "SMTP")


def test_short_banner(probe):
    with FakeServer(lambda peer: (peer.raw(b"+OK"), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "500ms"), PROTOCOL, "greeting", "POP3")


def test_x_protocol_port(probe):
    hello = bytes.fromhex("050000000b08051a00")
    with FakeServer(lambda peer: (peer.raw(hello), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting", "X Protocol")


def test_tls_from_the_start(probe):
    alert = bytes.fromhex("15030100020246")
    with FakeServer(lambda peer: (peer.connection.recv(100), peer.raw(alert))) as server:
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "500ms"), PROTOCOL, "greeting",
                  "speaks TLS from the start")


def test_protocol_9(probe):
    with FakeServer(lambda peer: peer.send(b"\x093.20.32\0" + bytes(12), 0)) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting")


def test_greeting_that_is_cut(probe):
    with FakeServer(lambda peer: peer.send(greeting()[:20], 0)) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting", "what the protocol does not allow")


@pytest.mark.parametrize("how", ["close", "reset", "hang"])
@pytest.mark.parametrize("size", [2, 4, 20])
def test_a_greeting_that_ends_early(probe, how, size):
    def script(peer):
        peer.raw(wire.frame(greeting(), 0)[:size])
        time.sleep(0.1)
        if how == "reset":
            peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "hang":
            peer.drain()

    words, message = {"close": ("closed in the middle of the greeting", "the server closed the connection inside the greeting"),
                      "reset": ("closed in the middle of the greeting", "Connection reset by peer inside the greeting"),
                      "hang": ("its end did not come in time", "timed out inside the greeting")}[how]
    with FakeServer(script) as server:
        for command in ("login", "greet"):
            user = ["-u", "x"] if command == "login" else []
            said = probe(command, server.address, *user, "--timeout", "500ms")
            diagnosed(said, UNREACHABLE, "greeting", words)
            assert said.error["message"] == message


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("said", [bytes(range(256)) * 4, b"\x4a\0\0\x01\x0a8.0", b"\x4a\0\0\0\x51", b"hello\r\n"])
def test_bytes_that_are_no_greeting(probe, said, hangs):
    with FakeServer(lambda peer: (peer.raw(said), peer.drain() if hangs else time.sleep(0.1))) as server:
        for command in ("login", "greet"):
            user = ["-u", "x"] if command == "login" else []
            diagnosed(probe(command, server.address, *user, "--timeout", "500ms"), PROTOCOL, "greeting", "no protocol known here")


def test_closed_inside_a_packet(probe):
    with FakeServer(lambda peer: (peer.send(greeting(), 0), peer.read(), peer.raw(wire.frame(OK, 2)[:6]))) as server:
        said = probe("login", server.address, "-u", "x")
        diagnosed(said, UNREACHABLE, "response", "in the middle of the login")
        assert said.error["message"] == "the server closed the connection inside a packet"


def test_greeting_without_end(probe):
    def flood(peer):
        peer.raw(b"\xff\xff\xff\0" + b"\x0a" + b"8" * 100)
        while True:
            peer.raw(b"8" * 65536)

    with FakeServer(flood) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting")


# Refused before the login


def test_too_many_connections(probe, strange):
    held = []
    with strange.limited_to(10):
        try:
            with pytest.raises(pymysql.err.OperationalError):
                for _ in range(20):
                    held.append(pymysql.connect(host="127.0.0.1", port=strange.port, user="app", password=APP.password))
            # Some servers say it in place of the greeting, some behind the login.
            said = probe.login(strange.address, APP)
            diagnosed(said, EARLY, said.report["step"], "max_connections")
            assert said.error["code"] == 1040
        finally:
            for each in held:
                each.close()


@pytest.mark.parametrize("code, words", [(1129, "max_connect_errors"), (1130, "No account of the server is for this host"),
                                         (1053, "shutting down")])
def test_refused_before_the_greeting(probe, code, words):
    with FakeServer(lambda peer: peer.send(err(code, b"Host '10.0.0.9' is refused"), 0)) as server:
        diagnosed(probe("login", server.address, "-u", "x"), EARLY, "greeting", words)
        diagnosed(probe("greet", server.address), EARLY, "greeting", words)


# Accounts


def test_wrong_password(probe, server):
    said = probe.login(server.address, APP, password="not it")
    diagnosed(said, REFUSED, "response", "The password is wrong")
    assert said.error["code"] == 1045 and said.error["sql_state"] == "28000"


def test_no_password(probe, server):
    diagnosed(probe("login", server.address, "-u", "app"), REFUSED, "response", "No password was sent")


def test_unknown_user(probe, server):
    said = probe.login(server.address, GHOST)
    assert said.code == REFUSED and "There is no account 'boo'" not in said.advice()
    assert "There is no account 'ghost'" in said.advice()


def test_password_changed_behind_the_proxy(probe, server, proxy):
    said = probe.login(proxy.address, STALE)
    assert said.code == REFUSED and said.error["code"]


def test_account_for_tls_only(probe, odd, account):
    one = account(options="REQUIRE SSL")
    said = probe.login(odd.address, one, "--tls", "disabled")
    assert said.code == REFUSED and "REQUIRE SSL" in said.advice() and "--tls required" in said.advice()
    assert probe.login(odd.address, one).code == 0


def test_account_for_a_certificate(probe, odd, account):
    said = probe.login(odd.address, account(options="REQUIRE X509"))
    assert said.code == REFUSED and "REQUIRE X509" in said.advice()


def test_locked_account(probe, odd, account):
    diagnosed(probe.login(odd.address, account(options="ACCOUNT LOCK")), REFUSED, "response", "locked", "ACCOUNT UNLOCK")


def test_locked_account_of_mariadb(probe, strange):
    strange.ask("ALTER USER poor@'%' ACCOUNT LOCK")
    try:
        diagnosed(probe.login(strange.address, POOR), REFUSED, "response", "locked")
    finally:
        strange.ask("ALTER USER poor@'%' ACCOUNT UNLOCK")


def test_expired_password(probe, odd, account):
    one = account(options="PASSWORD EXPIRE")
    diagnosed(probe.login(odd.address, one), REFUSED, "response", "expired")
    # A client that handles it is let in, and can do nothing but set a new one.
    said = probe.login(odd.address, one, "--capabilities", "+CAN_HANDLE_EXPIRED_PASSWORDS")
    diagnosed(said, REFUSED, "whoami", "expired")


def test_unknown_schema(probe, server):
    said = probe.login(server.address, APP, "-D", "no_such_schema")
    assert said.code == REFUSED and said.error["code"] in (1044, 1049)
    assert "no_such_schema" in said.error["cause"]


def test_no_right_to_the_schema(probe, server):
    diagnosed(probe.login(server.address, POOR, "-D", "secret"), REFUSED, "response", "no right to the schema 'secret'")


def test_too_many_connections_of_the_user(probe, odd, account):
    one = account(options="WITH MAX_USER_CONNECTIONS 1")
    held = pymysql.connect(host="127.0.0.1", port=odd.port, user=one.name, password=one.password)
    try:
        said = probe.login(odd.address, one)
        assert said.code == REFUSED and said.error["code"] in (1203, 1226), said.out
        assert "connections" in said.error["cause"]
    finally:
        held.close()


def test_account_by_unix_socket(probe, strange):
    strange.ask("CREATE USER system_only@'%' IDENTIFIED VIA unix_socket")
    try:
        diagnosed(probe("login", strange.address, "-u", "system_only"), REFUSED, "response", "unix socket")
    finally:
        strange.ask("DROP USER system_only@'%'")


def test_offline_mode(probe, odd, account):
    one = account()
    odd.ask("SET GLOBAL offline_mode = ON")
    try:
        diagnosed(probe.login(odd.address, one), REFUSED, "response", "offline mode")
    finally:
        odd.ask("SET GLOBAL offline_mode = OFF")


# Plugins


def test_cold_cache_without_tls(probe, odd, account):
    one = account("caching_sha2_password")
    said = probe.login(odd.address, one, "--tls", "disabled")
    diagnosed(said, REFUSED, "full_auth", "caching_sha2_password", "--tls required")
    # Each of the ways that it advises works, and warms the cache.
    assert probe.login(odd.address, one, "--tls", "disabled", "--get-server-public-key").code == 0
    warm = probe.login(odd.address, one, "--tls", "disabled")
    assert warm.code == 0 and warm.found["fast_auth"] and not warm.found["full_auth"]
    odd.ask("FLUSH PRIVILEGES")
    pinned = ["--tls", "disabled", "--server-public-key", odd.data / "public_key.pem"]
    said = probe.login(odd.address, one, *pinned)
    assert said.code == 0 and "rsa_request" not in [each["name"] for each in said.report["steps"]]
    odd.ask("FLUSH PRIVILEGES")
    assert probe.login(odd.address, one, "--tls", "required").found["full_auth"]
    odd.ask("FLUSH PRIVILEGES")
    assert probe.login(f"unix:{odd.socket}", one).found["full_auth"]


def test_wrong_pinned_key(probe, odd, account, tmp_path):
    key = tmp_path / "key.pem"
    subprocess.run(f"openssl genrsa 2048 | openssl rsa -pubout -out {key}", shell=True, check=True, capture_output=True)
    said = probe.login(odd.address, account("caching_sha2_password"), "--tls", "disabled", "--server-public-key", key)
    assert said.code == REFUSED and said.error["code"] == 1045


def test_sha256_password_without_tls(probe, odd, account):
    one = account("sha256_password")
    diagnosed(probe.login(odd.address, one, "--tls", "disabled"), REFUSED, "switch", "sha256_password", "--tls required")
    assert probe.login(odd.address, one, "--tls", "disabled", "--get-server-public-key").code == 0
    assert probe.login(odd.address, one).code == 0


def test_old_client_is_refused(probe, odd, account):
    said = probe.login(odd.address, account("caching_sha2_password"), "--capabilities", "-PLUGIN_AUTH")
    diagnosed(said, PLUGIN, "response", "CLIENT_PLUGIN_AUTH")
    assert said.error["code"] == 1251


def test_plugin_missing_on_the_server(probe, strange):
    strange.ask("INSTALL SONAME 'auth_ed25519'")
    strange.ask("CREATE USER edith@'%' IDENTIFIED VIA ed25519 USING PASSWORD('pw')")
    edith = Account("edith", "pw")
    try:
        assert probe.login(strange.address, edith).found["plugin"] == "client_ed25519"
        strange.ask("UNINSTALL SONAME 'auth_ed25519'")
        said = probe.login(strange.address, edith)
        diagnosed(said, PLUGIN, "response", "does not have the account's authentication plugin")
        assert said.error["code"] == 1524
    finally:
        strange.ask("DROP USER edith@'%'")


def scripted(*packets, capabilities=wire.USUAL | wire.LENENC_AUTH):
    """A server that greets, and then answers each packet of the client with the next of these."""
    def script(peer):
        peer.send(greeting(capabilities=capabilities), 0)
        sequence = 2
        for payload in packets:
            if not peer.read():
                return
            peer.send(payload, sequence)
            sequence += 2
        peer.drain()

    return FakeServer(script)


def test_plugin_that_mysqlprobe_does_not_have(probe):
    with scripted(b"\xfeauth_gssapi_client\0principal") as server:
        diagnosed(probe("login", server.address, "-u", "x", password="secret"), PLUGIN, "switch", "auth_gssapi_client")


def test_mysql_old_password(probe):
    with scripted(b"\xfe") as server:
        diagnosed(probe("login", server.address, "-u", "x", password="secret"), PLUGIN, "switch", "before MySQL 4.1")


def test_password_in_clear(probe):
    with scripted(b"\xfemysql_clear_password\0", OK) as server:
        diagnosed(probe("login", server.address, "-u", "x", password="secret"), PLUGIN, "switch", "in clear")
        assert not any(b"secret" in each for each in server.received)
        probe("login", server.address, "-u", "x", "--allow-cleartext", "--timeout", "500ms", password="secret")
        assert b"secret\0" in server.received


def test_key_of_somebody_in_between(probe, tmp_path):
    # Full authentication is asked for, and then a key of his own is sent.
    with scripted(b"\xfecaching_sha2_password\0" + b"s" * 20 + b"\0", b"\1\4", b"\1-----BEGIN PUBLIC KEY-----") as server:
        said = probe("login", server.address, "-u", "x", password="secret")
        diagnosed(said, REFUSED, "full_auth")
        assert not any(b"\2" == each for each in server.received)


# TLS


def test_tls_wanted_and_not_offered(probe, mariadb):
    diagnosed(probe.login(mariadb.address, APP, "--tls", "required"), TLS, "tls", "offers no TLS")
    diagnosed(probe("tls", mariadb.address), TLS, "tls", "offers no TLS")


def test_encrypted_connections_only(probe, odd, account):
    one = account()
    odd.ask("SET GLOBAL require_secure_transport = ON")
    try:
        said = probe.login(odd.address, one, "--tls", "disabled")
        diagnosed(said, TLS, "response", "require_secure_transport", "--tls required")
        assert probe.login(odd.address, one).code == 0
    finally:
        odd.ask("SET GLOBAL require_secure_transport = OFF")


def tls_server(work, name, authority, pair):
    """A MariaDB with that certificate."""
    certificate, key = pair
    server = MariaDb(work / name, name)
    plain = server.settings()
    server.settings = lambda: [each for each in plain if each != "--skip-ssl"] + [
        f"--ssl-cert={certificate}", f"--ssl-key={key}", f"--ssl-ca={authority.certificate}", "--ssl"]
    server.create()
    return server


@pytest.fixture(scope="module")
def good_tls(work, authority):
    server = tls_server(work, "good-tls", authority, authority.issue("good", names="DNS:db.example"))
    yield server
    server.stop()


def test_wrong_authority(probe, good_tls, tmp_path):
    other = Authority(tmp_path / "other", "other CA")
    said = probe.login(good_tls.address, APP, "--tls", "verify-ca", "--ca", other.certificate)
    diagnosed(said, TLS, "tls", "authority that is not known here")
    diagnosed(probe("tls", good_tls.address, "--tls", "verify-ca", "--ca", other.certificate), TLS, "tls", "authority")


def test_another_name(probe, good_tls, authority):
    trusted = ["--ca", authority.certificate, "--tls"]
    said = probe.login(good_tls.address, APP, *trusted, "verify-identity")
    diagnosed(said, TLS, "tls", "for another name than 127.0.0.1")
    assert probe.login(good_tls.address, APP, *trusted, "verify-ca").code == 0
    assert probe.login(good_tls.address, APP, *trusted, "verify-identity", "--server-name", "db.example").code == 0


def test_expired_certificate(probe, work, authority):
    pair = authority.issue("expired", start="20200101000000Z", days="20200201000000Z")
    server = tls_server(work, "expired-tls", authority, pair)
    try:
        said = probe.login(server.address, APP, "--tls", "verify-ca", "--ca", authority.certificate)
        diagnosed(said, TLS, "tls", "has expired")
        assert probe.login(server.address, APP, "--tls", "required").code == 0
        said = diagnosed(probe("tls", server.address), TLS, "tls", "has expired")
        assert said.found["days_left"] < 0 and "it ended at 2020-02-01T00:00:00Z" in said.error["message"]
    finally:
        server.stop()


def over_tls(*chain, key):
    """A server with those certificates that takes any login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    whole = key.with_suffix(".chain")
    whole.write_text("".join(each.read_text() for each in chain))
    context.load_cert_chain(whole, key)
    context.minimum_version = ssl.TLSVersion.TLSv1_2

    def script(peer):
        peer.send(greeting(capabilities=wire.USUAL | wire.SSL), 0)
        peer.read()
        peer.connection = context.wrap_socket(peer.connection, server_side=True)
        peer.read()
        peer.send(OK, 3)
        peer.drain()

    return FakeServer(script)


@pytest.mark.parametrize("start, end, code, nagios, words", [
    # Half a day more than the whole days that are told: it may end a second sooner than it was asked to.
    (-800, -100, TLS, 2, "the certificate has expired: it ended at "),
    (5, 50, TLS, 2, "the certificate is not valid yet: it begins at "),
    (-10, 4.5, REFUSED, 1, "the certificate ends in 4 days"),
    (-10, 49.5, 0, 0, "days_left=49"),
])
def test_dates_of_a_certificate(probe, tmp_path, start, end, code, nagios, words):
    own = Authority(tmp_path / "ca")
    certificate, key = own.issue("dated", start=date(start), days=date(end))
    with over_tls(certificate, key=key) as server:
        said = probe("tls", server.address)
        assert said.code == code, said.out
        assert len(said.found["versions"]) == 4 and said.found["host_matches"] is True
        line = probe.text("tls", server.address, "--nagios")
        assert line.code == nagios and words in line.out, line.out


def date(days):
    """So many days from now, as openssl writes it."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))


def test_the_chain_ends_with_what_ends_first(probe, tmp_path):
    root, second = Authority(tmp_path / "root"), Authority(tmp_path / "second", "second CA")
    certificate, key = second.issue("leaf", days=90)
    between, _ = root.issue("between", start=date(-90), days=date(-1))
    with over_tls(certificate, between, key=key) as server:
        said = probe("tls", server.address)
        diagnosed(said, TLS, "tls", "has expired")
        assert said.error["message"].startswith("the certificate of CN=between has expired: it ended at 20")
        assert said.found["days_left"] > 80
        assert "CRITICAL" in probe.text("tls", server.address, "--nagios").out


def test_signed_by_itself(probe, server, proxy):
    # mysqlproxy makes such a certificate where it is given none.
    diagnosed(probe.login(proxy.address, APP, "--tls", "verify-ca"), TLS, "tls", "signed by itself")


def test_no_version_in_common(probe, odd):
    said = probe.login(odd.address, NOBODY, "--tls", "required", "--tls-version", "TLSv1.3")
    assert said.code == TLS and said.report["step"] == "tls"


def test_garbage_in_the_place_of_tls(probe):
    def script(peer):
        peer.send(greeting(capabilities=wire.USUAL | wire.SSL), 0)
        peer.read()
        peer.raw(b"HTTP/1.0 200 OK\r\n\r\n")
        peer.drain()

    with FakeServer(script) as server:
        diagnosed(probe("login", server.address, "-u", "x"), TLS, "tls", "no TLS")


def test_tls_refused_in_clear(probe):
    def script(peer):
        peer.send(greeting(capabilities=wire.USUAL | wire.SSL), 0)
        peer.read()
        peer.send(err(1043, b"Bad handshake", b"08S01"), 2)
        peer.drain()

    with FakeServer(script) as server:
        said = probe("login", server.address, "-u", "x")
        diagnosed(said, TLS, "tls", "could not read our login")
        assert said.error["code"] == 1043


def test_our_own_files(probe, server, tmp_path):
    said = probe.login(server.address, APP, "--tls", "verify-ca", "--ca", tmp_path / "none")
    assert said.code in (USAGE, TLS)
    if server.flavor == "mysql":
        assert said.code == USAGE and "none" in said.error["message"]


# In the middle of it


def test_closed_in_the_middle(probe):
    with FakeServer(lambda peer: (peer.send(greeting(), 0), peer.read())) as server:
        diagnosed(probe("login", server.address, "-u", "x"), UNREACHABLE, "response", "in the middle of the login")


def test_hangs_in_the_middle(probe):
    with FakeServer(lambda peer: (peer.send(greeting(), 0), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "500ms"), UNREACHABLE, "response",
                  "in the middle of the login")


def test_packets_out_of_order(probe):
    with FakeServer(lambda peer: (peer.send(greeting(), 0), peer.read(), peer.send(OK, 9), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "response", "does not allow")


def test_endless_questions(probe):
    with scripted(*[b"\xfe" + wire.NATIVE + b"\0" + b"s" * 20 + b"\0"] * 50) as server:
        diagnosed(probe("login", server.address, "-u", "x", password="secret"), PROTOCOL, "switch")


def test_charset_that_no_client_may_have(probe, server):
    said = probe.login(server.address, APP, "--charset", "utf16")
    diagnosed(said, REFUSED, "response", "character set")


def test_server_asks_for_a_file(probe):
    with scripted(OK, capabilities=wire.USUAL) as server:
        def script(peer):
            peer.send(greeting(), 0)
            peer.read()
            peer.send(OK, 2)
            peer.read()
            peer.send(b"\xfb/etc/passwd", 1)
            peer.read()
            peer.drain()

        server.script = script
        said = probe("login", server.address, "-u", "x", "--timeout", "2s")
        diagnosed(said, PROTOCOL, "whoami")
        assert not any(b"root:" in each for each in server.received)


def test_nothing_acts_on_the_terminal(probe):
    evil = b"8.0\x1b[31m\x9b0m\xc2\x9b\x07"
    with FakeServer(lambda peer: (peer.send(greeting(version=evil), 0), peer.read(),
                                  peer.send(err(1045, b"no\x1b]0;x\x07\nno", b"28000"), 2), peer.drain())) as server:
        for more in ([], ["--json"], ["--nagios"], ["--trace"], ["--explain"]):
            said = probe.text("login", server.address, "-u", "x", "--color", "never", *more)
            for text in (said.out, said.err):
                assert not any(ord(c) < 32 and c != "\n" or 0x7F <= ord(c) < 0xA0 for c in text), more


@pytest.mark.parametrize("arguments", [
    ["greet", "-c", "2"], ["login", "-u", "x\x1b", "--explain"], ["ping", "-c", "1"], ["tls"], ["matrix", "-u", "x"],
    ["storm", "-u", "x", "--connections", "1", "--count", "2"], ["conform", "-u", "x", "--check", "command"]])
def test_json_whatever_bytes_a_server_sends(probe, arguments):
    evil = b"8\x1b[31m\xff\xc3\x28\x9b"

    def lets_in(peer):
        peer.send(greeting(version=evil), 0)
        peer.read()
        peer.send(OK, 2)
        while peer.read():
            peer.send(err(1064, b"a\0b\x1b\xc0\x80", b"4\xff\0\x1b0"), 1)

    def refuses(peer):
        peer.send(greeting(plugin=evil), 0)
        peer.read()
        peer.send(b"\xfe\xff\x1bplugin\0" + bytes(20), 2)
        peer.read()
        peer.send(err(1045, evil + b"\0", b"2\xff\0\x1b0"), 4)

    for script in (lets_in, refuses):
        with FakeServer(script) as server:
            said = probe(arguments[0], server.address, *arguments[1:], "--timeout", "300ms", "--expect", "version=\x1b")
            assert said.report["target"] == server.address
            assert all(32 <= ord(c) < 127 or c == "\n" for c in said.out + said.err)


def test_a_hostile_server_costs_no_memory(probe):
    def script(peer):
        peer.send(greeting(), 0)
        peer.read()
        peer.send(OK, 2)
        peer.read()
        peer.raw(b"\xff\xff\xff\1" * 3)  # 16 MiB are announced, and never come
        peer.drain()

    with FakeServer(script) as server:
        child = subprocess.Popen([probe.executable, "login", server.address, "-u", "x", "--timeout", "2s", "--no-defaults", "--json"],
                                 stdout=subprocess.PIPE)
        time.sleep(1)
        with open(f"/proc/{child.pid}/status") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        assert resident < 150 * 1024
        child.communicate(timeout=20)
        assert child.returncode in (UNREACHABLE, PROTOCOL)


def test_a_constant_salt_is_said(probe):
    with FakeServer(lambda peer: (peer.send(greeting(), 0), peer.read(), peer.send(err(1045, b"no", b"28000"), 2))) as server:
        found = probe("greet", server.address).found
        assert found["salt"]["repeated"] and found["salt"]["weak"] and found["salt"]["hints"]


def test_any_bytes_end_in_a_diagnosis(probe):
    source = random.Random(6)
    good = [wire.frame(greeting(), 0), wire.frame(b"\xfe" + wire.NATIVE + b"\0" + b"s" * 20 + b"\0", 2), wire.frame(OK, 4),
            wire.frame(b"\1", 1)]

    def mangled(data):
        data = bytearray(data)
        for _ in range(source.randint(1, 4)):
            where = source.randrange(len(data))
            how = source.randrange(3)
            if how == 0:
                data[where] = source.randrange(256)
            elif how == 1:
                del data[where:where + source.randint(1, 8)]
            else:
                data[where:where] = source.randbytes(source.randint(1, 8))
            data = data or bytearray(b"\0")
        return bytes(data)

    def script(peer):
        which = source.randrange(len(good))
        for i, data in enumerate(good):
            peer.raw(mangled(data) if i == which else data)
            peer.connection.settimeout(0.1)
            try:
                peer.connection.recv(4096)
            except OSError:
                pass

    with FakeServer(script) as server:
        for _ in range(60):
            said = probe("login", server.address, "-u", "x", "--timeout", "300ms", "--trace", "-x", password="secret")
            assert 0 <= said.code <= 7, said.err
            assert said.report["ok"] == (said.code == 0)


def test_secrets_are_shown_only_when_asked_for(probe):
    for more, shown in (([], False), (["--show-secrets"], True)):
        with scripted(b"\xfemysql_clear_password\0", OK) as server:
            said = probe.text("login", server.address, "-u", "x", "--trace", "-x", "--allow-cleartext", "--timeout", "300ms", *more,
                              password="secret")
            assert ("secret" in said.out) == shown
