"""Logins that are refused: each has its own diagnosis and exit code."""

import subprocess

import pymysql

from harness.accounts import APP, GHOST, POOR, STALE, Account
from harness.probe import OK, PLUGIN, REFUSED, diagnosed, scripted


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
