"""How it is measured: by turns, by the scheduler's clock, by strace and by cachegrind."""

import json
import os
import random
import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from candidates import PASSWORD, SHA2_USER, USER, Failure, target, wait_until
from spread import Spread


def by_turns(candidates, rounds, work, seed=1):
    """Rounds in which each candidate has its turn, in an order of chance: what else the machine does hits all alike.

    `work` makes a dict of figures of one candidate. Returns a list of rounds, each {name: that dict}.
    """
    chance = random.Random(seed)
    results = []
    for _ in range(rounds):
        order = list(candidates)
        chance.shuffle(order)
        results.append({candidate.name: work(candidate) for candidate in order})
    return results


def column(rounds, name, figure):
    """Of the rounds in which it had a turn."""
    return [one[name][figure] for one in rounds if name in one]


def ratios(rounds, name, base, figure):
    """To the base's in the same round, so that a drift of the machine's speed cancels out."""
    return [one[name][figure] / one[base][figure] for one in rounds if name in one and one[base][figure]]


@dataclass
class Load:
    """What sysbench says of a run, and what the candidate spent while it ran."""

    queries: float
    rate: float     # queries a second
    average: float  # latency of a transaction, ms
    p95: float      # the same
    errors: int
    complaint: str  # the first error message
    cpu: float = 0.0  # seconds, logins left out

    @property
    def failed(self):
        return self.errors != 0 or self.queries == 0


def sysbench(port, workload, threads, prepared, *limit):
    return ["sysbench", workload, *target(port), f"--threads={threads}", "--rand-type=uniform", "--percentile=95",
            f"--db-ps-mode={'auto' if prepared else 'disable'}", "--mysql-ignore-errors=1213,1020,1205", *limit, "run"]


def run_load(port, workload, threads, prepared, *limit):
    """Runs sysbench's `workload` to its end."""
    done = subprocess.run(sysbench(port, workload, threads, prepared, *limit), capture_output=True, text=True, check=False)
    return read_load(done.stdout + done.stderr, done.returncode)


def read_load(text, code):
    def figure(pattern):
        found = re.search(pattern, text)
        return float(found[1]) if found else 0.0

    complaint = next((line for line in text.splitlines() if "FATAL" in line), "")
    # Deadlocks between its own transactions ("ignored errors") are the load's doing, not a proxy's.
    errors = int(code != 0) + int(figure(r"reconnects:\s+(\d+)"))
    return Load(figure(r"queries:\s+(\d+)"), figure(r"queries:\s+\d+\s+\(([\d.]+)"), figure(r"avg:\s+([\d.]+)"),
                figure(r"95th percentile:\s+([\d.]+)"), errors, complaint)


