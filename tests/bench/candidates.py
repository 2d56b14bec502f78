"""What is measured: programs between sysbench and a private MariaDB server, and what they cost.

Uses the harness of the integration tests; tests/integration/setup installs what that needs.
"""

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/integration"))

import pymysql  # noqa: E402
from harness.process import Child, Failure, free_port, wait_until  # noqa: E402
from harness.servers import MariaDb  # noqa: E402

USER, PASSWORD = "bench", "bench-password"
ROWS = 10000


def allow_many_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def require(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        sys.exit(f"please install {' '.join(missing)} (Debian packages of the same names)")


class Backend(MariaDb):
    """A private server with room for many connections, each with many prepared statements."""

    def __init__(self, folder, connections):
        super().__init__(folder)
        self.connections = connections

    def settings(self):
        return [*super().settings(), f"--max-connections={self.connections}", "--max-prepared-stmt-count=1000000"]


def start_server(folder, connections):
    """The server behind all candidates, with the table of the load."""
    server = Backend(folder / "mariadb", connections)
    server.create()
    server.ask(f"CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'")
    server.ask(f"GRANT ALL ON test.* TO {USER}@'%'")
    subprocess.run(["sysbench", "oltp_read_write", *target(server.port), "prepare"], check=True,
                   stdout=subprocess.DEVNULL)
    return server


def target(port):
    return ["--db-driver=mysql", "--mysql-host=127.0.0.1", f"--mysql-port={port}", f"--mysql-user={USER}",
            f"--mysql-password={PASSWORD}", "--mysql-db=test", f"--table-size={ROWS}"]


class Candidate:
    """A program in the way of the queries, or none. Start it, stop it, as often as you like."""

    name = ""

    def __init__(self, folder):
        self.folder = folder / self.name.replace(" ", "-")
        self.folder.mkdir()
        self.port = free_port()
        self.child = None

    def command(self):
        """How the program is started."""
        raise NotImplementedError

    def start(self, *before):
        """`before`: a program that runs it, such as valgrind."""
        self.child = Child([*before, *self.command()], self.folder / "log", self.name)
        self.child.wait_until(self.answers, f"{self.name} to answer")

    def stop(self):
        """Its exit code."""
        return self.child.stop(timeout=60) if self.child else 0

    def connect(self):
        return pymysql.connect(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, database="test")

    def answers(self):
        try:
            self.connect().close()
            return True
        except (OSError, pymysql.err.MySQLError):
            return False

    def cpu(self):
        """Seconds of CPU time so far: user and system time of all its threads, by the scheduler's clock."""
        if not self.child:
            return 0.0
        total = 0
        for task in Path(f"/proc/{self.child.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def memory(self):
        """(resident, proportional) set size in bytes."""
        if not self.child:
            return (0, 0)
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path(f"/proc/{self.child.pid}/smaps_rollup").read_text(), re.M))
        return (int(fields["Rss"]) * 1024, int(fields["Pss"]) * 1024)


class Direct(Candidate):
    name = "no proxy"

    def __init__(self, folder, server):
        super().__init__(folder)
        self.port = server.port

    def start(self, *before):
        pass


class MysqlProxy(Candidate):
    name = "mysqlproxy"

    def __init__(self, folder, server, executable, threads, connections):
        super().__init__(folder)
        self.executable = executable
        self.config = self.folder / "mysqlproxy.toml"
        stored = server.ask(f"SELECT PASSWORD('{PASSWORD}')")[0][0]
        self.config.write_text(f"""
[proxy]
threads = {threads}
max_connections = {connections}
connect_timeout = "10s"
handshake_timeout = "10s"
idle_timeout = "1h"
data_dir = "{self.folder}"
[listen.main]
bind = "127.0.0.1:{self.port}"
[server.db]
address = "{server.address}"
[pool.main]
servers = ["db"]
[user.{USER}]
pool = "main"
native_hash = "{stored}"
[health]
interval = "2s"
[log]
level = "info"
access = ""
""")

    def command(self):
        return [self.executable, "--config", self.config]


class Judging(MysqlProxy):
    """mysqlproxy with 50 rules of which none matches, a guard with every check, and statistics."""

    name = "judging"

    def __init__(self, folder, server, executable, threads, connections):
        super().__init__(folder, server, executable, threads, connections)
        rules = []
        for i in range(50):
            when = (f'hint = "key{i}"', f'schema = "shop{i}"', f'table = "orders{i}"', f'match = "from archive{i} "',
                    'kind = "call"')[i % 5]
            rules.append(f'[[rule]]\nname = "rule {i}"\nwhen = {{ {when} }}\n'
                         'then = { refuse = { code = 1148, text = "no" } }\n')
        checks = ("no_where", "ddl", "account", "admin", "read_file", "write_file", "sleep", "several_statements", "comment",
                  "version_comment", "union", "tautology", "prepare_from_variable")
        guard = "[guard]\nmax_result_rows = 1000000\nmax_running_time = \"60s\"\n" + "".join(
            f'{check} = "enforce"\n' for check in checks)
        self.config.write_text(self.config.read_text() + "".join(rules) + guard + "[statistics]\n")


