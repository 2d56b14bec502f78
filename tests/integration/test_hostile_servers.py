"""Servers that misbehave towards the proxy: whatever they say, others are served, and nobody is told a lie."""

import os
import random
import struct
import threading
import time

import pytest

from harness import wire
from harness.accounts import APP, OTHER
from harness.probe import OK, FakeServer, err, greeting
from harness.process import wait_until
from harness.wire import Closed, Err, Wire, frame, logged_in

EOF = b"\xfe\0\0\2\0"
COLUMN = b"\3def\0\0\0\1a\0\x0c\x3f\0\1\0\0\0\xfd\0\0\0\0\0"


def in_front(server):
    """The first packets of a login that goes well, with what is asked next."""
    server.send(greeting(), 0)
    server.read()
    server.send(OK, 2)
    while (command := server.read()) == b"\x0e":  # the health check's COM_PING
        server.send(OK, 1)
    return command


def instead_of_greeting(data):
    def script(peer):
        peer.raw(data)
        peer.drain()
    return script


def instead_of_answer(data):
    def script(peer):
        peer.send(greeting(), 0)
        peer.read()
        peer.raw(data)
        peer.drain()
    return script


def instead_of_result(*packets, raw=b"", then=None):
    """Answers to whatever is asked; packets are numbered on from 1."""
    def script(peer):
        in_front(peer)
        for number, packet in enumerate(packets):
            peer.send(packet, number + 1)
        if raw:
            peer.raw(raw)
        if then != "close":
            peer.drain()
    return script


def endless(*packets, row):
    def script(peer):
        in_front(peer)
        for number, packet in enumerate(packets):
            peer.send(packet, number + 1)
        number = len(packets) + 1
        many = b"".join(frame(row, number + i) for i in range(256))
        while True:
            peer.raw(many)  # 256 of them: the numbers go round
    return script


def endless_greeting(peer):
    peer.raw(b"\xff\xff\x7f\0\x0a")
    while True:
        peer.raw(b"8" * 65536)


def dripping_greeting(peer):
    for byte in frame(greeting(), 0):
        peer.raw(bytes([byte]))
        time.sleep(0.2)


def endless_switches(peer):
    peer.send(greeting(), 0)
    peer.read()
    for number in range(2, 10000, 2):
        peer.send(b"\xfe" + wire.NATIVE + b"\0" + os.urandom(20).replace(b"\0", b"a") + b"\0", number & 0xFF)
        peer.read()


