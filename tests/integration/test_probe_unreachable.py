"""Servers that mysqlprobe doesn't get as far as a login with: each has its own diagnosis and exit code.

What a real server can be brought to do, a real one does; the rest are scripted ones.
"""

import os
import socket
import struct
import time

import pymysql
import pytest

from harness import wire
from harness.accounts import APP
from harness.probe import EARLY, OK, PROTOCOL, REFUSED, UNREACHABLE, FakeServer, diagnosed, err, greeting
from harness.process import Child, free_port
from harness.servers import MariaDb


# The way to the server


def test_wrong_port(probe):
    port = free_port()
    diagnosed(probe("login", f"127.0.0.1:{port}", "-u", "x"), UNREACHABLE, "connect", f"Nothing listens on port {port}")


def test_unknown_name(probe):
    diagnosed(probe("login", "no-such-host.invalid", "-u", "x"), UNREACHABLE, "resolve", "no-such-host.invalid")


def test_missing_socket(probe, tmp_path):
    diagnosed(probe("login", f"unix:{tmp_path}/none", "-u", "x"), UNREACHABLE, "connect", "no unix socket of that name")


def test_socket_left_over(probe, tmp_path):
    path = tmp_path / "s"
    socket.socket(socket.AF_UNIX).bind(str(path))
    diagnosed(probe("login", f"unix:{path}", "-u", "x"), UNREACHABLE, "connect", "left over")


def test_connect_times_out(probe):
    # A queue that is full: the kernel drops the next connection's packets, as a firewall does.
    with FakeServer(None, backlog=0) as server:
        held = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", server.port))
            held.append(one)
        time.sleep(0.2)
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "500ms"), UNREACHABLE, "connect", "firewall")


def test_hangs_after_accept(probe):
    with FakeServer(lambda peer: peer.drain()) as server:
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "500ms"), UNREACHABLE, "greeting", "hangs")


def test_a_stopped_server_hangs(probe, strange):
    strange.child.freeze()
    try:
        diagnosed(probe("greet", strange.address, "--timeout", "500ms"), UNREACHABLE, "greeting", "hangs")
    finally:
        strange.child.thaw()


def test_closes_at_once(probe):
    with FakeServer(lambda peer: None) as server:
        diagnosed(probe("login", server.address, "-u", "x"), UNREACHABLE, "greeting", "closed again without a word")


def test_greeting_drips(probe):
    def drip(peer):
        for byte in wire.frame(greeting(), 0):
            peer.raw(bytes([byte]))
            time.sleep(0.05)

    with FakeServer(drip) as server:
        begin = time.monotonic()
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "600ms"), UNREACHABLE, "greeting")
        assert time.monotonic() - begin < 3


def test_haproxy_without_a_server(probe, work):
    port = free_port()
    config = work / "dead.cfg"
    config.write_text(f"defaults\n mode tcp\n timeout connect 1s\n timeout client 9s\n timeout server 9s\n"
                      f"listen db\n bind 127.0.0.1:{port}\n server a 127.0.0.1:{free_port()}\n")
    child = Child(["/usr/sbin/haproxy", "-db", "-f", config], work / "dead.log", "haproxy")
    try:
        child.wait_until(lambda: listens(port), "it listens")
        said = probe("login", f"127.0.0.1:{port}", "-u", "x", "--timeout", "8s")
        diagnosed(said, UNREACHABLE, "greeting", "proxy or load balancer")
    finally:
        child.stop()


def listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_mysqlproxy_without_a_server(probe, own_proxies, work):
    dead = MariaDb(work / "never-started", "dead")
    said = probe.login(own_proxies(dead).address, APP, "--timeout", "20s")
    assert said.code in (REFUSED, EARLY)
    assert said.error["code"] and said.error["causes"]


# Something else


def test_garbage(probe):
    with FakeServer(lambda peer: peer.raw(os.urandom(16) + b"\xff" * 500)) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting", "no protocol known here")


def test_http_server(probe, tmp_path):
    port = free_port()
    child = Child(["python3", "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", tmp_path],
                  tmp_path / "log", "HTTP server")
    try:
        child.wait_until(lambda: listens(port), "it listens")
        for command in ("login", "greet"):
            user = ["-u", "x"] if command == "login" else []
            diagnosed(probe(command, f"127.0.0.1:{port}", *user, "--timeout", "1s"), PROTOCOL, "greeting", "an HTTP server")
    finally:
        child.stop()


