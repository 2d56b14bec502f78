#!/usr/bin/env python3
"""mysqlproxy beside haproxy in TCP mode, in front of the same private MariaDB server, in one run.

Prints for each: memory per idle connection, system calls and CPU time per query, throughput and
latency with idle and busy connections at once, and errors. Needs what tests/integration/setup
installs, and haproxy, sysbench and strace.

    tests/bench/proxy.py [--proxy build-release/proxy/mysqlproxy] [--idle 2000] [--busy 64] [--seconds 10]
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/integration"))

import pymysql  # noqa: E402
from harness.process import Child, free_port, wait_until  # noqa: E402
from harness.servers import MariaDb  # noqa: E402

USER, PASSWORD = "bench", "bench-password"
TICKS = os.sysconf("SC_CLK_TCK")


class Candidate:
    """A program in the way of the queries; `child` is None for none."""

    def __init__(self, name, port, child):
        self.name, self.port, self.child = name, port, child

    def cpu(self):
        """Seconds of CPU time so far."""
        if not self.child:
            return 0.0
        with open(f"/proc/{self.child.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """Bytes that are its own: proportional set size."""
        if not self.child:
            return 0
        with open(f"/proc/{self.child.pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024

    def connect(self):
        return pymysql.connect(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, database="test")

    def answers(self):
        try:
            self.connect().close()
            return True
        except (OSError, pymysql.err.MySQLError):
            return False


def start_mysqlproxy(folder, executable, server, threads):
    port = free_port()
    stored = server.ask(f"SELECT PASSWORD('{PASSWORD}')")[0][0]
    config = folder / "proxy.toml"
    config.write_text(f"""
[proxy]
threads = {threads}
[listen.main]
bind = "127.0.0.1:{port}"
[server.db]
address = "{server.address}"
[pool.main]
servers = ["db"]
[user.{USER}]
pool = "main"
native_hash = "{stored}"
[log]
access = ""
""")
    return Candidate("mysqlproxy", port, Child([executable, "-c", config], folder / "proxy.log", "mysqlproxy"))


def start_haproxy(folder, server, threads, connections):
    port = free_port()
    config = folder / "haproxy.cfg"
    config.write_text(f"""
global
    nbthread {threads}
    maxconn {connections}
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen mysql
    bind 127.0.0.1:{port}
    server db {server.address}
""")
    return Candidate("haproxy", port, Child(["haproxy", "-db", "-f", config], folder / "haproxy.log", "haproxy"))


def sysbench(candidate, threads, prepared, *limit):
    """Runs point selects; returns (queries, queries per second, 95th percentile in ms, errors)."""
    done = subprocess.run(
        ["sysbench", "oltp_point_select", "--db-driver=mysql", "--mysql-host=127.0.0.1",
         f"--mysql-port={candidate.port}", f"--mysql-user={USER}", f"--mysql-password={PASSWORD}", "--mysql-db=test",
         "--table-size=10000", f"--threads={threads}", f"--db-ps-mode={'auto' if prepared else 'disable'}", *limit,
         "run"],
        capture_output=True, text=True, check=False)
    text = done.stdout

    def figure(pattern):
        found = re.search(pattern, text)
        return float(found[1]) if found else float("nan")

    errors = 0 if done.returncode == 0 else 1
    return (figure(r"queries:\s+(\d+)"), figure(r"queries:\s+\d+\s+\(([\d.]+)"),
            figure(r"95th percentile:\s+([\d.]+)"), errors + int(figure(r"ignored errors:\s+(\d+)") or 0))


def system_calls(candidate, prepared):
    """System calls of the program per query, from a run of a fixed number of queries under strace."""
    queries = 4000
    with tempfile.NamedTemporaryFile() as out:
        tracer = subprocess.Popen(["strace", "-f", "-c", "-qq", "-o", out.name, "-p", str(candidate.child.pid)],
                                  stderr=subprocess.DEVNULL)

        def attached():
            with open(f"/proc/{candidate.child.pid}/status") as file:
                return f"TracerPid:\t{tracer.pid}" in file.read()

        wait_until(attached, "strace to attach")
        done, _, _, _ = sysbench(candidate, 16, prepared, f"--events={queries}", "--time=0")
        tracer.send_signal(2)
        tracer.wait(30)
        text = Path(out.name).read_text()
    calls = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[0][0].isdigit() and fields[-1] != "total":
            calls[fields[-1]] = int(fields[3]) / done
    return calls


def measure(candidate, options):
    print(f"\n== {candidate.name}")
    before = candidate.memory()
    idle = [candidate.connect() for _ in range(options.idle)]
    grown = candidate.memory() - before
    if candidate.child:
        print(f"memory per idle connection ({options.idle}): {grown / options.idle / 1024:.1f} KiB")
    for prepared in (True, False):
        kind = "prepared" if prepared else "text"
        sysbench(candidate, options.busy, prepared, "--time=1")  # warm
        cpu = candidate.cpu()
        queries, rate, latency, errors = sysbench(candidate, options.busy, prepared, f"--time={options.seconds}")
        used = (candidate.cpu() - cpu) / queries * 1e6
        print(f"{kind:9}{options.idle} idle + {options.busy} busy: {rate:.0f} queries/s, 95% {latency} ms, "
              f"{errors} errors, {used:.1f} us CPU per query")
        if candidate.child:
            calls = system_calls(candidate, prepared)
            listed = ", ".join(f"{name} {count:.2f}" for name, count in sorted(calls.items(), key=lambda one: -one[1])
                               if count >= 0.005)
            print(f"{kind:9}system calls per query: {sum(calls.values()):.2f} ({listed})")
    alive = 0
    for connection in idle:
        connection.ping(reconnect=False)
        alive += 1
        connection.close()
    print(f"idle connections that answer afterwards: {alive} of {options.idle}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", default=TOP / "build-release/proxy/mysqlproxy")
    parser.add_argument("--idle", type=int, default=2000)
    parser.add_argument("--busy", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = MariaDb(folder / "mariadb")
        started = []
        try:
            server.create()
            server.ask(f"CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'")
            server.ask(f"GRANT ALL ON test.* TO {USER}@'%'")
            room = options.idle * 2 + options.busy * 4 + 100
            server.ask(f"SET GLOBAL max_connections = {room}")
            direct = Candidate("no proxy", server.port, None)
            subprocess.run(
                ["sysbench", "oltp_point_select", "--db-driver=mysql", "--mysql-host=127.0.0.1",
                 f"--mysql-port={server.port}", f"--mysql-user={USER}", f"--mysql-password={PASSWORD}",
                 "--mysql-db=test", "--table-size=10000", "prepare"], check=True, stdout=subprocess.DEVNULL)
            started = [start_haproxy(folder, server, options.threads, room * 2),
                       start_mysqlproxy(folder, options.proxy, server, options.threads)]
            print(f"server: MariaDB, {options.threads} threads for each proxy, {os.cpu_count()} cores shared by all")
            for candidate in [direct, *started]:
                wait_until(candidate.answers, candidate.name)
                measure(candidate, options)
        finally:
            codes = [candidate.child.stop() for candidate in started]
            server.stop()
    print(f"\nexit codes: haproxy {codes[0]}, mysqlproxy {codes[1]}")


if __name__ == "__main__":
    main()
