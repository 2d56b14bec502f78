"""Links that fail at every boundary of packets, on both sides of the proxy.

What holds: a client gets its answer or a proper error, and soon; what it was told is done; nothing is done twice;
the server connection is discarded or clean, so that the next client is served as ever; and nothing is left behind.

Each conversation is run once undisturbed through a relay (harness/faults.py), which shows its packets; then once for each
packet and fault. CI takes a part of these, by FAULTS_SEED; FAULTS=all takes them all.
"""

import contextlib
import itertools
import os
import queue
import random
import re
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

import pytest

from harness import wire
from harness.accounts import Account
from harness.faults import DELAY, DOWN, DUPLICATE, HALF_CLOSE, KINDS, STALL, TRUNCATE, UP, Fault, FaultRelay
from harness.load import Refused, Wrong
from harness.plugins import CACHING_SHA2, NATIVE, Login, any_certificate
from harness.process import wait_until
from harness.wire import Closed, Err

POOLINGS = ("session", "transaction")
#: Lanes of each kind that run side by side.
WIDTH = 2
#: seconds; a client that hears nothing for so long hangs
PATIENCE = 20.0
#: of the proxy
#: Long enough for a busy machine to be in time where nothing is silent.
CONNECT_TIMEOUT, SERVER_TIMEOUT, HANDSHAKE_TIMEOUT = 5, 4, 10
#: CI: one of so many cases
SHARE = 1 if os.environ.get("FAULTS") == "all" else 8
SEED = os.environ.get("FAULTS_SEED", "1")

LINK_FAILED, OUT_OF_ORDER, SILENT = 1158, 1156, 1159
TLS = any_certificate()
tags = itertools.count(1)


# --- what a client does


class Client:
    """A conversation in progress. `said` is what the server has acknowledged: (tag, part)."""

    def __init__(self, lane, port, tag):
        self.lane, self.port, self.tag = lane, port, tag
        self.tried, self.said = set(), set()
        self.wire = None
        self.in_login = True
        #: A user variable is its session's alone.
        self.leaves_traces = False
        #: The last command has no answer, so that a server that is lost by it is lost between two commands.
        self.nothing_due = False

    def log_in(self):
        login = Login(self.lane.account.name, self.lane.account.password, self.lane.plugin, TLS if self.lane.tls else None,
                      schema=b"test", capabilities=wire.USUAL)
        self.wire, last = login.run(self.port)
        self.wire.socket.settimeout(PATIENCE)
        self.check(last)
        self.in_login = False

    def check(self, packet):
        err = Err.of(packet)
        if err:
            raise Refused(err)
        return packet

    def expect(self, got, wanted):
        if got != wanted:
            raise Wrong(f"{got!r} in place of {wanted!r}")

    def rows(self):
        """Of one text result."""
        columns = self.check(self.wire.read())[0]
        if not columns:
            raise Wrong("an OK in place of rows")
        for _ in range(columns + 1):
            self.check(self.wire.read())
        rows = []
        while True:
            row = self.check(self.wire.read())
            if row[0] == 0xFE and len(row) < 9:
                return rows, struct.unpack_from("<H", row, 3)[0]
            rows.append(row)

    def ask(self, text):
        """A value that nobody else asks for."""
        self.wire.query(f"SELECT '{text} of {self.tag}'")
        rows, _ = self.rows()
        wanted = f"{text} of {self.tag}".encode()
        self.expect(rows, [bytes([len(wanted)]) + wanted])

    def do(self, sql):
        self.wire.query(sql)
        self.expect(self.check(self.wire.read())[:1], b"\x00")

    def insert(self, part):
        self.tried.add(part)
        self.do(f"INSERT INTO test.faults VALUES ({self.tag}, {part})")

    def quit(self):
        self.wire.command(wire.COM_QUIT)
        self.wire.closed()


def login(client):
    client.log_in()
    client.quit()


def query(client):
    client.log_in()
    client.ask("one")
    client.insert(1)
    client.said.add(1)
    client.wire.command(wire.COM_PING)
    client.check(client.wire.read())
    client.ask("two")
    client.quit()


