"""Point selects between a client and a server of our own, which cost so little that differences of 5 % show.

Slices of 40 ms in an order of chance; see rig/client.cpp and rig/server.cpp.
"""

import json
import subprocess

from candidates import JUDGING, LENDING, SESSION, Child, Direct, Failure, HaProxy, MysqlProxy, Nginx, USER, free_port
from measure import column, password_in_environment, ratios

PART = "rig"
CLIENTS = (1, 16, 64, 256)


class CannedServer:
    """The rig's server, which asks the real one what it does not know."""

    def __init__(self, suite, folder, server):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.child = Child([suite.build / "tests/bench/rig_server", self.port, server.port], folder / "rig.log", "rig_server")

    def stop(self):
        self.child.stop()


def candidates(suite, folder, server):
    room = 4000
    return [
        Direct(folder, server),
        HaProxy(folder, server, 1, room),
        HaProxy(folder, server, 2, room, "haproxy, 2 threads"),
        Nginx(folder, server, room),
        MysqlProxy(folder, server, suite.proxy, 1, room, "session", SESSION),
        MysqlProxy(folder, server, suite.proxy, 1, room, "lending", LENDING),
        MysqlProxy(folder, server, suite.proxy, 1, room, "judging", JUDGING),
        MysqlProxy(folder, server, suite.proxy, 2, room, "lending, 2 threads", LENDING),
    ]


def slices(suite, among, clients, prepared, rounds, length=80):
    """Rounds as by_turns() makes them."""
    done = subprocess.run(
        [suite.build / "tests/bench/rig_client", f"--user={USER}", "--schema=test", f"--clients={clients}",
         f"--rounds={rounds}", f"--slice={length}", *(["--prepared"] if prepared else []),
         *(f"{one.name}={one.port}:{one.pid}" for one in among)],
        env=password_in_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{clients} clients: {done.stderr.strip()}")
    result = [{} for _ in range(rounds)]
    for line in done.stdout.splitlines():
        one = json.loads(line)
        result[one["round"]][one["name"]] = {
            "cpu": one["cpu_ns"] / one["queries"] / 1000, "rate": one["queries"] / one["wall_ns"] * 1e9,
            "p50": one["p50_us"], "p95": one["p95_us"], "p99": one["p99_us"]}
    return result


def report(results, among, rounds, base, **labels):
    for one in among:
        labels["candidate"] = one.name
        results.add(PART, "queries a second", "/s", column(rounds, one.name, "rate"), **labels)
        if one.pid == 0:
            for figure in ("p50", "p95", "p99"):
                results.add(PART, f"latency {figure}", "us", column(rounds, one.name, figure), **labels)
            continue
        results.add(PART, "CPU a query", "us", column(rounds, one.name, "cpu"), **labels)
        results.add(PART, "CPU of haproxy's", "", ratios(rounds, one.name, base, "cpu"), **labels)
        for figure in ("p50", "p95", "p99"):
            added = [each[one.name][figure] - each["direct"][figure] for each in rounds]
            results.add(PART, f"added latency {figure}", "us", added, **labels)


def run(suite, results):
    folder = suite.new_folder("rig")
    server = CannedServer(suite, folder, suite.mariadb())
    among = candidates(suite, folder, server)
    try:
        for one in among:
            one.start()
        for clients in suite.pick(CLIENTS, (1, 8)):
            for prepared in (False, True):
                rounds = slices(suite, among, clients, prepared, suite.pick(60, 2), suite.pick(40, 20))
                report(results, among, rounds, "haproxy", clients=clients, how="prepared" if prepared else "text")
    finally:
        for one in among:
            one.stop()
        server.stop()
