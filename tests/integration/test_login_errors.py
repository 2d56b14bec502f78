"""Logins that fail, and some that don't: the proxy says what the server itself says."""

import pytest

from harness.accounts import APP, Account
from harness.plugin_accounts import BY_PLUGIN, IN_STATES, by_hash, by_server, make_certificate
from harness.plugins import NATIVE, Login, any_certificate
from harness.wire import USUAL, Err, Wire, logged_in

CAN_HANDLE_EXPIRED_PASSWORDS = 1 << 22

STRANGER = Account("stranger", "never-heard-of")


def verdict(login, port):
    """"ok", or the ERR."""
    wire, last = login.run(port)
    with wire:
        return Err.of(last) or "ok"


@pytest.fixture(scope="module")
def front(secure_server, module_proxies):
    """mode -> a proxy before the server."""
    accounts = [*BY_PLUGIN[secure_server.flavor], *IN_STATES]
    return {"stored": module_proxies(secure_server, accounts=(), tables=by_hash(secure_server, accounts)),
            "passthrough": module_proxies(secure_server, accounts=(), tables=by_server(accounts))}


@pytest.mark.parametrize("mode", ["stored", "passthrough"])
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("password", ["right", "wrong", "none"])
def test_account_of_each_plugin(secure_server, front, mode, tls, password):
    context = any_certificate() if tls else None
    for account in BY_PLUGIN[secure_server.flavor]:
        said = {"right": account.password, "wrong": account.password + "?", "none": ""}[password]
        for begin in {NATIVE, account.plugin}:
            direct = verdict(Login(account.name, said, begin, context), secure_server.port)
            proxied = verdict(Login(account.name, said, begin, context), front[mode].port)
            assert proxied == direct, (account.name, begin)
            assert (direct == "ok") == (password == "right")


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("password", [STRANGER.password, ""], ids=["password", "none"])
def test_unknown_user(secure_server, front, tls, password):
    """In the words of a server, and by the rounds that a user of the usual kind has."""
    context = any_certificate() if tls else None
    for begin in (NATIVE, b"caching_sha2_password"):
        direct = verdict(Login(STRANGER.name, password, begin, context), secure_server.port)
        for proxy in front.values():
            assert verdict(Login(STRANGER.name, password, begin, context), proxy.port) == direct
        assert direct.code == 1045


def test_unknown_user_is_like_a_wrong_password(secure_server, front):
    known = Login("by_native", "wrong", NATIVE)
    verdict(known, front["stored"].port)
    for name in ("stranger", "somebody else", "x" * 30):
        unknown = Login(name, "wrong", NATIVE)
        verdict(unknown, front["stored"].port)
        assert unknown.story == known.story


@pytest.mark.parametrize("mode", ["stored", "passthrough"])
@pytest.mark.parametrize("password", ["right", "wrong"])
@pytest.mark.parametrize("capabilities", [USUAL, USUAL | CAN_HANDLE_EXPIRED_PASSWORDS], ids=["usual", "expired-too"])
def test_account_in_each_state(secure_server, front, mode, password, capabilities):
    for account in IN_STATES[:2]:
        said = account.password if password == "right" else "?"
        direct, proxied = (
            Login(account.name, said, NATIVE, capabilities=capabilities).run(port)
            for port in (secure_server.port, front[mode].port))
        assert Err.of(proxied[1]) == Err.of(direct[1])
        if not Err.of(direct[1]):
            # Locked in with one thing to do.
            assert proxied[0].ask("SELECT 1") == direct[0].ask("SELECT 1")
        for wire, _ in (direct, proxied):
            wire.close()


def test_account_that_needs_tls(secure_server, front, own_proxies):
    """The link to the server decides: what the client does about TLS has no bearing on it."""
    account = next(one for one in IN_STATES if one.name == "needs_tls")
    in_clear = own_proxies(secure_server, accounts=(), tables={
        **by_hash(secure_server, [account]), f"server.{secure_server.name}": {"tls": "disabled"}})
    direct = verdict(Login(account.name, account.password, NATIVE), secure_server.port)
    assert direct.code == 1045
    assert verdict(Login(account.name, account.password, NATIVE), in_clear.port) == direct
    assert verdict(Login(account.name, account.password, NATIVE), front["stored"].port) == "ok"


def test_account_that_needs_a_certificate(secure_server, front):
    account = next(one for one in IN_STATES if one.name == "needs_certificate")
    direct = verdict(Login(account.name, account.password, NATIVE, any_certificate()), secure_server.port)
    assert direct.code == 1045
    for proxy in front.values():
        assert verdict(Login(account.name, account.password, NATIVE, any_certificate()), proxy.port) == direct


@pytest.mark.parametrize("mode", ["stored", "passthrough"])
def test_required_tls(secure_server, own_proxies, mode):
    """A server's require_secure_transport and a listener's `tls = "required"`, at the same point of a login."""
    account = BY_PLUGIN[secure_server.flavor][0]
    tables = by_hash(secure_server, [account]) if mode == "stored" else by_server([account])
    proxy = own_proxies(secure_server, accounts=(), tables={**tables, "listen.main": {"tls": "required"}})
    secure_server.ask("SET GLOBAL require_secure_transport = ON")
    try:
        direct = {(user, password): verdict(Login(user, password, NATIVE), secure_server.port)
                  for user in (account.name, STRANGER.name) for password in (account.password, "wrong", "")}
    finally:
        secure_server.ask("SET GLOBAL require_secure_transport = OFF")
    for (user, password), expected in direct.items():
        assert verdict(Login(user, password, NATIVE), proxy.port) == expected, (user, password)
    assert direct[account.name, account.password] != "ok"
    assert verdict(Login(account.name, account.password, NATIVE, any_certificate()), proxy.port) == "ok"


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_bad_client_certificate(secure_server, own_proxies, tmp_path, version):
    """One that nobody vouches for: the TLS handshake fails, as it does at the server."""
    import ssl

    account = BY_PLUGIN[secure_server.flavor][0]
    trusted, trusted_key = make_certificate(tmp_path, "trusted")
    proxy = own_proxies(secure_server, accounts=(), tables={
        **by_hash(secure_server, [account]), "listen.main": {"tls_ca": trusted}})

    def log_in(port, pair):
        context = any_certificate()
        context.maximum_version = ssl.TLSVersion[version]
        context.load_cert_chain(*pair)
        return verdict(Login(account.name, account.password, NATIVE, context), port)

    bad = make_certificate(tmp_path, "bad")
    for port in (secure_server.port, proxy.port):
        with pytest.raises(ssl.SSLError):
            log_in(port, bad)
    assert log_in(proxy.port, (trusted, trusted_key)) == "ok"


def test_an_old_password_is_no_fault_of_the_server(mariadb, own_proxies):
    """Who has one can't be let in; everybody else can."""
    old = Account("old_password", "secret")
    mariadb.ask("SET GLOBAL secure_auth = 0")
    mariadb.ask(f"CREATE USER '{old.name}'@'%' IDENTIFIED VIA mysql_old_password USING '6f8c114b58f2ce9e'")
    try:
        proxy = own_proxies(mariadb, accounts=(APP, old))
        with Wire(proxy.port) as connection:
            refusal = Err.of(connection.log_in(old))
        assert (refusal.code, refusal.state) == (1251, "08004") and "mysql_old_password" in refusal.message
        logged_in(proxy.port, APP).close()
        assert not [one for one in proxy.messages() if "down" in one["message"]]
    finally:
        mariadb.ask(f"DROP USER '{old.name}'@'%'")
        mariadb.ask("SET GLOBAL secure_auth = 1")