def measured_load(candidate, workload, threads, prepared, *limit):
    """The same, with the CPU time of the candidate from when all of sysbench's threads are logged in."""
    before = None
    lines = []
    # Lines have to come when they are written, and not when a buffer is full.
    with subprocess.Popen(["stdbuf", "-oL", *sysbench(candidate.port, workload, threads, prepared, *limit)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            if before is None and "Threads started" in line:
                before = candidate.cpu()
            lines.append(line)
    load = read_load("".join(lines), process.returncode)
    if load.failed or before is None:
        raise Failure(f"{candidate.name}, {workload}: {load}")
    load.cpu = candidate.cpu() - before
    return load


def start_anew(candidate, workload, clients, prepared, events):
    """A process of its own for each turn, warm. Where its memory comes to lie decides some percent of what a query
    costs for as long as it runs: one process for all turns would have every turn measure the same accident."""
    candidate.stop()
    candidate.start()
    measured_load(candidate, workload, clients, prepared, f"--events={events}", "--time=0")


def count_calls(pid, work):
    """System calls of a process while `work` runs.

    {name: (calls, of them failed)}, what work() gave, and how many seconds it took.
    """
    with tempfile.NamedTemporaryFile() as out:
        tracer = subprocess.Popen(["strace", "-f", "-c", "-qq", "-o", out.name, "-p", str(pid)], stderr=subprocess.DEVNULL)
        try:
            status = Path(f"/proc/{pid}/status")
            wait_until(lambda: f"TracerPid:\t{tracer.pid}" in status.read_text(), "strace to attach")
            began = time.monotonic()
            result = work()
            seconds = time.monotonic() - began
        finally:
            tracer.send_signal(2)
            tracer.wait(30)
        text = Path(out.name).read_text()
    calls = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[0][0].isdigit() and fields[-1] != "total":
            calls[fields[-1]] = (int(fields[3]), int(fields[4]) if len(fields) == 6 else 0)
    return calls, result, seconds


def system_calls(candidate, workload, prepared, threads, transactions):
    """System calls of the candidate per query, by name: all, and those that returned an error.

    By the difference of two runs, so that logins cancel out. What it does in that time without any client, health
    checks above all, is not for a query.
    """
    def run(times):
        return count_calls(candidate.pid, lambda: run_load(candidate.port, workload, threads, prepared,
                                                           f"--events={transactions * times}", "--time=0"))

    (fewer, short, seconds), (more, long, longer) = run(1), run(3)
    idle, _, rest = count_calls(candidate.pid, lambda: time.sleep(3))
    share = (longer - seconds) / rest
    if short.failed or long.failed:
        raise Failure(f"{candidate.name}, {workload} under strace: {short}, {long}")
    queries = long.queries - short.queries
    none = (0, 0)
    return {name: tuple((after - before - share * without) / queries
                        for before, after, without in zip(fewer.get(name, none), counts, idle.get(name, none)))
            for name, counts in more.items()}


CACHEGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", "--trace-children=no")


def counted_instructions(text):
    """What cachegrind's last run says in its output."""
    found = re.findall(r"I\s+refs:\s+([\d,]+)", text)
    if not found:
        raise Failure("cachegrind has said nothing")
    return int(found[-1].replace(",", ""))


def instructions_of(candidate, work):
    """User instructions per item: two runs under cachegrind, by their difference. What the start costs cancels out.

    `work(times)` makes the candidate do something, `times` as much of it as usual, and returns how many items that was.
    """
    # A first start makes keys and certificates, whose search for primes would count.
    candidate.start()
    candidate.stop()
    totals, items = [], []
    for times in (1, 3):
        candidate.start(*CACHEGRIND)
        items.append(work(times))
        candidate.stop()
        totals.append(counted_instructions((candidate.folder / "log").read_text(errors="replace")))
    return (totals[1] - totals[0]) / (items[1] - items[0])


def instructions(candidate, workload, prepared, threads, transactions):
    """User instructions of the candidate per query of sysbench's."""
    def work(times):
        load = run_load(candidate.port, workload, threads, prepared, f"--events={transactions * times}", "--time=0")
        if load.failed:
            raise Failure(f"{candidate.name}, {workload} under cachegrind: {load}")
        return load.queries

    return instructions_of(candidate, work)


def cpu_per_query(candidates, workload, prepared, threads, seconds, rounds):
    """Microseconds of CPU per query of each, by turns: {name: (median, low, high, queries a second)}."""
    def work(candidate):
        load = measured_load(candidate, workload, threads, prepared, f"--time={seconds}")
        return {"cpu": load.cpu / load.queries * 1e6, "rate": load.rate}

    results = by_turns(candidates, rounds, work)
    spreads = {one.name: Spread.of(column(results, one.name, "cpu")) for one in candidates}
    return {name: (spread.median, spread.low, spread.high, statistics.median(column(results, name, "rate")))
            for name, spread in spreads.items()}


def password_in_environment():
    return {**os.environ, "RIG_PASSWORD": PASSWORD}


class Connector:
    """The client of logins, idle connections, large results and large commands: MariaDB Connector/C."""

    def __init__(self, build):
        self.program = build / "tests/bench/connector"

    def command(self, port, what, tls=False, compress=False, sha2=False, **options):
        return [str(self.program), f"--port={port}", f"--user={SHA2_USER if sha2 else USER}", "--schema=test",
                *(["--tls"] if tls else []), *(["--compress"] if compress else []), what,
                *(f"--{name}={value}" for name, value in options.items())]

    def run(self, port, what, **options):
        done = subprocess.run(self.command(port, what, **options), env=password_in_environment(), capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise Failure(f"connector {what}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def hold(self, port, count, tls=False):
        """Idle connections: leave the context to end them. Whoever waits for the result gets how many were lost."""
        return Held(self.command(port, "hold", tls=tls, count=count))


class Held:
    def __init__(self, command):
        self.process = subprocess.Popen(command, env=password_in_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise Failure(f"idle connections: {self.process.stderr.read().strip()}")

    def end(self):
        """How many connections did not answer a ping."""
        out, _ = self.process.communicate(timeout=120)
        return json.loads(out)["lost"]
