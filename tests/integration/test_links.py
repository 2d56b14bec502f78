"""What the proxy keeps of itself for clients, and what it tells of the links that they come by."""

import hashlib
import os
import ssl
import stat

import pytest
from nacl.bindings import crypto_core_ed25519_scalar_reduce, crypto_scalarmult_ed25519_base_noclamp

from harness.plugin_accounts import BY_PLUGIN, by_hash, by_server
from harness.plugins import CACHING_SHA2, CLEAR, NATIVE, Login, any_certificate
from harness.proxy import Proxy
from harness.wire import Err


def log_in(login, port=None, **where):
    wire, last = login.run(port, **where)
    assert last[:1] == b"\x00", Err.of(last)
    wire.close()
    return login


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_tls_in_the_access_log(secure_server, own_proxies, version):
    account = BY_PLUGIN[secure_server.flavor][0]
    proxy = own_proxies(secure_server, accounts=(), tables={
        **by_hash(secure_server, [account]), f"server.{secure_server.name}": {"tls_min_version": "1.2"}})
    context = any_certificate()
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    log_in(Login(account.name, account.password, account.plugin, context), proxy.port)
    line = proxy.wait_for_access(lambda one: one["user"] == account.name)
    assert line["tls"] == version.replace("_", ".")
    assert line["tls_cipher"] in {one["name"] for one in context.get_ciphers()}
    assert line["server_tls"] in ("TLSv1.2", "TLSv1.3") and line["server_tls_cipher"]
    assert line["peer_pid"] is None and line["peer_uid"] is None


def test_peer_of_a_unix_socket_in_the_access_log(secure_server, own_proxies, tmp_path):
    account = BY_PLUGIN[secure_server.flavor][0]
    proxy = own_proxies(secure_server, accounts=(), tables={
        **by_hash(secure_server, [account]), "listen.local": {"bind": f"unix:{tmp_path}/s"},
        f"server.{secure_server.name}": {"tls": "disabled"}})
    log_in(Login(account.name, account.password, account.plugin), path=tmp_path / "s")
    line = proxy.wait_for_access(lambda one: one["user"] == account.name)
    assert (line["client"], line["peer_pid"], line["peer_uid"]) == ("unix", os.getpid(), os.getuid())
    assert line["tls"] is None and line["server_tls"] is None