#: Before the login is over: the client is told that there is no server, and why.
AT_LOGIN = {
    "nothing, closed": lambda peer: None,
    "HTTP": instead_of_greeting(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "random bytes": instead_of_greeting(random.Random(7).randbytes(5000)),
    "zeros": instead_of_greeting(bytes(5000)),
    "a greeting of protocol 9": instead_of_greeting(frame(greeting(protocol=9), 0)),
    "a greeting that is cut": instead_of_greeting(frame(greeting()[:40], 0)),
    "half a greeting": instead_of_greeting(frame(greeting(), 0)[:30]),
    "a greeting with a wrong number": instead_of_greeting(frame(greeting(), 3)),
    "a greeting without 4.1": instead_of_greeting(frame(greeting(capabilities=0), 0)),
    "16 MiB are announced": instead_of_greeting(b"\xff\xff\xff\0" * 10),
    "an endless greeting": endless_greeting,
    "a greeting that drips": dripping_greeting,
    "an empty packet in place of an OK": instead_of_answer(frame(b"", 2)),
    "an OK that is cut": instead_of_answer(frame(b"\0\xfe", 2)),
    "an OK with a wrong number": instead_of_answer(frame(OK, 7)),
    "an unknown plugin": instead_of_answer(frame(b"\xfe../../%s%n\0" + b"x" * 20 + b"\0", 2)),
    "the password in clear": instead_of_answer(frame(b"\xfemysql_clear_password\0", 2)),
    "the password of before 4.1": instead_of_answer(frame(b"\xfe", 2)),
    "a salt of no length": instead_of_answer(frame(b"\xfemysql_native_password\0\0", 2)),
    "more for a plugin that has no more": instead_of_answer(frame(b"\1" + b"x" * 500, 2)),
    "switches without end": endless_switches,
    "a result": instead_of_answer(frame(b"\1", 2) + frame(COLUMN, 3)),
    "silence": instead_of_answer(b""),
}

#: In answer to a query: an ERR at a boundary, the connection's end within a packet.
AT_RESULT = {
    "packets out of order": instead_of_result(raw=frame(b"\1", 1) + frame(COLUMN, 5)),
    "an answer that counts from 0": instead_of_result(raw=frame(OK, 0)),
    "more columns than are there": instead_of_result(b"\5", COLUMN, EOF),
    "a column count that lies": instead_of_result(b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", COLUMN),
    "no columns and rows": instead_of_result(b"\xfb"),
    "an empty packet": instead_of_result(b""),
    "garbage": instead_of_result(raw=random.Random(8).randbytes(3000)),
    "half a row, and closed": instead_of_result(b"\1", COLUMN, EOF, raw=b"\x10\0\0\4\x0fabc", then="close"),
    "two answers": instead_of_result(raw=frame(OK, 1) + frame(OK, 1)),
    "an ERR in the middle": instead_of_result(b"\1", COLUMN, EOF, b"\1x", err(1317, b"interrupted", b"70100")),
    "an ERR of a client library's": instead_of_result(err(2013, b"Lost connection", b"HY000")),
    "a file, which the client did not agree to": instead_of_result(b"\xfb/etc/passwd"),
    "an OK that is cut": instead_of_result(b"\0\xfe"),
    "a session track that lies": instead_of_result(b"\0\0\0\2\x40\0\0\0\xfc\xff\xff"),
}


@pytest.fixture(scope="module")
def hostile(mariadb, module_proxies):
    """One proxy for all: each hostile server has a pool, and a good one has another."""
    servers, tables = {}, {"proxy": {"connect_timeout": "1s", "server_timeout": "2s"},
                           "health": {"interval": "1h", "fall": 100}}
    accounts = {}
    for pooling in ("session", "transaction"):
        for number, (name, script) in enumerate({**AT_LOGIN, **AT_RESULT}.items()):
            key = f"{pooling}_{number}"
            servers[key] = FakeServer(script)
            tables[f"server.{key}"] = {"address": servers[key].address}
            tables[f"pool.{key}"] = {"servers": [key], "pooling": pooling}
            tables[f"user.{key}"] = {"pool": key, "native_hash": OTHER.native_hash}
            accounts[pooling, name] = type(OTHER)(key, OTHER.password)
    proxy = module_proxies(mariadb, tables=tables)
    yield proxy, accounts
    for server in servers.values():
        server.__exit__()


def outcome(proxy, account, queries=("SELECT 1",)):
    """What the client is told: an Err, "closed", or the values."""
    values = []
    with Wire(proxy.port, timeout=20) as connection:
        try:
            reply = connection.log_in(account)
            if Err.of(reply):
                return Err.of(reply)
            for sql in queries:
                values.append(connection.ask(sql))
                if isinstance(values[-1], Err):
                    return values[-1]
        except Closed:
            return "closed"
        except (AssertionError, IndexError, struct.error) as error:
            return f"closed: {error}"  # what comes is passed on as far as it can be followed
    return values


@pytest.mark.parametrize("pooling", ["session", "transaction"])
def test_hostile_at_login(hostile, pooling):
    """All at once; and a good server's clients are served as if nothing were."""
    proxy, accounts = hostile
    found = {}

    def meet(name):
        found[name] = outcome(proxy, accounts[pooling, name])

    before = proxy.child.descriptors()
    with logged_in(proxy.port, APP) as bystander:
        threads = [threading.Thread(target=meet, args=(name,)) for name in AT_LOGIN]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert bystander.ask("SELECT 'still here'") == "still here"
            logged_in(proxy.port, APP).close()
            time.sleep(0.05)
        for thread in threads:
            thread.join()
    wrong = {name: told for name, told in found.items() if not isinstance(told, Err) or told.code not in (1158, 1251)}
    assert not wrong
    wait_until(lambda: proxy.child.descriptors() <= before, "descriptors to be given back")


@pytest.mark.parametrize("pooling", ["session", "transaction"])
@pytest.mark.parametrize("name", AT_RESULT)
def test_hostile_result(hostile, pooling, name):
    """Never an answer that is none; the client is told, or let go; and the next one as well."""
    proxy, accounts = hostile
    for _ in range(2):
        told = outcome(proxy, accounts[pooling, name])
        if name == "an ERR in the middle":
            assert told.code == 1317
        elif name == "an ERR of a client library's":
            assert told.code == 2013  # it is the server's word
        elif name in ("two answers", "a session track that lies"):  # which is a text, to those who do not track
            assert told in (None, "closed", [None]) or isinstance(told, Err) or str(told).startswith("closed"), told
        else:
            assert isinstance(told, Err) or str(told).startswith("closed"), told
    with logged_in(proxy.port, APP) as good:
        assert good.ask("SELECT 'good'") == "good"


@pytest.mark.parametrize("pooling", ["session", "transaction"])
def test_answers_that_nobody_asked_for(own_proxies, mariadb, pooling):
    """An OK or rows, while nothing is asked: that connection is given up, and nobody takes them for his answer."""
    unasked = {"an OK": frame(OK, 1), "an OK that counts on": frame(OK, 2), "rows": b"".join(
        frame(packet, number + 1) for number, packet in enumerate([b"\1", COLUMN, EOF, b"\5wrong", EOF]))}
    told = {}
    for name, packets in unasked.items():
        sent = threading.Event()

        def script(peer, packets=packets, sent=sent):
            if not sent.is_set():
                in_front(peer)
                peer.send(OK, 1)
                time.sleep(0.1)  # the client has its answer by now
                peer.raw(packets)
                sent.set()
                peer.drain()
            in_front(peer)  # another connection, in whose place it is
            peer.raw(b"".join(frame(packet, number + 1) for number, packet in enumerate([b"\1", COLUMN, EOF, b"\5right", EOF])))
            peer.drain()

        with FakeServer(script) as server:
            proxy = own_proxies(mariadb, tables={
                "server.odd": {"address": server.address}, "pool.odd": {"servers": ["odd"], "pooling": pooling},
                "health": {"interval": "1h", "fall": 100}, "user.odd": {"pool": "odd", "native_hash": OTHER.native_hash}})
            with logged_in(proxy.port, type(OTHER)("odd", OTHER.password)) as connection:
                assert connection.ask("DO 1") is None
                assert sent.wait(10)
                time.sleep(0.1)
                try:
                    told[name] = connection.ask("SELECT 'right'")
                except (Closed, AssertionError) as error:
                    told[name] = repr(error)
            with logged_in(proxy.port, APP) as good:
                assert good.ask("SELECT 'good'") == "good"
    closed = "AssertionError('packet 0 where 1 was due')"  # an ERR that says why
    assert told == dict.fromkeys(unasked, "right" if pooling == "transaction" else closed)


def test_password_is_shown_to_no_server(own_proxies, mariadb):
    """A server that asks for it in clear, without TLS, is given nothing."""
    seen = []

    def script(peer):
        peer.send(greeting(), 0)
        seen.append(peer.read())
        peer.send(b"\xfemysql_clear_password\0", 2)
        seen.append(peer.read())

    with FakeServer(script) as server:
        proxy = own_proxies(mariadb, tables={"server.false": {"address": server.address}, "pool.false": {"servers": ["false"]},
                                             f"user.{OTHER.name}": {"pool": "false"}})
        assert isinstance(outcome(proxy, OTHER), Err)
    assert seen and not any(OTHER.password.encode() in one for one in seen)


@pytest.mark.parametrize("pooling", ["session", "transaction"])
def test_endless_results(own_proxies, mariadb, pooling):
    """Rows, columns and results without end cost time, and no memory; the client's leaving ends it."""
    scripts = {"rows": endless(b"\1", COLUMN, EOF, row=b"\xfa" + b"x" * 250),
               "columns": endless(b"\xfd\xff\xff\xff", row=COLUMN),
               "results": endless(row=b"\0\0\0\x0a\0\0\0")}
    servers = {name: FakeServer(script) for name, script in scripts.items()}
    tables = {"health": {"interval": "1h", "fall": 100}}
    for name, server in servers.items():
        tables[f"server.{name}"] = {"address": server.address}
        tables[f"pool.{name}"] = {"servers": [name], "pooling": pooling}
        tables[f"user.{name}"] = {"pool": name, "native_hash": OTHER.native_hash}
    proxy = own_proxies(mariadb, tables=tables)
    with logged_in(proxy.port, APP) as bystander:
        before, descriptors = proxy.child.resident(), proxy.child.descriptors()
        for name in servers:
            with logged_in(proxy.port, type(OTHER)(name, OTHER.password)) as client:
                client.query("SELECT everything")
                read = 0
                while read < 20 << 20:
                    read += len(client.socket.recv(1 << 20))
                assert bystander.ask("SELECT 1") == "1"
                assert proxy.child.resident() - before < 40 << 20, name
        wait_until(lambda: proxy.child.descriptors() <= descriptors, "the servers' connections to be closed")
    for server in servers.values():
        server.__exit__()
