"""Servers that break off, break the protocol or mean harm."""

import random
import subprocess
import time

import pytest

from harness import wire
from harness.accounts import APP
from harness.probe import OK, PROTOCOL, REFUSED, UNREACHABLE, FakeServer, diagnosed, err, greeting, scripted


def test_closed_in_the_middle(probe):
    with FakeServer(lambda peer: (peer.send(greeting(), 0), peer.read())) as server:
        diagnosed(probe("login", server.address, "-u", "x"), UNREACHABLE, "response", "in the middle of the login")


def test_hangs_in_the_middle(probe):
    with FakeServer(lambda peer: (peer.send(greeting(), 0), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "500ms"), UNREACHABLE, "response",
                  "in the middle of the login")


def test_packets_out_of_order(probe):
    with FakeServer(lambda peer: (peer.send(greeting(), 0), peer.read(), peer.send(OK, 9), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "response", "does not allow")


def test_endless_questions(probe):
    with scripted(*[b"\xfe" + wire.NATIVE + b"\0" + b"s" * 20 + b"\0"] * 50) as server:
        diagnosed(probe("login", server.address, "-u", "x", password="secret"), PROTOCOL, "switch")


def test_charset_that_no_client_may_have(probe, server):
    said = probe.login(server.address, APP, "--charset", "utf16")
    diagnosed(said, REFUSED, "response", "character set")


def test_server_asks_for_a_file(probe):
    with scripted(OK, capabilities=wire.USUAL) as server:
        def script(peer):
            peer.send(greeting(), 0)
            peer.read()
            peer.send(OK, 2)
            peer.read()
            peer.send(b"\xfb/etc/passwd", 1)
            peer.read()
            peer.drain()

        server.script = script
        said = probe("login", server.address, "-u", "x", "--timeout", "2s")
        diagnosed(said, PROTOCOL, "whoami")
        assert not any(b"root:" in each for each in server.received)


def test_nothing_acts_on_the_terminal(probe):
    evil = b"8.0\x1b[31m\x9b0m\xc2\x9b\x07"
    with FakeServer(lambda peer: (peer.send(greeting(version=evil), 0), peer.read(),
                                  peer.send(err(1045, b"no\x1b]0;x\x07\nno", b"28000"), 2), peer.drain())) as server:
        for more in ([], ["--json"], ["--nagios"], ["--trace"], ["--explain"]):
            said = probe.text("login", server.address, "-u", "x", "--color", "never", *more)
            for text in (said.out, said.err):
                assert not any(ord(c) < 32 and c != "\n" or 0x7F <= ord(c) < 0xA0 for c in text), more


@pytest.mark.parametrize("arguments", [
    ["greet", "-c", "2"], ["login", "-u", "x\x1b", "--explain"], ["ping", "-c", "1"], ["tls"], ["matrix", "-u", "x"],
    ["storm", "-u", "x", "--connections", "1", "--count", "2"], ["conform", "-u", "x", "--check", "command"]])
def test_json_whatever_bytes_a_server_sends(probe, arguments):
    evil = b"8\x1b[31m\xff\xc3\x28\x9b"

    def lets_in(peer):
        peer.send(greeting(version=evil), 0)
        peer.read()
        peer.send(OK, 2)
        while peer.read():
            peer.send(err(1064, b"a\0b\x1b\xc0\x80", b"4\xff\0\x1b0"), 1)

    def refuses(peer):
        peer.send(greeting(plugin=evil), 0)
        peer.read()
        peer.send(b"\xfe\xff\x1bplugin\0" + bytes(20), 2)
        peer.read()
        peer.send(err(1045, evil + b"\0", b"2\xff\0\x1b0"), 4)

    for script in (lets_in, refuses):
        with FakeServer(script) as server:
            said = probe(arguments[0], server.address, *arguments[1:], "--timeout", "300ms", "--expect", "version=\x1b")
            assert said.report["target"] == server.address
            assert all(32 <= ord(c) < 127 or c == "\n" for c in said.out + said.err)


def test_a_hostile_server_costs_no_memory(probe):
    def script(peer):
        peer.send(greeting(), 0)
        peer.read()
        peer.send(OK, 2)
        peer.read()
        peer.raw(b"\xff\xff\xff\1" * 3)  # 16 MiB are announced, and never come
        peer.drain()

    with FakeServer(script) as server:
        child = subprocess.Popen([probe.executable, "login", server.address, "-u", "x", "--timeout", "2s", "--no-defaults", "--json"],
                                 stdout=subprocess.PIPE)
        time.sleep(1)
        with open(f"/proc/{child.pid}/status") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        assert resident < 150 * 1024
        child.communicate(timeout=20)
        assert child.returncode in (UNREACHABLE, PROTOCOL)


def test_a_constant_salt_is_said(probe):
    with FakeServer(lambda peer: (peer.send(greeting(), 0), peer.read(), peer.send(err(1045, b"no", b"28000"), 2))) as server:
        found = probe("greet", server.address).found
        assert found["salt"]["repeated"] and found["salt"]["weak"] and found["salt"]["hints"]


def test_any_bytes_end_in_a_diagnosis(probe):
    source = random.Random(6)
    good = [wire.frame(greeting(), 0), wire.frame(b"\xfe" + wire.NATIVE + b"\0" + b"s" * 20 + b"\0", 2), wire.frame(OK, 4),
            wire.frame(b"\1", 1)]

    def mangled(data):
        data = bytearray(data)
        for _ in range(source.randint(1, 4)):
            where = source.randrange(len(data))
            how = source.randrange(3)
            if how == 0:
                data[where] = source.randrange(256)
            elif how == 1:
                del data[where:where + source.randint(1, 8)]
            else:
                data[where:where] = source.randbytes(source.randint(1, 8))
            data = data or bytearray(b"\0")
        return bytes(data)

    def script(peer):
        which = source.randrange(len(good))
        for i, data in enumerate(good):
            peer.raw(mangled(data) if i == which else data)
            peer.connection.settimeout(0.1)
            try:
                peer.connection.recv(4096)
            except OSError:
                pass

    with FakeServer(script) as server:
        for _ in range(60):
            said = probe("login", server.address, "-u", "x", "--timeout", "300ms", "--trace", "-x", password="secret")
            assert 0 <= said.code <= 7, said.err
            assert said.report["ok"] == (said.code == 0)


def test_secrets_are_shown_only_when_asked_for(probe):
    for more, shown in (([], False), (["--show-secrets"], True)):
        with scripted(b"\xfemysql_clear_password\0", OK) as server:
            said = probe.text("login", server.address, "-u", "x", "--trace", "-x", "--allow-cleartext", "--timeout", "300ms", *more,
                              password="secret")
            assert ("secret" in said.out) == shown