def prepared(client):
    client.log_in()
    text = f"three of {client.tag}".encode()
    client.wire.command(wire.COM_STMT_PREPARE, b"SELECT ?, 7")
    ok = client.check(client.wire.read())
    statement = ok[1:5]
    for _ in range(1 + 1 + 2 + 1):  # the definitions, and an EOF behind each kind
        client.check(client.wire.read())
    for _ in range(2):
        client.wire.command(wire.COM_STMT_EXECUTE,
                            statement + b"\0\x01\0\0\0" + b"\0\x01\xfe\0" + bytes([len(text)]) + text)
        client.expect(client.check(client.wire.read()), b"\x02")
        for _ in range(3):
            client.check(client.wire.read())
        row = client.check(client.wire.read())
        client.expect(row[2:3 + len(text)], bytes([len(text)]) + text)
        client.check(client.wire.read())
    client.wire.command(wire.COM_STMT_RESET, statement)
    client.check(client.wire.read())
    client.wire.command(wire.COM_STMT_CLOSE, statement)
    client.nothing_due = True
    client.ask("four")
    client.nothing_due = False
    client.quit()


def transaction(client):
    client.log_in()
    client.do("BEGIN")
    client.insert(1)
    client.insert(2)
    client.ask("five")
    client.do("COMMIT")
    client.said |= {1, 2}
    client.ask("six")
    client.quit()


def result(client):
    client.log_in()
    lengths = [10, 3000, 70000, 200]
    union = " UNION ALL ".join(f"SELECT {client.tag}, REPEAT('x', {length})" for length in lengths)
    client.wire.query(f"{union}; SELECT 'seven of {client.tag}'")
    rows, status = client.rows()
    tag = str(client.tag).encode()
    client.expect([row[:1 + len(tag)] for row in rows], [bytes([len(tag)]) + tag] * len(lengths))
    client.expect([len(row) - len(tag) - 1 for row in rows], [11, 3003, 70004, 201])
    client.expect(status & 8, 8)
    rows, _ = client.rows()
    client.expect(rows[0][1:], f"seven of {client.tag}".encode())
    client.quit()


def change_user(client):
    client.log_in()
    client.leaves_traces = True
    client.do(f"SET @mine = {client.tag}")
    account = client.lane.account
    change = Login(account.name, account.password, client.lane.plugin, schema=b"test2")
    client.check(change.change_user(client.wire, tls=client.lane.tls))
    client.wire.query("SELECT CONCAT(DATABASE(), IFNULL(@mine, ' nothing'))")
    rows, _ = client.rows()
    client.expect(rows, [b"\x0dtest2 nothing"])
    client.ask("eight")
    client.quit()


def reset(client):
    client.log_in()
    client.leaves_traces = True
    client.do(f"SET @mine = {client.tag}")
    client.wire.command(wire.COM_RESET_CONNECTION)
    client.check(client.wire.read())
    client.wire.query("SELECT IFNULL(@mine, 'nothing')")
    rows, _ = client.rows()
    client.expect(rows, [b"\x07nothing"])
    client.quit()


CONVERSATIONS = {"clear": [login, query, prepared, transaction, result, change_user, reset],
                 "tls": [login, query, change_user], "sha2": [login, change_user]}

# --- where it does it


