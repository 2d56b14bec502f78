"""TLS that is broken: each set-up has its own diagnosis and exit code."""

import ssl
import time

import pytest

from harness import wire
from harness.accounts import APP, NOBODY
from harness.certificates import Authority
from harness.probe import OK, REFUSED, TLS, USAGE, FakeServer, diagnosed, err, greeting
from harness.servers import MariaDb


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


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
