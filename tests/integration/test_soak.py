"""Many clients at once, for some seconds. tests/bench/soak.py has the large edition of this."""

import collections
import contextlib
import os
import random
import re
import threading
import time

import pymysql
import pytest

from harness.accounts import APP, Account
from harness.faults import CUT, DELAY, DOWN, HALF_CLOSE, RESET, STALL, TRUNCATE, UP, Fault, FaultRelay
from harness.load import TABLE, Load
from harness.process import wait_until
from harness.servers import MariaDb, MySql

IDLE = 150
BUSY = 16
SECONDS = 6


def connect(proxy):
    return pymysql.connect(host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password, database="test",
                           autocommit=True)


def be_busy(proxy, number, until, errors):
    """Queries of all sizes, on connections that last a while."""
    chance = random.Random(number)
    try:
        while time.monotonic() < until:
            connection = connect(proxy)
            with connection.cursor() as cursor:
                for _ in range(chance.randrange(1, 200)):
                    size = chance.choice([0, 1, 200, 3000, 70000, 1000000])
                    cursor.execute("SELECT %s, REPEAT('x', %s)", (number, size))
                    rows = cursor.fetchall()
                    if rows != ((number, "x" * size),):
                        errors.append(f"asked for {number} and {size} bytes, got something else")
                    if time.monotonic() > until:
                        break
            connection.close()
    except Exception as error:
        errors.append(repr(error))


def test_many_clients_and_reloads(server, own_proxies):
    proxy = own_proxies(server)
    before = proxy.child.descriptors()
    idle = [connect(proxy) for _ in range(IDLE)]
    errors = []
    until = time.monotonic() + SECONDS
    busy = [threading.Thread(target=be_busy, args=(proxy, number, until, errors)) for number in range(BUSY)]
    for thread in busy:
        thread.start()
    reloads = 0
    while time.monotonic() < until:
        assert "was reloaded" in proxy.reload()["message"]
        reloads += 1
        time.sleep(0.3)
    for thread in busy:
        thread.join()
    assert errors == []
    assert reloads > 1
    for connection in idle:
        connection.ping(reconnect=False)
        connection.close()
    # One more may be a health check under way.
    wait_until(lambda: proxy.child.descriptors() <= before + 1, "descriptors to go with their clients")
    endings = {(line["ended_by"], line["end"]) for line in proxy.accesses()}
    assert endings == {("client", "quit")}
    assert proxy.stop() == 0
    assert not re.search("Sanitizer|runtime error", proxy.log.read_text(errors="replace"))


# With faults: CI takes half a minute of it for each server, `tests/soak` half an hour.

SOAK_SECONDS = float(os.environ.get("SOAK_SECONDS", "25"))
SOAK_SEED = os.environ.get("SOAK_SEED") or str(random.randrange(1 << 32))
#: A pool for each kind of link and of pooling, each with its user.
LINKS = {f"{link}_{pooling}": (link, pooling) for link in ("steady", "failing") for pooling in ("session", "transaction")}
USERS = {name: Account(f"soak_{name}", f"secret of {name}") for name in LINKS}
#: What clients may be told while servers and links fail.
EXPLAINED = {1040, 1053, 1077, 1152, 1156, 1158, 1159, 1290, 1792, 1836, 1927, 3169, 1317, 2013}
#: What the log may say above "info" meanwhile.
EXPECTED_IN_LOG = re.compile(
    "closed the connection|does not take the session|has said nothing|broke the protocol|down since|lost a session|can't be followed|no server for pool"
    "|connection reset|Connection refused|connect_timeout|is full|Too many connections")


class Harm:
    """What happens to proxy, server and links, at random."""

    def __init__(self, server, proxy, relays, seed):
        self.server, self.proxy, self.relays = server, proxy, relays
        self.chance = random.Random(seed)
        self.counts = collections.Counter()

    def go_on(self):
        act = self.chance.choices([self.fault, self.reload, self.kill_sessions, self.stop_server, self.restart, self.refuse_writes],
                                  [30, 6, 6, 1, 1, 1])[0]
        self.counts[act.__name__] += 1
        act()
        time.sleep(self.chance.random() * 0.3)

    def fault(self):
        relay = self.chance.choice(self.relays)
        kinds = [DELAY, CUT, TRUNCATE, HALF_CLOSE, RESET]
        if relay is self.relays[0]:
            kinds.append(STALL)  # only the server is given up by somebody else
        relay.set(Fault(self.chance.choice(kinds), self.chance.choice([UP, DOWN]), self.chance.randrange(40)))

    def reload(self):
        assert "was reloaded" in self.proxy.reload()["message"]

    def kill_sessions(self):
        """Some of those that the server has."""
        try:
            for row in self.server.ask("SELECT id FROM information_schema.processlist WHERE user LIKE 'soak%'"):
                if self.chance.random() < 0.2:
                    with contextlib.suppress(pymysql.err.MySQLError):
                        self.server.ask(f"KILL {row[0]}")
        except pymysql.err.MySQLError as error:
            raise AssertionError(f"the server itself is not well: {error}") from None

    def stop_server(self):
        self.server.child.freeze()
        time.sleep(self.chance.random() * 3)
        self.server.child.thaw()

    def restart(self):
        if self.chance.random() < 0.5:
            self.server.kill()
        else:
            self.server.stop()
        time.sleep(self.chance.random())
        self.server.start(*DURABLE)

    def refuse_writes(self):
        self.server.ask("SET GLOBAL read_only = 1")
        time.sleep(self.chance.random())
        self.server.ask("SET GLOBAL read_only = 0")


