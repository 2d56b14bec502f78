"""What the proxy keeps of itself for clients, and what it tells of the links that they come by."""

import os
import ssl
import stat

import pytest

from harness.plugin_accounts import BY_PLUGIN, by_hash
from harness.plugins import CACHING_SHA2, Login, any_certificate
from harness.proxy import Proxy
from harness.wire import Err


def log_in(login, port=None, **where):
    wire, last = login.run(port, **where)
    assert last[:1] == b"\x00", Err.of(last)
    wire.close()
    return login


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_tls_in_the_access_log(secure_server, proxies, version):
    account = BY_PLUGIN[secure_server.flavor][0]
    proxy = proxies(secure_server, accounts=(), tables={
        **by_hash(secure_server, [account]), f"server.{secure_server.name}": {"tls_min_version": "1.2"}})
    context = any_certificate()
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    log_in(Login(account.name, account.password, account.plugin, context), proxy.port)
    line = proxy.wait_for_access(lambda one: one["user"] == account.name)
    assert line["tls"] == version.replace("_", ".")
    assert line["tls_cipher"] in {one["name"] for one in context.get_ciphers()}
    assert line["server_tls"] in ("TLSv1.2", "TLSv1.3") and line["server_tls_cipher"]
    assert line["peer_pid"] is None and line["peer_uid"] is None


def test_peer_of_a_unix_socket_in_the_access_log(secure_server, proxies, tmp_path):
    account = BY_PLUGIN[secure_server.flavor][0]
    proxy = proxies(secure_server, accounts=(), tables={
        **by_hash(secure_server, [account]), "listen.local": {"bind": f"unix:{tmp_path}/s"},
        f"server.{secure_server.name}": {"tls": "disabled"}})
    log_in(Login(account.name, account.password, account.plugin), path=tmp_path / "s")
    line = proxy.wait_for_access(lambda one: one["user"] == account.name)
    assert (line["client"], line["peer_pid"], line["peer_uid"]) == ("unix", os.getpid(), os.getuid())
    assert line["tls"] is None and line["server_tls"] is None


def keys(folder):
    return {path.name: (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()}


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
