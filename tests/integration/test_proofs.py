"""What a login has to prove, each time anew, and what the proxy does so that it can be proved to the server."""

import pytest

from harness.plugin_accounts import BY_PLUGIN, SecureMySql, by_hash, by_server
from harness.plugins import CACHING_SHA2, NATIVE, Login, any_certificate
from harness.wire import Err, scramble

MODES = {"stored": by_hash, "passthrough": lambda server, accounts: by_server(accounts)}


def logged_in(login, port, **where):
    wire, last = login.run(port, **where)
    assert last[:1] == b"\x00", Err.of(last)
    return wire


@pytest.fixture(scope="module")
def front(secure_server, proxies):
    """mode -> a proxy before the server."""
    accounts = BY_PLUGIN[secure_server.flavor]
    return {mode: proxies(secure_server, accounts=(), tables=tables(secure_server, accounts))
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
def test_server_restart_between_two_logins(restarting, proxies, mode, link, tmp_path):
    """The server's cache of caching_sha2_password is cold then: it wants the password, which the proxy does not have."""
    account = next(one for one in BY_PLUGIN["mysql"] if one.plugin == CACHING_SHA2)
    other = next(one for one in BY_PLUGIN["mysql"] if one.plugin == NATIVE)
    socket = tmp_path / "s"
    proxy = proxies(restarting, accounts=(), tables={
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


def test_answer_of_a_cold_server_is_not_learnt_from(restarting, proxies):
    """A wrong password in the full authentication does not spoil the fast path of the right one."""
    account = next(one for one in BY_PLUGIN["mysql"] if one.plugin == CACHING_SHA2)
    proxy = proxies(restarting, accounts=(), tables=by_hash(restarting, [account]))
    context = any_certificate()
    with logged_in(Login(account.name, account.password, CACHING_SHA2, context), proxy.port):
        pass
    wire, last = Login(account.name, "wrong", CACHING_SHA2, context).run(proxy.port)
    with wire:
        assert Err.of(last).code == 1045
    right = Login(account.name, account.password, CACHING_SHA2, context)
    with logged_in(right, proxy.port):
        assert right.story == ["fast"]