def test_ssh_server(probe):
    with FakeServer(lambda peer: (peer.raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting", "an SSH server")
        diagnosed(probe("greet", server.address), PROTOCOL, "greeting", "an SSH server")


def test_smtp_server(probe):
    with FakeServer(lambda peer: (peer.raw(b"220 mail ESMTP\r\n"), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting", "SMTP")


def test_short_banner(probe):
    with FakeServer(lambda peer: (peer.raw(b"+OK"), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "500ms"), PROTOCOL, "greeting", "POP3")


def test_x_protocol_port(probe):
    hello = bytes.fromhex("050000000b08051a00")
    with FakeServer(lambda peer: (peer.raw(hello), peer.drain())) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting", "X Protocol")


def test_tls_from_the_start(probe):
    alert = bytes.fromhex("15030100020246")
    with FakeServer(lambda peer: (peer.connection.recv(100), peer.raw(alert))) as server:
        diagnosed(probe("login", server.address, "-u", "x", "--timeout", "500ms"), PROTOCOL, "greeting",
                  "speaks TLS from the start")


def test_protocol_9(probe):
    with FakeServer(lambda peer: peer.send(b"\x093.20.32\0" + bytes(12), 0)) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting")


def test_greeting_that_is_cut(probe):
    with FakeServer(lambda peer: peer.send(greeting()[:20], 0)) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting", "what the protocol does not allow")


@pytest.mark.parametrize("how", ["close", "reset", "hang"])
@pytest.mark.parametrize("size", [2, 4, 20])
def test_a_greeting_that_ends_early(probe, how, size):
    def script(peer):
        peer.raw(wire.frame(greeting(), 0)[:size])
        time.sleep(0.1)
        if how == "reset":
            peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "hang":
            peer.drain()

    words, message = {"close": ("closed in the middle of the greeting", "the server closed the connection inside the greeting"),
                      "reset": ("closed in the middle of the greeting", "Connection reset by peer inside the greeting"),
                      "hang": ("its end did not come in time", "timed out inside the greeting")}[how]
    with FakeServer(script) as server:
        for command in ("login", "greet"):
            user = ["-u", "x"] if command == "login" else []
            said = probe(command, server.address, *user, "--timeout", "500ms")
            diagnosed(said, UNREACHABLE, "greeting", words)
            assert said.error["message"] == message


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("said", [bytes(range(256)) * 4, b"\x4a\0\0\x01\x0a8.0", b"\x4a\0\0\0\x51", b"hello\r\n"])
def test_bytes_that_are_no_greeting(probe, said, hangs):
    with FakeServer(lambda peer: (peer.raw(said), peer.drain() if hangs else time.sleep(0.1))) as server:
        for command in ("login", "greet"):
            user = ["-u", "x"] if command == "login" else []
            diagnosed(probe(command, server.address, *user, "--timeout", "500ms"), PROTOCOL, "greeting", "no protocol known here")


def test_closed_inside_a_packet(probe):
    with FakeServer(lambda peer: (peer.send(greeting(), 0), peer.read(), peer.raw(wire.frame(OK, 2)[:6]))) as server:
        said = probe("login", server.address, "-u", "x")
        diagnosed(said, UNREACHABLE, "response", "in the middle of the login")
        assert said.error["message"] == "the server closed the connection inside a packet"


def test_greeting_without_end(probe):
    def flood(peer):
        peer.raw(b"\xff\xff\xff\0" + b"\x0a" + b"8" * 100)
        while True:
            peer.raw(b"8" * 65536)

    with FakeServer(flood) as server:
        diagnosed(probe("login", server.address, "-u", "x"), PROTOCOL, "greeting")


# Refused before the login


def test_too_many_connections(probe, strange):
    held = []
    with strange.limited_to(10):
        try:
            with pytest.raises(pymysql.err.OperationalError):
                for _ in range(20):
                    held.append(pymysql.connect(host="127.0.0.1", port=strange.port, user="app", password=APP.password))
            # Some servers say it in place of the greeting, some behind the login.
            said = probe.login(strange.address, APP)
            diagnosed(said, EARLY, said.report["step"], "max_connections")
            assert said.error["code"] == 1040
        finally:
            for each in held:
                each.close()


@pytest.mark.parametrize("code, words", [(1129, "max_connect_errors"), (1130, "No account of the server is for this host"),
                                         (1053, "shutting down")])
def test_refused_before_the_greeting(probe, code, words):
    with FakeServer(lambda peer: peer.send(err(code, b"Host '10.0.0.9' is refused"), 0)) as server:
        diagnosed(probe("login", server.address, "-u", "x"), EARLY, "greeting", words)
        diagnosed(probe("greet", server.address), EARLY, "greeting", words)