DURABLE = ["--innodb-flush-log-at-trx-commit=2"]


@pytest.fixture(params=["mariadb", "mysql"])
def soaked_server(request, work, build):
    folder = work / f"soaked-{request.param}"
    server = MariaDb(folder) if request.param == "mariadb" else MySql(folder, build / "mysql8")
    try:
        server.create()
        server.stop()
        server.start(*DURABLE)
        server.ask(TABLE)
        for user in USERS.values():
            server.ask(server.create_user(user))
            server.ask(f"GRANT ALL ON test.* TO '{user.name}'@'%'")
        yield server
    finally:
        server.kill()


@pytest.fixture
def relays():
    made = []
    yield made
    for relay in made:
        relay.stop()


def test_soak_with_faults(soaked_server, own_proxies, relays):
    """Nothing that was acknowledged is lost, nobody gets what is another's, and memory and descriptors stay as they are."""
    print(f"SOAK_SEED={SOAK_SEED}")
    server = soaked_server
    relays.append(FaultRelay(server.port))
    tables = {"proxy": {"connect_timeout": "2s", "server_timeout": "3s", "handshake_timeout": "10s"},
              "server.failing": {"address": relays[0].address}, "pool.main": {"servers": [server.name]}}
    for name, (link, pooling) in LINKS.items():
        tables[f"pool.{name}"] = {"servers": [server.name if link == "steady" else "failing"], "pooling": pooling,
                                 **({"queue_timeout": "5s"} if pooling == "transaction" else {})}
        tables[f"user.{USERS[name].name}"] = {"pool": name, "native_hash": USERS[name].native_hash}
    proxy = own_proxies(server, accounts=(APP,), tables=tables)
    relays.append(FaultRelay(proxy.port))
    before = proxy.child.descriptors()
    steady = [USERS[name] for name, (link, _) in LINKS.items() if link == "steady"]
    harm = Harm(server, proxy, relays, SOAK_SEED)
    begun = time.monotonic()
    warm, reported = None, begun
    with Load(proxy.port, list(USERS.values()), 12, SOAK_SEED) as load, Load(relays[1].port, steady, 4, SOAK_SEED) as far:
        while time.monotonic() < begun + SOAK_SECONDS:
            harm.go_on()
            if warm is None and time.monotonic() > begun + SOAK_SECONDS / 4:
                warm = proxy.child.resident()
            if time.monotonic() > reported + 60:
                reported = time.monotonic()
                print(f"{reported - begun:.0f} s: {load.done() + far.done()} acts, {proxy.child.resident() >> 10} KiB, "
                      f"{proxy.child.descriptors()} descriptors", flush=True)
        for relay in relays:
            relay.set()
            relay.drop()
        load.wait_for_progress()
        far.wait_for_progress()
    loads = (load, far)
    print(f"{sum(one.done() for one in loads)} acts, harmed by {dict(harm.counts)}; "
          f"refused {dict((load.refusals() + far.refusals()).most_common(12))}")
    faults = load.faults(server, EXPLAINED, [client for one in loads for client in one.clients])
    faults += [f"log: {one['message']}" for one in proxy.messages()
               if one["level"] in ("warn", "error") and not EXPECTED_IN_LOG.search(one["message"])]
    assert not faults, f"SOAK_SEED={SOAK_SEED}\n" + "\n".join(faults[:30])
    # Those that are lent stay, idle.
    wait_until(lambda: proxy.child.descriptors() <= before + 2 * 16, "descriptors to go with their clients")
    grown = proxy.child.resident() - warm
    print(f"memory: {warm >> 10} KiB after a quarter of it, {grown >> 10} KiB more in the end")
    assert grown < 32 << 20
    assert proxy.stop() == 0
