"""What the proxy makes of the certificates of its servers, by each mode of `tls`.

The servers are listeners of another mysqlproxy, each with a certificate of its own.
"""

import pytest

from harness.accounts import APP
from harness.certificates import Authority
from harness.process import free_port
from harness.wire import Err, Wire

#: certificate -> who has signed it, for which names, from when
CERTIFICATES = {
    "good": ("known", "IP:127.0.0.1,DNS:localhost", {}),
    "another_name": ("known", "DNS:db.example", {}),
    "expired": ("known", "IP:127.0.0.1", {"start": "20200101000000Z", "days": "20200201000000Z"}),
    "not_yet": ("known", "IP:127.0.0.1", {"start": "20900101000000Z", "days": "20910101000000Z"}),
    "stranger": ("unknown", "IP:127.0.0.1", {}),
}

#: Modes under which each is good enough; `required` asks for encryption alone.
GOOD_ENOUGH = {
    "good": {"required", "verify_ca", "verify_identity"}, "another_name": {"required", "verify_ca"},
    "expired": {"required"}, "not_yet": {"required"}, "stranger": {"required"},
}


class Listener:
    """One of them as a server."""

    def __init__(self, name, port):
        self.name, self.address = name, f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def authority(work):
    return Authority(work / "authority-of-servers")


@pytest.fixture(scope="module")
def listeners(mariadb, module_proxies, work, authority):
    authorities = {"known": authority, "unknown": Authority(work / "unknown-authority", "another CA")}
    ports = {name: free_port() for name in CERTIFICATES}
    tables = {}
    for name, (signer, names, when) in CERTIFICATES.items():
        certificate, key = authorities[signer].issue(name, names, **when)
        key.chmod(0o600)
        tables[f"listen.{name}"] = {"bind": f"127.0.0.1:{ports[name]}", "tls_certificate": certificate, "tls_key": key}
    module_proxies(mariadb, tables=tables)
    return {name: Listener(name, port) for name, port in ports.items()}


def outcome(proxy):
    """The ERR of a login, or whether the server was asked through TLS."""
    with Wire(proxy.port) as connection:
        refusal = Err.of(connection.log_in(APP))
        if refusal:
            return refusal
        assert connection.ask("SELECT 'here'") == "here"
    return proxy.wait_for_access()["server_tls"]


@pytest.mark.parametrize("mode", ["required", "verify_ca", "verify_identity"])
@pytest.mark.parametrize("name", CERTIFICATES)
def test_modes(listeners, own_proxies, authority, name, mode):
    proxy = own_proxies(listeners[name], tables={f"server.{name}": {"tls": mode, "tls_ca": authority.certificate}})
    found = outcome(proxy)
    if mode in GOOD_ENOUGH[name]:
        assert found in ("TLSv1.2", "TLSv1.3"), found
    else:
        assert isinstance(found, Err) and found.code == 1158, found
        assert "certificate" in found.message or "TLS" in found.message, found


def test_the_name_that_is_verified(listeners, own_proxies, authority):
    """That of the address, or another one that is configured."""
    proxy = own_proxies(listeners["another_name"], tables={
        "server.another_name": {"tls": "verify_identity", "tls_ca": authority.certificate, "tls_server_name": "db.example"}})
    assert outcome(proxy) in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize("mode", ["required", "verify_ca", "verify_identity"])
def test_server_without_tls(mariadb, own_proxies, authority, mode):
    """It is given nothing in clear, whoever has taken TLS out of its greeting."""
    proxy = own_proxies(mariadb, tables={"server.mariadb": {"tls": mode, "tls_ca": authority.certificate}})
    found = outcome(proxy)
    assert isinstance(found, Err) and found.code == 1158 and "it offers no TLS" in found.message, found