class HaProxy(Candidate):
    name = "haproxy"

    def __init__(self, folder, server, threads, connections):
        super().__init__(folder)
        self.config = self.folder / "haproxy.cfg"
        # Health checks are on as they are in mysqlproxy. tune.bufsize is haproxy's default: what it holds of a
        # connection only while bytes are on their way.
        self.config.write_text(f"""
global
    nbthread {threads}
    maxconn {connections}
    tune.bufsize 16384
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen mysql
    bind 127.0.0.1:{self.port}
    server db {server.address} check inter 2s maxconn {connections}
""")

    def command(self):
        return ["haproxy", "-db", "-f", self.config]


@dataclass
class Load:
    """What sysbench says of a run."""

    queries: float
    rate: float     # queries a second
    average: float  # latency of a transaction, ms
    p95: float      # the same
    errors: int
    complaint: str  # the first error message

    @property
    def failed(self):
        return self.errors != 0 or self.queries == 0


def run_load(port, workload, threads, prepared, *limit):
    """Runs sysbench's `workload` to its end."""
    done = subprocess.run(
        ["sysbench", workload, *target(port), f"--threads={threads}", "--rand-type=uniform", "--percentile=95",
         f"--db-ps-mode={'auto' if prepared else 'disable'}", "--mysql-ignore-errors=1213,1020,1205", *limit, "run"],
        capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr

    def figure(pattern):
        found = re.search(pattern, text)
        return float(found[1]) if found else 0.0

    complaint = next((line for line in text.splitlines() if "FATAL" in line), "")
    # Deadlocks between its own transactions ("ignored errors") are the load's doing, not a proxy's.
    errors = int(done.returncode != 0) + int(figure(r"reconnects:\s+(\d+)"))
    return Load(figure(r"queries:\s+(\d+)"), figure(r"queries:\s+\d+\s+\(([\d.]+)"), figure(r"avg:\s+([\d.]+)"),
                figure(r"95th percentile:\s+([\d.]+)"), errors, complaint)


def system_calls(candidate, workload, prepared, threads, transactions):
    """System calls of the program per query, by name, over a fixed number of transactions under strace."""
    with tempfile.NamedTemporaryFile() as out:
        tracer = subprocess.Popen(["strace", "-f", "-c", "-qq", "-o", out.name, "-p", str(candidate.child.pid)],
                                  stderr=subprocess.DEVNULL)
        try:
            status = Path(f"/proc/{candidate.child.pid}/status")
            wait_until(lambda: f"TracerPid:\t{tracer.pid}" in status.read_text(), "strace to attach")
            load = run_load(candidate.port, workload, threads, prepared, f"--events={transactions}", "--time=0")
        finally:
            tracer.send_signal(2)
            tracer.wait(30)
        text = Path(out.name).read_text()
    if load.failed:
        raise Failure(f"{candidate.name}, {workload} under strace: {load}")
    calls = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[0][0].isdigit() and fields[-1] != "total":
            failed = int(fields[4]) if len(fields) == 6 else 0
            calls[fields[-1]] = (int(fields[3]) / load.queries, failed / load.queries)
    return calls


def instructions(candidate, workload, prepared, threads, transactions):
    """User-mode instructions of the program per query: two runs under cachegrind, by their difference."""
    totals = []
    queries = []
    for times in (1, 3):
        candidate.start("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
                        "--trace-children=no")
        load = run_load(candidate.port, workload, threads, prepared, f"--events={transactions * times}", "--time=0")
        log = candidate.folder / "log"
        candidate.child.stop(timeout=60)
        found = re.findall(r"I\s+refs:\s+([\d,]+)", log.read_text(errors="replace"))
        if load.failed or len(found) <= len(totals):
            raise Failure(f"{candidate.name}, {workload} under cachegrind: {load}")
        totals.append(int(found[-1].replace(",", "")))
        queries.append(load.queries)
    return (totals[1] - totals[0]) / (queries[1] - queries[0])


def cpu_per_query(candidates, workload, prepared, threads, seconds, rounds):
    """Microseconds of CPU per query of each: short runs by turns, the median of them."""
    samples = {candidate.name: [] for candidate in candidates}
    rates = {candidate.name: [] for candidate in candidates}
    for _ in range(rounds):
        for candidate in candidates:
            before = candidate.cpu()
            load = run_load(candidate.port, workload, threads, prepared, f"--time={seconds}")
            if load.failed:
                raise Failure(f"{candidate.name}, {workload}: {load}")
            samples[candidate.name].append((candidate.cpu() - before) / load.queries * 1e6)
            rates[candidate.name].append(load.rate)
    return {name: (statistics.median(samples[name]), min(samples[name]), max(samples[name]),
                   statistics.median(rates[name])) for name in samples}


def describe_machine():
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores ({model[1] if model else 'unknown'}), Linux {os.uname().release}"