def keys(folder):
    return {path.name: (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()
            if path.is_file()}


def test_keys_outlive_a_restart(secure_mysql, proxy_executable, tmp_path):
    account = next(one for one in BY_PLUGIN["mysql"] if one.plugin == CACHING_SHA2)
    folder = tmp_path / "data"
    folder.mkdir()

    def start(name):
        return Proxy(proxy_executable, tmp_path / name, [secure_mysql], accounts=(), tables={
            **by_hash(secure_mysql, [account]), "proxy": {"data_dir": folder}}).start()

    sent = []
    for name in ("first", "second"):
        proxy = start(name)
        try:
            login = Login(account.name, account.password, CACHING_SHA2)
            answer = login.more
            login.more = lambda data, answer=answer: (sent.append(data), answer(data))[1]
            log_in(login, proxy.port)
            assert login.story[-2:] == ["full", "key"]
            made = keys(folder)
        finally:
            proxy.stop_well()
    first, second = (one for one in sent if one.startswith(b"-----BEGIN PUBLIC KEY-----"))
    assert first == second == made["public_key.pem"][0]
    assert made == keys(folder)
    assert made["private_key.pem"][1] == made["server-key.pem"][1] == 0o600


def test_key_that_others_can_read_is_refused(secure_mysql, proxy_executable, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    account = BY_PLUGIN["mysql"][0]
    options = {"accounts": (), "tables": {**by_hash(secure_mysql, [account]), "proxy": {"data_dir": folder}}}
    Proxy(proxy_executable, tmp_path / "one", [secure_mysql], **options).start().stop_well()
    (folder / "private_key.pem").chmod(0o644)
    proxy = Proxy(proxy_executable, tmp_path / "two", [secure_mysql], **options).start(wait=False)
    assert proxy.child.wait() not in (0, None)
    assert "private_key.pem" in proxy.log.read_text()


def stored_of_native(password):
    return hashlib.sha1(hashlib.sha1(password.encode()).digest()).digest()


def stored_of_ed25519(password):
    seed = bytearray(hashlib.sha512(password.encode()).digest()[:32])
    seed[0] &= 248
    seed[31] = seed[31] & 127 | 64
    return crypto_scalarmult_ed25519_base_noclamp(crypto_core_ed25519_scalar_reduce(bytes(seed) + bytes(32)))


def proof_in(ok):
    """The info of an OK that says nothing else."""
    assert ok[:7] == b"\x00\x00\x00\x02\x00\x00\x00"
    assert not ok[7:] or ok[7] == len(ok) - 8
    return ok[8:]


@pytest.mark.parametrize("begin", [NATIVE, CACHING_SHA2])
def test_certificate_vouched_for_by_the_password(secure_mariadb, own_proxies, begin):
    """As MariaDB 11.4 does it: its clients take a self-signed certificate then."""
    accounts = BY_PLUGIN["mariadb"]
    proxy = own_proxies(secure_mariadb, accounts=(), tables=by_hash(secure_mariadb, accounts))
    for account, stored in zip(accounts, (stored_of_native, stored_of_ed25519)):
        login = Login(account.name, account.password, begin, any_certificate())
        wire, last = login.run(proxy.port)
        with wire:
            fingerprint = hashlib.sha256(wire.socket.getpeercert(binary_form=True)).digest()
            expected = hashlib.sha256(stored(account.password) + wire.greeting.salt + fingerprint).hexdigest()
            assert proof_in(last) == b"\x01" + expected.upper().encode()
            again = Login(account.name, account.password, begin).change_user(wire, tls=True)
            assert proof_in(again) == proof_in(last)
        wire, last = Login(account.name, account.password, begin).run(proxy.port)
        with wire:
            assert proof_in(last) == b""


def test_no_proof_for_who_does_not_know_it(secure_mysql, secure_mariadb, own_proxies):
    """MySQL's clients, and logins whose password only the server knows."""
    mysql = own_proxies(secure_mysql, accounts=(), tables=by_hash(secure_mysql, BY_PLUGIN["mysql"]))
    passing = own_proxies(secure_mariadb, accounts=(), tables=by_server(BY_PLUGIN["mariadb"]))
    for proxy, accounts in ((mysql, BY_PLUGIN["mysql"]), (passing, BY_PLUGIN["mariadb"])):
        for account in accounts:
            wire, last = Login(account.name, account.password, account.plugin, any_certificate()).run(proxy.port)
            with wire:
                assert proof_in(last) == b""


@pytest.mark.parametrize("allowed", [False, True], ids=["as it is", "allowed"])
def test_clear_passwords_of_clients(secure_server, own_proxies, tmp_path, allowed):
    """Only where they are allowed by name, and through TLS or a unix socket; else the client is asked for another plugin."""
    account = BY_PLUGIN[secure_server.flavor][0]
    proxy = own_proxies(secure_server, accounts=(), tables={
        **by_hash(secure_server, [account]), "listen.main": {"mysql_clear_password": allowed},
        "listen.local": {"bind": f"unix:{tmp_path}/s", "mysql_clear_password": allowed}})
    for where, context in (((proxy.port,), None), ((proxy.port,), any_certificate()), ((None, tmp_path / "s"), None)):
        clear = allowed and (context or not where[0])
        login = Login(account.name, account.password, CLEAR, context)
        wire, last = login.run(*where)
        with wire:
            assert last[:1] == b"\x00"
        assert login.story == ["mysql_clear_password" if clear else "mysql_native_password"]
        login = Login(account.name, account.password + "x", CLEAR, context)
        wire, last = login.run(*where)
        with wire:
            assert Err.of(last).code == 1045