@dataclass
class Lane:
    """An account, a pool with one server entry, and a relay on each side: whatever fails here fails nobody else."""

    kind: str
    pooling: str
    number: int
    account: Account = None
    plugin: bytes = NATIVE
    tls: bool = False
    front: FaultRelay = None
    back: FaultRelay = None
    proxy_port: int = 0
    failures: list = field(default_factory=list)
    traced: list = field(default_factory=list)

    @property
    def name(self):
        return f"{self.kind}_{self.pooling}_{self.number}"

    def relay(self, side):
        return self.front if side == "client" else self.back

    def run(self, conversation, side, fault):
        """One conversation with a fault. What was not as it should be is added to the failures."""
        client = Client(self, self.front.port if side == "client" else self.proxy_port, next(tags))
        relay = self.relay(side)
        relay.set(fault)
        begun = time.monotonic()
        try:
            conversation(client)
            outcome = "answered"
        except Refused as refused:
            outcome = refused.err
        except (Closed, ssl.SSLError, OSError) as error:
            outcome = "hangs" if isinstance(error, TimeoutError) else "closed"
        except (Wrong, AssertionError, IndexError, ValueError) as error:
            # An ERR that nobody asked for counts from 0.
            outcome = "closed" if str(error) == "packet 0 where 1 was due" else f"wrong: {error!r}"
        finally:
            happened = not relay.pending()
            self.traced = list(relay.trace)
            if client.wire:
                client.wire.close()
            relay.set()
            if fault and fault.kind == STALL:
                relay.drop()
        took = time.monotonic() - begun
        where = f"{self.name} {conversation.__name__}, {side} side, {fault}: {outcome} after {took:.1f} s"
        if not self.proper(outcome, client, side, fault, happened):
            self.failures.append(where)
        try:
            self.check_good_client()
        except Exception as error:  # whatever it is: the case is what has to be known
            self.failures.append(f"{where}; then a good client had {error!r}")
        return client

    def trace_of(self, conversation, side="server"):
        """The packets of an undisturbed conversation, on a connection that is there already if it can be."""
        self.run(conversation, side, None)
        self.run(conversation, side, None)
        return self.traced

    def proper(self, outcome, client, side, fault, happened):
        if outcome == "hangs":
            return False
        if fault is None or fault.kind == DELAY or not happened:
            return outcome == "answered"
        if side == "client":
            return True  # it was the client's own link
        if outcome == "answered":
            return fault.kind in (DUPLICATE, HALF_CLOSE) or client.said >= client.tried
        if isinstance(outcome, Err):
            return (outcome.code in (LINK_FAILED, OUT_OF_ORDER) or fault.kind == DUPLICATE
                    or (fault.kind == STALL and outcome.code == SILENT))
        if outcome == "closed":
            # Between two commands, of which one has no answer, or with half of a packet on its way to the client.
            # Or it was the proxy's own question, and what only this connection knew of the session is lost.
            return not client.in_login and (fault.kind == DUPLICATE or client.nothing_due
                                            or (fault.kind == TRUNCATE and fault.direction == DOWN)
                                            or (self.pooling == "transaction" and client.leaves_traces))
        # Where the proxy asks for several things at once an OK that comes twice passes for the next one's.
        return fault.kind == DUPLICATE and self.pooling == "transaction" and client.leaves_traces

    def check_good_client(self):
        good = Client(self, self.proxy_port, next(tags))
        # A connection that has just been lost may be found out by this one: never with something done twice.
        good.log_in()
        with good.wire:
            good.ask("good")
            good.insert(9)
            good.ask("as ever")
            good.quit()


