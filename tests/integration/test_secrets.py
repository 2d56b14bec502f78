"""No password is left anywhere: not in the proxy's memory while its session runs, in a file of its, or in a log."""

import os
from pathlib import Path

import pytest

from harness import memory
from harness.plugin_accounts import PluginAccount, by_hash, by_server
from harness.plugins import CACHING_SHA2, ED25519, NATIVE, SHA256, Login, any_certificate, xored
from harness.wire import Err

PLUGINS = {"mariadb": [NATIVE, ED25519], "mysql": [NATIVE, CACHING_SHA2, SHA256]}
MODES = {"stored": by_hash, "passthrough": lambda server, accounts: by_server(accounts)}
LINKS = ("clear", "tls", "unix")

#: All passwords have this in them, over and over: allocators write into memory that is given back, and may hide a part.
#: Nothing but a password looks like a piece of it, and a few searches find a piece of any.
MARK = "ß" + os.urandom(5).hex()
PIECE = len(MARK.encode())


def secret_password(name):
    return f"{name}{MARK * 4}"


def secret_account(plugin, mode, link):
    name = f"{plugin.decode().split('_')[0].removesuffix('password')}{mode[0]}{link[0]}"
    return PluginAccount(name, secret_password(name), plugin=plugin)


def pieces(name, secret):
    return {f"{name} [{at}:]": secret[at:at + PIECE] for at in range(0, len(secret) - PIECE + 1, 4)}


def pieces_of_any():
    mark = MARK.encode()
    return {f"a password, from {at}": (mark * 2)[at:at + PIECE] for at in range(PIECE)}


@pytest.fixture(scope="module")
def setting(secure_server, module_proxies, tmp_path_factory):
    """A proxy that has a data folder, and accounts of its own for each way to log in."""
    folder = tmp_path_factory.mktemp("secrets")
    accounts = {(plugin, mode, link): secret_account(plugin, mode, link)
                for plugin in PLUGINS[secure_server.flavor] for mode in MODES for link in LINKS}
    tables = {}
    for (_, mode, _), account in accounts.items():
        secure_server.ask(account.create(secure_server.flavor))
        tables |= MODES[mode](secure_server, [account])
    if secure_server.flavor == "mysql":
        secure_server.ask("FLUSH PRIVILEGES")
    (folder / "data").mkdir()
    socket = folder / "s"
    proxy = module_proxies(secure_server, accounts=(), tables={
        **tables, "proxy": {"data_dir": folder / "data"}, "listen.local": {"bind": f"unix:{socket}"},
        f"server.{secure_server.name}": {"tls": "required"}, "log": {"level": "debug"}})
    yield proxy, socket, accounts
    for account in accounts.values():
        secure_server.ask(f"DROP USER '{account.name}'@'%'")


def log_in(setting, key, password=None):
    proxy, socket, accounts = setting
    plugin, _, link = key
    login = Login(accounts[key].name, password or accounts[key].password, plugin, any_certificate() if link == "tls" else None)
    wire, last = login.run(proxy.port, **({"path": socket} if link == "unix" else {}))
    return login, wire, last


def test_memory_with_sessions_open(setting):
    proxy, _, accounts = setting
    needles = pieces_of_any()
    open_sessions = []
    for _ in range(2):  # the second login of a user may take another path than the first
        for key, account in accounts.items():
            login, wire, last = log_in(setting, key)
            assert last[:1] == b"\x00", (key, Err.of(last))
            assert wire.ask("SELECT 1") == "1"
            open_sessions.append(wire)
            if "key" in login.story:  # what was encrypted
                needles |= pieces(f"{key} with its salt", xored(account.password, login.salts[-1]))
    found = memory.find(proxy.child.pid, {**needles, "a known name": accounts[next(iter(accounts))].name.encode()})
    # So that nobody searches in vain.
    assert found.pop("a known name")
    assert not found
    for wire in open_sessions:
        wire.close()


def test_memory_after_a_wrong_password(setting):
    proxy, _, accounts = setting
    for key in accounts:
        _, wire, last = log_in(setting, key, secret_password("wröng"))
        with wire:
            assert Err.of(last).code == 1045
    assert not memory.find(proxy.child.pid, pieces_of_any())


def test_memory_after_change_of_user(setting):
    proxy, _, accounts = setting
    keys = [key for key in accounts if key[2] == "tls"]
    for first, second in zip(keys, keys[1:] + keys[:1]):
        _, wire, last = log_in(setting, first)
        assert last[:1] == b"\x00"
        login = Login(accounts[second].name, accounts[second].password, second[0])
        assert login.change_user(wire, tls=True)[:1] == b"\x00", second
        found = memory.find(proxy.child.pid, pieces_of_any())
        assert not found
        wire.close()


def test_files_and_logs(setting, tmp_path):
    """After all those logins, at level debug, with a log that says something."""
    proxy, _, accounts = setting
    for key in accounts:
        _, wire, _ = log_in(setting, key)
        wire.close()
    files = [path for path in [*Path(proxy.folder).rglob("*"), *Path(proxy.tables["proxy"]["data_dir"]).rglob("*")]
             if path.is_file()]
    assert {proxy.log, proxy.access_log, proxy.config} <= set(files)
    said = {path: path.read_bytes() for path in files}
    name = next(iter(accounts.values())).name.encode()
    assert name in said[proxy.access_log] and name in said[proxy.config]
    for piece in pieces_of_any().values():
        assert not [path for path, text in said.items() if piece in text]


def test_search_finds_what_is_there(tmp_path):
    """The other way round: a process that has a secret is found out."""
    import subprocess
    import sys

    secret = os.urandom(30).hex()
    half = f"kept = '{secret[:30]}' + '{secret[30:]}'; print(len(kept), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", half], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"60\n"
        assert memory.find(child.pid, {"secret": secret.encode(), "another": os.urandom(16)}).keys() == {"secret"}
        child.stdin.write(b"\n")
