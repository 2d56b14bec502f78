"""mysqlprobe under test, and servers that it can't get along with."""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from harness import wire
from harness.process import Failure

TOP = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests/golden"))
from golden_test import violations  # noqa: E402

SCHEMA = json.loads((TOP / "docs/mysqlprobe.schema.json").read_text())

#: mysqlprobe's exit codes.
REFUSED, USAGE, UNREACHABLE, TLS, PROTOCOL, PLUGIN, EARLY = 1, 2, 3, 4, 5, 6, 7


def documented(report):
    """The report, after it was found to be as docs/mysqlprobe.schema.json says."""
    form = next(form for form in SCHEMA["oneOf"] if form["properties"]["command"]["const"] == report["command"])
    problems = list(violations(report, form, SCHEMA, report["command"]))
    assert not problems, problems
    return report


def find_executable():
    given = os.environ.get("MYSQLPROBE")
    build = Path(os.environ.get("BUILD_DIR", TOP / "build"))
    name = "cli/mysqlprobe/mysqlprobe"
    found = [Path(given)] if given else [build / name, *TOP.glob(f"build*/{name}")]
    found = [path for path in found if os.access(path, os.X_OK)]
    if not found:
        raise Failure("no mysqlprobe is built: run ninja, or name one in MYSQLPROBE")
    return max(found, key=lambda path: path.stat().st_mtime)


@dataclass
class Said:
    """What one run came to."""
    code: int
    out: str
    err: str

    @property
    def reports(self):
        return [documented(json.loads(line)) for line in self.out.splitlines()]

    @property
    def report(self):
        reports = self.reports
        assert len(reports) == 1, self.out + self.err
        return reports[0]

    @property
    def found(self):
        return self.report["found"]

    @property
    def error(self):
        return self.report["error"]

    def advice(self):
        return " ".join(each["cause"] + " " + each["advice"] for each in self.error["causes"])


class Probe:
    def __init__(self):
        self.executable = find_executable()

    def text(self, *arguments, password=None, stdin=None, timeout=120):
        """A run whose output is for people."""
        environment = dict(os.environ)
        given = [str(argument) for argument in arguments]
        if "--defaults-file" not in given and given[0] not in ("verify", "hash"):
            given.append("--no-defaults")
        if password is not None:
            environment["PROBE_PASSWORD"] = password
            given += ["--password-env", "PROBE_PASSWORD"]
        done = subprocess.run([str(self.executable), *given], input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                              capture_output=True, env=environment, timeout=timeout)
        said = Said(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        assert "Sanitizer" not in said.err and "runtime error" not in said.err, said.err
        return said

    def __call__(self, *arguments, **options):
        return self.text(*arguments, "--json", **options)

    def login(self, target, account, *more, password=None, **options):
        return self("login", target, "-u", account.name, *more,
                    password=account.password if password is None else password, **options)


def diagnosed(said, code, step, *words):
    """The run ended with that code at that step, and its first cause or advice has these words."""
    assert said.code == code, said.out + said.err
    report = said.report
    assert report["ok"] is False and report["exit_code"] == code
    assert report["step"] == step, report["error"]
    first = said.error["causes"][0]
    for word in words:
        assert word in first["cause"] + " " + first["advice"], said.advice()
    return said


def greeting(version=b"8.0.36", capabilities=wire.USUAL | wire.LENENC_AUTH, plugin=wire.NATIVE, salt=bytes(range(0x21, 0x35)),
             protocol=10):
    """The payload of HandshakeV10."""
    return (bytes([protocol]) + version + b"\0" + struct.pack("<I", 7) + salt[:8] + b"\0"
            + struct.pack("<HBHHB10x", capabilities & 0xFFFF, 45, 2, capabilities >> 16, 21) + salt[8:] + b"\0" + plugin + b"\0")


def err(code, message, state=None):
    return b"\xff" + struct.pack("<H", code) + (b"#" + state if state else b"") + message


OK = b"\0\0\0\2\0\0\0"


class FakeServer:
    """Listens, and does to each client what `script` says: a function of a connected socket."""

    def __init__(self, script, backlog=16):
        self.script = script
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port = self.listener.getsockname()[1]
        self.received = []
        self.ended = threading.Event()
        if script:
            threading.Thread(target=self.serve, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection:
            connection.settimeout(20)
            try:
                self.script(Peer(connection, self.received))
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.listener.close()


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection, received):
        self.connection = connection
        self.received = received

    def raw(self, data):
        self.connection.sendall(data)

    def send(self, payload, sequence):
        self.raw(wire.frame(payload, sequence))

    def read(self):
        """The next packet's payload; an empty one at the end."""
        header = self.exactly(4)
        payload = self.exactly(int.from_bytes(header[:3], "little")) if len(header) == 4 else b""
        self.received.append(payload)
        return payload

    def exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.connection.recv(size - len(data))
            if not more:
                break
            data += more
        return data

    def drain(self):
        """Until the client goes."""
        try:
            while self.connection.recv(4096):
                pass
        except OSError:
            pass


def scripted(*packets, capabilities=wire.USUAL | wire.LENENC_AUTH):
    """A server that greets, and then answers each packet of the client with the next of these."""
    def script(peer):
        peer.send(greeting(capabilities=capabilities), 0)
        sequence = 2
        for payload in packets:
            if not peer.read():
                return
            peer.send(payload, sequence)
            sequence += 2
        peer.drain()

    return FakeServer(script)