@pytest.fixture(scope="module")
def lanes(secure_server, module_proxies):
    kinds = [kind for kind in CONVERSATIONS if kind != "sha2" or secure_server.flavor == "mysql"]
    made = [Lane(kind, pooling, number) for kind in kinds for pooling in POOLINGS
            for number in range(WIDTH if kind == "clear" else 1)]
    secure_server.ask("CREATE TABLE IF NOT EXISTS test.faults (tag BIGINT, part INT) ENGINE=InnoDB")
    tables = {"proxy": {"connect_timeout": f"{int(CONNECT_TIMEOUT * 1000)}ms", "handshake_timeout": f"{HANDSHAKE_TIMEOUT}s",
                        "server_timeout": f"{SERVER_TIMEOUT}s"},
              "pool.main": {"servers": [secure_server.name]},
              # What the checks say is not what this is about, and they would take faults from the clients.
              "health": {"interval": "1h", "fall": 100}}
    for lane in made:
        lane.account = Account(f"lane_{lane.name}", f"secret of {lane.name}")
        lane.plugin = CACHING_SHA2 if lane.kind == "sha2" else NATIVE
        # MySQL's plugin wants the password from time to time, and it is not to be seen.
        lane.tls = lane.kind != "clear"
        how = (f"VIA mysql_native_password USING PASSWORD('{lane.account.password}')" if secure_server.flavor == "mariadb"
               else f"WITH {lane.plugin.decode()} BY '{lane.account.password}'")
        secure_server.ask(f"CREATE USER '{lane.account.name}'@'%' IDENTIFIED {how}")
        for schema in ("test", "test2"):
            secure_server.ask(f"GRANT ALL ON {schema}.* TO '{lane.account.name}'@'%'")
        lane.back = FaultRelay(secure_server.port)
        tables[f"server.{lane.name}"] = {"address": lane.back.address, "tls": "required" if lane.tls else "disabled",
                                         "get_server_public_key": True}
        tables[f"pool.{lane.name}"] = {"servers": [lane.name], "pooling": lane.pooling}
        stored = secure_server.stored(lane.account.name) if lane.kind == "sha2" else lane.account.native_hash
        tables[f"user.{lane.account.name}"] = {"pool": lane.name, "hash": stored}
    proxy = module_proxies(secure_server, accounts=(), tables=tables)
    for lane in made:
        lane.proxy_port = proxy.port
        lane.front = FaultRelay(proxy.port)
    yield proxy, made
    for lane in made:
        lane.front.stop()
        lane.back.stop()
        secure_server.ask(f"DROP USER '{lane.account.name}'@'%'")
    secure_server.ask("DROP TABLE test.faults")


def faults_of(lane, conversation, side):
    """Every fault at every packet of the conversation."""
    trace = lane.trace_of(conversation, side)
    # A command that reaches its server twice has two answers, and nothing tells them apart from those to the next ones.
    # No network does that: what it loses and repeats TCP sorts out.
    return [Fault(kind, direction, at) for direction, at, _ in trace for kind in KINDS
            if not (kind == DUPLICATE and direction == UP and side == "server")]


def run_side_by_side(jobs):
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def sessions_of(server, lanes):
    names = ", ".join(f"'{lane.account.name}'" for lane in lanes)
    return server.ask(f"SELECT COUNT(*) FROM information_schema.processlist WHERE user IN ({names})")[0][0]


def wanted(case):
    """FAULTS_ONLY is a regular expression for what is looked into."""
    return re.search(os.environ.get("FAULTS_ONLY", ""), case)


class Tally:
    """What clients were told, and what the table has in the end."""

    def __init__(self):
        self.clients = []
        self.lock = threading.Lock()
        self.cases = 0

    def add(self, client, fault, side):
        with self.lock:
            self.cases += 1
            self.clients.append((client, fault, side))

    def check(self, server):
        rows = {}
        for tag, part, count in server.ask("SELECT tag, part, COUNT(*) FROM test.faults GROUP BY tag, part"):
            rows[tag, part] = count
        for client, fault, side in self.clients:
            twice = fault is not None and fault.kind == DUPLICATE and fault.direction == UP
            for part in client.tried:
                count = rows.get((client.tag, part), 0)
                if part in client.said and not count:
                    yield f"{client.tag}: what was acknowledged is lost after {fault}, {side} side"
                if count > 1 and not twice:
                    yield f"{client.tag}: done {count} times after {fault}, {side} side"
            if client.tried == {1, 2} and not twice and len({rows.get((client.tag, part), 0) for part in (1, 2)}) != 1:
                yield f"{client.tag}: half of a transaction after {fault}, {side} side"


