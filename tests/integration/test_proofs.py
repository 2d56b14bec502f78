"""What a login has to prove, each time anew, and what the proxy does so that it can be proved to the server."""

import pytest

from harness.plugin_accounts import BY_PLUGIN, PluginAccount, SecureMySql, by_hash, by_server
from harness.plugins import CACHING_SHA2, ED25519, NATIVE, Login, any_certificate
from harness.wire import Err, scramble

MODES = {"stored": by_hash, "passthrough": lambda server, accounts: by_server(accounts)}


def logged_in(login, port, **where):
    wire, last = login.run(port, **where)
    assert last[:1] == b"\x00", Err.of(last)
    return wire


@pytest.fixture(scope="module")
def front(secure_server, module_proxies):
    """mode -> a proxy before the server."""
    accounts = BY_PLUGIN[secure_server.flavor]
    return {mode: module_proxies(secure_server, accounts=(), tables=tables(secure_server, accounts))
            for mode, tables in MODES.items()}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_wrong_password_with_a_session_at_hand(secure_server, front, mode, tls):
    """Neither a session of that user that is there, nor one that was, lets anybody in."""
    context = any_certificate() if tls else None
    for account in BY_PLUGIN[secure_server.flavor]:
        def log_in(password, account=account):
            wire, last = Login(account.name, password, account.plugin, context).run(front[mode].port)
            with wire:
                return Err.of(last).code if Err.of(last) else last[0]

        with logged_in(Login(account.name, account.password, account.plugin, context), front[mode].port) as open_session:
            for password in (account.password + "x", account.password[:-1], account.password.upper(), "", "\0"):
                assert log_in(password) == 1045, (account.name, password)
            assert open_session.ask("SELECT CURRENT_USER()") == f"{account.name}@%"
        for _ in range(3):
            assert log_in(account.password) == 0
            assert log_in(account.password + "x") == 1045
            assert log_in("") == 1045


@pytest.mark.parametrize("mode", MODES)
def test_changing_to_a_user_with_a_wrong_password(secure_server, front, mode):
    context = any_certificate()
    first, *others = BY_PLUGIN[secure_server.flavor]
    for other in others:
        with logged_in(Login(other.name, other.password, other.plugin, context), front[mode].port):
            wire = logged_in(Login(first.name, first.password, first.plugin, context), front[mode].port)
            with wire:
                assert Err.of(Login(other.name, "wrong", other.plugin).change_user(wire, tls=True)).code == 1045
            wire = logged_in(Login(first.name, first.password, first.plugin, context), front[mode].port)
            with wire:
                assert Login(other.name, other.password, other.plugin).change_user(wire, tls=True)[:1] == b"\x00"
                assert wire.ask("SELECT CURRENT_USER()") == f"{other.name}@%"


@pytest.mark.parametrize("mode", MODES)
def test_who_could_not_log_in_again_keeps_the_connection(secure_mariadb, own_proxies, mode):
    """With ed25519 nobody but the client can answer a server, and only while it logs in."""
    account = next(one for one in BY_PLUGIN["mariadb"] if one.plugin == ED25519)
    pooling = {"pool.main": {"pooling": "transaction"}}
    proxy = own_proxies(secure_mariadb, accounts=(), tables={**MODES[mode](secure_mariadb, [account]), **pooling})

    def log_in():
        return logged_in(Login(account.name, account.password, account.plugin), proxy.port)

    for _ in range(2):
        with log_in() as first, log_in() as second:
            ids = [one.ask("SELECT CONNECTION_ID()") for one in (first, second)]
            first.ask("SET @mine = 1")
            assert [one.ask("SELECT CONNECTION_ID()") for one in (first, second)] == ids
            assert ids[0] != ids[1]
            with log_in() as third:
                assert third.ask("SELECT @mine IS NULL") == "1"
                assert third.ask("SELECT CONNECTION_ID()") not in ids
            assert second.ask("SELECT @mine IS NULL") == "1"


def test_replayed_answers(secure_server, front):
    """What one login answered is worth nothing in another."""
    account = BY_PLUGIN[secure_server.flavor][0]
    first = Login(account.name, account.password, NATIVE)
    with logged_in(first, front["stored"].port):
        again = Login(account.name, account.password, NATIVE)
        salt = first.salts[-1]
        again.first = lambda: scramble(account.password, salt)
        wire, last = again.run(front["stored"].port)
        with wire:
            assert Err.of(last).code == 1045


