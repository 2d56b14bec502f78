"""How long a program takes to its first greeting, or to its end, and how large it is."""

import shutil
import socket
import subprocess
import time

from candidates import LENDING, HaProxy, MysqlProxy, Nginx, Child
from measure import by_turns, column

PART = "start"
MIB = 2**20


def greeted(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return bool(connection.recv(1))
    except OSError:
        return False


def until_greeting(candidate):
    """Milliseconds until a client gets the first byte."""
    begin = time.monotonic()
    candidate.child = Child(candidate.command(), candidate.folder / "log", candidate.name)
    while not greeted(candidate.port):
        time.sleep(0.0005)
    spent = time.monotonic() - begin
    candidate.stop()
    return {"time": spent * 1000}


class Tool:
    """A program that says which version it is."""

    def __init__(self, path):
        self.name, self.path = path.name, path

    def run(self):
        begin = time.monotonic()
        subprocess.run([self.path, "--version"], check=True, stdout=subprocess.DEVNULL)
        return {"time": (time.monotonic() - begin) * 1000}


def size(results, path, stripped):
    results.add(PART, "size", "MiB", path.stat().st_size / MIB, program=path.name)
    subprocess.run(["strip", "-o", stripped, path], check=True)
    results.add(PART, "size, stripped", "MiB", stripped.stat().st_size / MIB, program=path.name)


def run(suite, results):
    folder = suite.new_folder("start")
    server = suite.mariadb()
    among = [HaProxy(folder, server), Nginx(folder, server),
             MysqlProxy(folder, server, suite.proxy, name="mysqlproxy", work=LENDING)]
    rounds = by_turns(among, suite.pick(11, 2), until_greeting)
    for one in among:
        results.add(PART, "time to the first greeting", "ms", column(rounds, one.name, "time"), program=one.name)
    tools = [Tool(path) for path in (suite.build / "cli/pcapdecode/pcapdecode", suite.build / "cli/mysqlprobe/mysqlprobe")
             if path.exists()]
    rounds = by_turns(tools, suite.pick(11, 2), Tool.run)
    for one in tools:
        results.add(PART, "time of --version", "ms", column(rounds, one.name, "time"), program=one.name)
    for path in (suite.proxy, *(tool.path for tool in tools)):
        size(results, path, folder / "stripped")
    for name in ("haproxy", "nginx"):
        found = shutil.which(name, path="/usr/sbin:/usr/bin")
        size(results, type(suite.proxy)(found), folder / "stripped")
