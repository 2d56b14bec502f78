#!/usr/bin/env python3
"""mysqlproxy under load beside many idle connections, for about a minute: no error, no leak.

Best run with builds of all three kinds: release, ASan and UBSan, TSan. The configuration is reloaded
twice a second meanwhile. Checks that no query and no connection fails, that every idle connection still
answers, that descriptors go when clients go, and that the proxy ends with 0 on SIGTERM, which includes
what sanitizers report.

With --restart the server is killed and started again meanwhile; then queries may fail, and what is
checked is that the proxy stays, that all is well in the end, and what sanitizers report.
"""

import argparse
import random
import re
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from candidates import (TOP, USER, Failure, MysqlProxy, allow_many_descriptors, pymysql, require, start_server,
                        wait_until)
from measure import run_load
from pymysql.constants import COMMAND

LOADS = [("oltp_point_select", True), ("oltp_read_write", True), ("oltp_point_select", False), ("oltp_read_write", False)]


def change_user(connection):
    """COM_CHANGE_USER, which PyMySQL knows the pieces of, to the same account."""
    native = b"mysql_native_password"
    connection._execute_command(COMMAND.COM_CHANGE_USER, USER.encode() + b"\0\0test\0\x2d\0" + native + b"\0")
    packet = connection._read_packet()
    if packet.is_auth_switch_request():
        packet.read_uint8()
        if packet.read_string() != native:
            raise Failure("asked for another plugin than the account's")
        connection._process_auth(native, packet)
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        if not cursor.fetchall()[0][0].startswith(USER + "@"):
            raise Failure("another user than the one that was asked for")


class Soak:
    def __init__(self, server, proxy, options):
        self.server, self.proxy, self.options = server, proxy, options
        self.errors = []
        self.idle = []
        self.over = threading.Event()
        self.queries = 0

    def fail(self, text):
        self.errors.append(text)
        print(f"  ERROR {text}", flush=True)

    def trouble(self, text):
        """What went wrong for a client: an error, unless it had to be expected."""
        if not self.options.restart:
            self.fail(text)

    def open_idle(self):
        with ThreadPoolExecutor(8) as pool:
            self.idle = list(pool.map(lambda _: self.proxy.connect(), range(self.options.idle)))

    def close_idle(self):
        lost = 0
        for connection in self.idle:
            try:
                connection.ping(reconnect=False)
            except (OSError, pymysql.err.MySQLError):
                lost += 1
            connection.close()
        self.idle = []
        if lost:
            self.trouble(f"{lost} idle connections were lost")

    def load(self):
        end = time.monotonic() + self.options.seconds
        turn = max(2, self.options.seconds // len(LOADS))
        while time.monotonic() < end:
            for workload, prepared in LOADS:
                load = run_load(self.proxy.port, workload, self.options.busy, prepared, f"--time={turn}")
                self.queries += load.queries
                print(f"  {workload} {'prepared' if prepared else 'text'}: {load.queries:.0f} queries, "
                      f"{load.rate:.0f}/s, 95 % {load.p95} ms; proxy has {self.proxy.memory()[0] / 2**20:.1f} MiB",
                      flush=True)
                if load.failed:
                    self.trouble(f"{load.errors} errors: {load.complaint}")
                    time.sleep(0.2)

    def wander(self):
        """A client of its own kind: comes, does something unusual, and goes in some way."""
        while not self.over.is_set():
            try:
                connection = self.proxy.connect()
                with connection.cursor() as cursor:
                    act = random.choice(["user", "kill", "error", "big", "vanish"])
                    if act == "user":
                        change_user(connection)
                    elif act == "kill":
                        other = self.proxy.connect()
                        cursor.execute(f"KILL {other.thread_id()}")
                        other._force_close()
                    elif act == "error":
                        try:
                            cursor.execute("SELECT no_such_column")
                        except pymysql.err.OperationalError:
                            pass
                    elif act == "big":
                        cursor.execute("SELECT REPEAT('x', 3000000)")
                        if len(cursor.fetchall()[0][0]) != 3000000:
                            self.fail("a big value came short")
                    elif act == "vanish":
                        connection._force_close()
                        continue
                connection.close()
            except Failure as error:
                self.fail(f"a wandering client: {error}")
            except (OSError, pymysql.err.MySQLError) as error:
                self.trouble(f"a wandering client: {error!r}")
                time.sleep(0.05)

    def disturb(self):
        last = time.monotonic()
        while not self.over.wait(0.5):
            self.proxy.child.send(signal.SIGHUP)
            if self.options.restart and time.monotonic() - last > 6:
                self.server.kill()
                time.sleep(0.5)
                self.server.start()
                last = time.monotonic()

    def run(self):
        empty = self.proxy.child.descriptors()
        self.open_idle()
        print(f"  {len(self.idle)} idle connections: {self.proxy.memory()[0] / 2**20:.1f} MiB", flush=True)
        helpers = [threading.Thread(target=act) for act in [self.wander] * 4 + [self.disturb]]
        for helper in helpers:
            helper.start()
        try:
            self.load()
        finally:
            self.over.set()
            for helper in helpers:
                helper.join()
        self.close_idle()
        wait_until(self.proxy.answers, "the proxy to serve in the end")
        try:
            # A health check may be under way.
            wait_until(lambda: self.proxy.child.descriptors() <= empty + 2, "descriptors to go with their clients", 15)
        except Failure as error:
            self.fail(f"{error}: {self.proxy.child.descriptors()} instead of {empty}")
        print(f"  {self.queries:.0f} queries; without clients again: {self.proxy.memory()[0] / 2**20:.1f} MiB, "
              f"{self.proxy.child.descriptors()} descriptors")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", type=Path, default=TOP / "build-release/proxy/mysqlproxy")
    parser.add_argument("--idle", type=int, default=2000)
    parser.add_argument("--busy", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2, help="of the proxy")
    parser.add_argument("--restart", action="store_true", help="kill the server and start it again, every few seconds")
    options = parser.parse_args()
    require("sysbench")
    allow_many_descriptors()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        room = options.idle + options.busy * 4 + 100
        server = start_server(folder, room)
        proxy = MysqlProxy(folder, server, options.proxy, options.threads, room)
        soak = Soak(server, proxy, options)
        try:
            proxy.start()
            soak.run()
        finally:
            code = proxy.stop()
            server.stop()
        log = (proxy.folder / "log").read_text(errors="replace")
        if code != 0:
            soak.fail(f"the proxy ended with {code}")
        if re.search(r"Sanitizer|runtime error", log):
            soak.fail("a sanitizer has complained:\n" + log[-20000:])
    print(f"{len(soak.errors)} errors")
    return 1 if soak.errors else 0


if __name__ == "__main__":
    sys.exit(main())
