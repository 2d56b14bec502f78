"""mysqlproxy under test: its configuration, its process and its logs."""

import json
import os
import re
import signal
from pathlib import Path

from harness.accounts import ON_PROXIES
from harness.lending import LENT, POOLING
from harness.process import Child, Failure, free_port, tail


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return json.dumps(str(value))


def write_toml(tables):
    """{"proxy": {"threads": 1}, "user.app": {...}} as a file's text."""
    lines = []
    for name, table in tables.items():
        lines.append("[" + ".".join(toml(part) if not re.fullmatch(r"[\w-]+", part) else part
                                    for part in name.split(".", 1)) + "]")
        lines += [f"{key} = {toml(value)}" for key, value in table.items()]
        lines.append("")
    return "\n".join(lines)


class Proxy:
    """One mysqlproxy with one listener and one pool, unless `tables` says otherwise."""

    def __init__(self, executable, folder, servers, accounts=ON_PROXIES, tables=None):
        self.executable = executable
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.config = self.folder / "mysqlproxy.toml"
        self.log = self.folder / "mysqlproxy.log"
        self.access_log = self.folder / "access.log"
        self.child = None
        self.tables = {
            # A busy machine is no reason to fail.
            "proxy": {"threads": 2, "max_allowed_packet": "128MiB", "connect_timeout": "15s", "handshake_timeout": "30s"},
            "listen.main": {"bind": f"127.0.0.1:{self.port}"},
            **{f"server.{server.name}": {"address": server.address} for server in servers},
            "pool.main": {"servers": [server.name for server in servers], **({"pooling": POOLING} if LENT else {})},
            **{f"user.{account.name}": {"pool": account.pool, "native_hash": account.native_hash}
               for account in accounts},
            "health": {"interval": "500ms", "timeout": "5s"},
            "log": {"level": "debug", "format": "json", "access": self.access_log},
        }
        for name, table in (tables or {}).items():
            self.tables[name] = {**self.tables.get(name, {}), **table}

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def write_config(self, text=None):
        self.config.write_text(write_toml(self.tables) if text is None else text)

    def start(self, wait=True):
        self.write_config()
        # Under AddressSanitizer: freed memory is not to be kept back, where its amount is measured.
        environment = {"ASAN_OPTIONS": "quarantine_size_mb=4", **os.environ}
        self.child = Child([self.executable, "--config", self.config], self.log, "mysqlproxy", env=environment)
        if wait:
            self.wait_for_log("ready", timeout=60.0)
        return self

    def messages(self):
        """The log so far: dicts with time, level, message and more."""
        return read_json_lines(self.log)

    def accesses(self):
        """The access log so far, one dict a finished connection."""
        return read_json_lines(self.access_log)

    def wait_for_log(self, pattern, timeout=20.0, since=0):
        """The first message, from the `since`-th on, that matches `pattern`."""
        return self._wait_for(self.messages, lambda one: re.search(pattern, one["message"]),
                              f"'{pattern}' in the log", timeout, since)

    def wait_for_access(self, condition=lambda one: True, timeout=20.0, since=0):
        """The first line of the access log, from the `since`-th on, that fulfils `condition`."""
        return self._wait_for(self.accesses, condition, "its line in the access log", timeout, since)

    def _wait_for(self, source, condition, what, timeout, since):
        return self.child.wait_until(
            lambda: next((one for one in source()[since:] if condition(one)), None), what, timeout)

    def reload(self):
        """Has the configuration read again; returns when that is done, with its message."""
        size = self.log.stat().st_size  # of a soak's log only what is new can be read again and again
        self.child.send(signal.SIGHUP)
        return self._wait_for(lambda: read_json_lines(self.log, size),
                              lambda one: re.search("configuration was (not )?reloaded", one["message"]),
                              "a reload in the log", timeout=60.0, since=0)

    def stop_well(self):
        """Ends it; a sanitizer's report, a leak for example, is a failure."""
        code = self.stop()
        said = self.log.read_text(errors="replace") if self.log.exists() else ""
        if re.search("Sanitizer|runtime error:", said) or code not in (None, 0, 2, 3, 4):
            raise Failure(f"mysqlproxy ended with {code}:\n{tail(self.log, 60)}")

    def stop(self, number=signal.SIGTERM):
        return self.child.stop(number) if self.child else None


def read_json_lines(path, offset=0):
    """The complete ones from a line that begins at `offset`."""
    if not path.exists():
        return []
    with open(path, "rb") as file:
        file.seek(offset)
        lines = file.read().decode(errors="replace").split("\n")
    complete = lines[:-1]
    return [json.loads(line) for line in complete if line.startswith("{")]