@pytest.fixture(scope="module")
def restarting(work, build):
    """A MySQL of this module, which tests restart."""
    server = SecureMySql(work / "restarting", build / "mysql8")
    try:
        server.create()
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("link", ["clear", "tls", "unix"])
def test_server_restart_between_two_logins(restarting, own_proxies, mode, link, tmp_path):
    """The server's cache of caching_sha2_password is cold then: it wants the password, which the proxy does not have."""
    account = next(one for one in BY_PLUGIN["mysql"] if one.plugin == CACHING_SHA2)
    other = next(one for one in BY_PLUGIN["mysql"] if one.plugin == NATIVE)
    socket = tmp_path / "s"
    proxy = own_proxies(restarting, accounts=(), tables={
        **MODES[mode](restarting, [account, other]), "listen.local": {"bind": f"unix:{socket}"}})
    where = {"path": socket} if link == "unix" else {}
    context = any_certificate() if link == "tls" else None

    def log_in(password=account.password, user=account):
        login = Login(user.name, password, user.plugin, context)
        wire, last = login.run(None if where else proxy.port, **where)
        with wire:
            return Err.of(last).code if Err.of(last) else wire.ask("SELECT CURRENT_USER()")

    assert log_in() == f"{account.name}@%"
    assert log_in() == f"{account.name}@%"
    for _ in range(2):
        restarting.stop()
        restarting.start()
        # That the server was away is no secret; what it has forgotten is.
        proxy.child.wait_until(lambda: log_in(other.password, other) == f"{other.name}@%", "the server is back")
        assert log_in() == f"{account.name}@%"
        assert log_in("wrong") == 1045
        assert log_in() == f"{account.name}@%"


def test_answer_of_a_cold_server_is_not_learnt_from(restarting, own_proxies):
    """A wrong password in the full authentication does not spoil the fast path of the right one."""
    account = next(one for one in BY_PLUGIN["mysql"] if one.plugin == CACHING_SHA2)
    proxy = own_proxies(restarting, accounts=(), tables=by_hash(restarting, [account]))
    context = any_certificate()
    with logged_in(Login(account.name, account.password, CACHING_SHA2, context), proxy.port):
        pass
    wire, last = Login(account.name, "wrong", CACHING_SHA2, context).run(proxy.port)
    with wire:
        assert Err.of(last).code == 1045
    right = Login(account.name, account.password, CACHING_SHA2, context)
    with logged_in(right, proxy.port):
        assert right.story == ["fast"]


def signer():
    return next(one for one in BY_PLUGIN["mariadb"] if one.plugin == ED25519)


@pytest.fixture(scope="module")
def signers_front(secure_mariadb, module_proxies):
    """mode -> a proxy before MariaDB, which has a plugin that signs."""
    return {mode: module_proxies(secure_mariadb, accounts=(), tables=tables(secure_mariadb, [signer()]))
            for mode, tables in MODES.items()}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("begin", [NATIVE, CACHING_SHA2, ED25519])
def test_signature_is_asked_for_once(secure_mariadb, signers_front, mode, begin):
    """Drivers follow one AuthSwitchRequest, and what is signed has to be the server's nonce."""
    for password, verdict in [(signer().password, 0), ("wrong", 0xFF), (signer().password, 0)]:
        login = Login(signer().name, password, begin)
        wire, last = login.run(signers_front[mode].port)
        with wire:
            assert last[0] == verdict
        assert login.story == [ED25519.decode()]


def test_wrong_signatures_do_not_block_the_proxy(secure_mariadb, signers_front):
    """They reach the server whole, which counts broken logins and blocks hosts that have many."""
    def broken():
        return int(secure_mariadb.ask("SHOW GLOBAL STATUS LIKE 'Aborted_connects_preauth'")[0][1])

    before = broken()
    for _ in range(5):
        wire, last = Login(signer().name, "wrong", ED25519).run(signers_front["stored"].port)
        with wire:
            assert Err.of(last).code == 1045
    assert broken() == before


def test_account_without_a_password_on_the_server(secure_mariadb, own_proxies):
    """It does not open the proxy to those who have none, and the server takes no other."""
    secure_mariadb.ask("CREATE USER by_nothing")
    key = by_hash(secure_mariadb, [signer()])[f"user.{signer().name}"]
    proxy = own_proxies(secure_mariadb, accounts=(), tables={"user.by_nothing": key})
    for password in ("wrong", signer().password, ""):
        wire, last = Login("by_nothing", password, ED25519).run(proxy.port)
        with wire:
            assert Err.of(last).code == 1045, password
    secure_mariadb.ask("DROP USER by_nothing")


def test_signature_that_only_the_server_knows(secure_mariadb, own_proxies):
    """The password was changed on the server, and the proxy has the old one: it is asked for, and refused."""
    old = PluginAccount("by_old", "the-0ld-one", plugin=ED25519)
    secure_mariadb.ask(old.create("mariadb"))
    proxy = own_proxies(secure_mariadb, accounts=(), tables=by_hash(secure_mariadb, [old]))
    secure_mariadb.ask("ALTER USER by_old IDENTIFIED VIA ed25519 USING PASSWORD('the-n3w-one')")
    for password in ("the-n3w-one", "the-0ld-one"):
        wire, last = Login("by_old", password, ED25519).run(proxy.port)
        with wire:
            assert Err.of(last).code == 1045
    secure_mariadb.ask("DROP USER by_old")