def test_every_boundary(secure_server, lanes):
    """Each fault at each packet, in turn on every lane."""
    proxy, lanes = lanes
    chance = random.Random(SEED)
    print(f"FAULTS_SEED={SEED}")
    tally = Tally()
    jobs = []
    for kind, pooling in sorted({(lane.kind, lane.pooling) for lane in lanes}):
        own = [lane for lane in lanes if (lane.kind, lane.pooling) == (kind, pooling)]
        work = queue.SimpleQueue()
        for conversation in CONVERSATIONS[kind]:
            for side in ("client", "server"):
                for fault in faults_of(own[0], conversation, side):
                    if chance.randrange(SHARE) == 0 and wanted(f"{conversation.__name__} {side} {fault}"):
                        work.put((conversation, side, fault))

        def job(lane, work=work):
            while True:
                try:
                    conversation, side, fault = work.get_nowait()
                except queue.Empty:
                    return
                tally.add(lane.run(conversation, side, fault), fault, side)

        jobs += [lambda lane=lane, job=job: job(lane) for lane in own]
    before = proxy.child.descriptors()
    memory = proxy.child.resident()
    begun = time.monotonic()
    run_side_by_side(jobs)
    print(f"{tally.cases} cases in {time.monotonic() - begun:.0f} s, {(proxy.child.resident() - memory) >> 10} KiB more")
    failures = failures_of(lanes) + list(tally.check(secure_server))
    assert not failures, "\n".join([f"{len(failures)} of {tally.cases}"] + failures[:40])
    for lane in lanes:
        lane.front.drop()
        lane.back.drop()
    wait_until(lambda: sessions_of(secure_server, lanes) == 0, "the server's connections to be gone")
    wait_until(lambda: proxy.child.descriptors() <= before, "descriptors to be given back")


def failures_of(lanes):
    """Those of this test; the lanes are the next one's as well."""
    found = [failure for lane in lanes for failure in lane.failures]
    for lane in lanes:
        lane.failures.clear()
    return found


def lanes_of(lanes, pooling, kind="clear"):
    return [lane for lane in lanes if (lane.kind, lane.pooling) == (kind, pooling)]


def test_server_that_falls_silent(secure_server, lanes):
    """At every packet of the login and of what follows: connect_timeout, then server_timeout, ends the wait.

    One that stops in the middle of a row can't be told of; it is closed in front of the client as well.
    """
    proxy, lanes = lanes
    jobs = []
    for kind, pooling, conversations in (("clear", "session", [login, query, change_user]), ("clear", "transaction", [query, reset]),
                                         ("tls", "session", [login]), ("sha2", "session", [login])):
        own = lanes_of(lanes, pooling, kind)
        if not own:
            continue
        work = queue.SimpleQueue()
        for conversation in conversations:
            for direction, at, _ in own[0].trace_of(conversation):
                work.put((conversation, Fault(STALL, direction, at)))
        share = work.qsize() if SHARE == 1 else min(work.qsize(), 4 * len(own))
        chosen = random.Random(SEED).sample([work.get() for _ in range(work.qsize())], share)
        for number, lane in enumerate(own):
            jobs.append(lambda lane=lane, mine=chosen[number::len(own)]: [lane.run(conversation, "server", fault)
                                                                           for conversation, fault in mine])
    run_side_by_side(jobs)
    failures = failures_of(lanes)
    assert not failures, "\n".join(failures[:40])
    wait_until(lambda: sessions_of(secure_server, lanes) <= len(lanes), "the server's connections to be gone")


def test_client_that_falls_silent_in_its_login(secure_server, lanes):
    """handshake_timeout ends it, wherever it stopped; afterwards nothing of it is left."""
    proxy, lanes = lanes
    traces = [(lane, lane.trace_of(login, "client")) for lane in lanes if lane.pooling == "session"]
    time.sleep(0.2)  # the last of those are on their way out
    before = proxy.child.descriptors()
    for lane, trace in traces:
        # What the proxy waits for: its greeting's answer and all behind it, but for the COM_QUIT.
        waited = [(direction, at) for direction, at, _ in trace if direction == UP][:-1]
        for direction, at in [(DOWN, 0), *waited]:
            lane.front.set(Fault(STALL, direction, at))
            threading.Thread(target=silent_login, args=(lane,), daemon=True).start()
            wait_until(lambda lane=lane: not lane.front.pending(), "the login to stop")
    wait_until(lambda: proxy.child.descriptors() <= before + 1, "handshake_timeout", HANDSHAKE_TIMEOUT + 15)
    for lane in lanes:
        lane.front.drop()
        lane.check_good_client()


def silent_login(lane):
    client = Client(lane, lane.front.port, next(tags))
    with contextlib.suppress(Refused, Closed, OSError, AssertionError):
        client.log_in()
