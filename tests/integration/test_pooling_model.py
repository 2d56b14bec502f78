"""What a session answers may not depend on whose server connections it is lent.

Random programs (session_programs.py) are run by several clients at once through the proxy, over fewer server
connections than there are clients where it lends them, and each by itself directly. Every packet of every answer has
to be equal. A program for which it isn't is shrunk, and printed as a list of statements.

  POOLING_MODEL_SEED     another seed than the usual one; a failure names its own
  POOLING_MODEL_SECONDS  how long to go on with each server and way of pooling, 8 unless said
  POOLING_MODEL_ROUNDS   how many programs each client runs at most
  POOLING_MODEL_WAYS     which ways of pooling, by comma: "session,transaction" unless said
"""

import itertools
import os
import re
import socket
import threading
import time
from dataclasses import dataclass, field

import pytest

import session_programs
from harness import wire
from harness.accounts import APP, OTHER
from harness.exchange import Session, described, lenenc
from harness.wire import Closed
from session_programs import CLIENTS, Generator, names, text_of

SEED = os.environ.get("POOLING_MODEL_SEED", "1")
SECONDS = float(os.environ.get("POOLING_MODEL_SECONDS", "8"))
WAYS = os.environ.get("POOLING_MODEL_WAYS", "session,transaction").split(",")
ROUNDS = int(os.environ.get("POOLING_MODEL_ROUNDS", "100000"))
LENGTH = 14
#: How long may be spent on making a failing program smaller.
SHRINKING = 60.0

#: Ways of pooling, as what is added to the tables of the configuration.
POOLINGS = {
    "session": {},
    # Fewer connections than clients.
    "transaction": {"pool.main": {"pooling": "transaction"}, "server.{server}": {"max_connections": 3}},
}

#: What the clients can do, one set after the other.
CAPABILITIES = [wire.USUAL, wire.USUAL | wire.DEPRECATE_EOF, wire.USUAL | wire.SESSION_TRACK | wire.DEPRECATE_EOF, wire.USUAL | wire.FOUND_ROWS,
                wire.USUAL | wire.SESSION_TRACK]


#: Sent first in each session: what FOUND_ROWS() is before any SELECT depends, with MariaDB, on who had the thread before.
DEFINED = b"SELECT 'begin'"


def capabilities_of(client):
    return CAPABILITIES[client % len(CAPABILITIES)]


#: How the proxy says that a server has closed a connection, for which a client of the server is just closed.
LOST = re.compile(rb"^\xff\x86\x04#08S01server .* closed the connection")


class Ground:
    """The schemas of one client on a server, brought back to their beginning before each program."""

    #: What of a program changes more than rows.
    LASTING = (b"ALTER TABLE t", b"made", b"seen")

    def __init__(self, server, client):
        self.client = client
        self.schema, self.other = names(client)
        self.admin = server.admin()
        self.run("SET lock_wait_timeout = 30, innodb_lock_wait_timeout = 30")
        for name in (self.schema, self.other):
            self.run(f"DROP DATABASE IF EXISTS {name}")
            self.run(f"CREATE DATABASE {name}")
            for statement in session_programs.routines(name):
                self.run(statement)
        self.fresh = False

    def close(self):
        for name in (self.schema, self.other):
            self.run(f"DROP DATABASE IF EXISTS {name}")
        self.admin.close()

    def run(self, statement):
        with self.admin.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def restore(self, program):
        """To be called before each run of a program."""
        self.end_transactions()
        if not self.fresh:
            self.rebuild()
        else:
            for name in (self.schema, self.other):
                self.run(f"DELETE FROM {name}.child")
                self.run(f"DELETE FROM {name}.t")
                self.run(session_programs.rows(name))
                self.run(f"ALTER TABLE {name}.t AUTO_INCREMENT = 4")
        self.fresh = not any(part in argument for step in program for argument in step if isinstance(argument, bytes)
                             for part in self.LASTING)

    def rebuild(self):
        for name in (self.schema, self.other):
            self.run(f"DROP VIEW IF EXISTS {name}.seen")
            self.run("DROP TABLE IF EXISTS " + ", ".join(f"{name}.made{digit}" for digit in (1, 2, 3)))
        for statement in session_programs.tables(self.schema, self.other):
            self.run(statement)

    def end_transactions(self):
        """Those of XA outlive their connection."""
        for _, name_size, branch_size, data in self.run("XA RECOVER"):
            data = data.encode() if isinstance(data, str) else data
            if data[:name_size] == self.schema.encode():
                branch = data[name_size:name_size + branch_size].decode()
                self.run(f"XA ROLLBACK '{self.schema}', '{branch}'")


#: The definition of a user variable's column, up to its character set.
VARIABLE = re.compile(rb"\x03def\0\0\0.@[^@][^\0]*\0\x0c", re.DOTALL)


def is_null(packets, column, binary):
    """Whether a column is NULL in all rows of an answer with one result. Short values have one byte of length."""
    cells = [packet for packet in packets[packets[0][0] + 1:] if packet[:1] not in (b"\xfe", b"\xff")]
    if binary:
        return all(row[1 + (column + 2) // 8] & 1 << (column + 2) % 8 for row in cells)
    for row in cells:
        at = 0
        for _ in range(column):
            size, at = lenenc(row, at)
            at += size or 0
        if row[at] != 0xFB:
            return False
    return True


#: MariaDB counts rows from one statement to the next where it converts the argument of a procedure, so that the number is
#: that of whatever ran before on the connection.
ROW_OF_ARGUMENT = re.compile(rb"(for column ``\.``\.`\w+` at row )\d+")

#: In an OK: that nothing but the schema has changed.
SCHEMA_AGAIN = re.compile(rb"(\0..)(.)(.)(..)\0.\x01.[^\0]*", re.DOTALL)


def without_schema(packet):
    """An OK that says nothing of the schema; any other packet as it is."""
    found = SCHEMA_AGAIN.fullmatch(packet)
    return found[1] + found[2] + bytes([found[3][0] & ~0x40]) + found[4] if found else packet


def alike(direct, proxied, binary, executed):
    """Equal answers, but for what docs/pooling.md says: the description of user variables that are NULL, a schema that is
    named once more, and the row that the argument of a procedure is said to be in."""
    if direct == proxied:
        return True
    if len(direct) != len(proxied):
        return False
    for number, (one, other) in enumerate(zip(direct, proxied)):
        if ROW_OF_ARGUMENT.sub(rb"\1", one) != ROW_OF_ARGUMENT.sub(rb"\1", other) and not (executed and one == without_schema(other)):
            begin = VARIABLE.match(one)
            known = begin and VARIABLE.match(other) and begin[0] == VARIABLE.match(other)[0]
            if not known or not is_null(direct, number - 1, binary):
                return False
    return True


def without_plan(packet):
    """MySQL reads the tables of its dictionary by an index or without one (SERVER_QUERY_NO_INDEX_USED), as it guesses at
    that moment how big they are. EOFs and OKs have their flags in the same place."""
    return packet[:3] + bytes([packet[3] & ~0x20]) + packet[4:] if packet[:1] == b"\xfe" and 5 <= len(packet) < 9 else packet


#: Some clients ask for it at once, so that who lends connections knows that they want to know.
OF_LAST_STATEMENT = b"FOUND_ROWS()"


def asks_back(client):
    return client % 2 == 0


def is_comparable(client, step):
    """What FOUND_ROWS() is behind a statement without rows is not known for who has never asked: docs/pooling.md."""
    return asks_back(client) or not any(OF_LAST_STATEMENT in one for one in step if isinstance(one, bytes))


def begin(session, client):
    return session.query(DEFINED) + (session.query(b"SELECT FOUND_ROWS()") if asks_back(client) else [])


def run(port, client, program, own_connection):
    """The answer to each step. The last one is how the connection ended, if it did."""
    answers = []
    with Session(port, APP, capabilities_of(client), names(client)[0].encode()) as session:
        answers.append([session.login])
        if session.login[:1] != b"\0":
            return answers
        try:
            answers[-1] += begin(session, client)
            for name, *arguments in program:
                if not own_connection and not is_comparable(client, arguments):
                    answers.append([])
                    continue
                answers.append(getattr(session, name)(*arguments))
                if name in ("reset_connection", "change_user") and answers[-1][-1][:1] == b"\0":
                    answers[-1] += begin(session, client)
                if LOST.search(answers[-1][-1] if answers[-1] else b""):
                    raise Closed
            session.quit()
        except Closed:
            if answers and LOST.search(answers[-1][-1] if answers[-1] else b""):
                answers.pop()
            answers.append([b"closed"])
        except TimeoutError:
            answers.append([b"no answer"])
    return answers


@dataclass
class Difference:
    client: int
    program: list
    direct: list
    proxied: list

    @staticmethod
    def between(client, program, direct, proxied, exact):
        """None where there is none. The login's answer comes before those of the steps."""
        for number, (one, other) in enumerate(zip(direct, proxied)):
            binary = number > 0 and program[number - 1][0] == "execute"
            if number > 0 and program[number - 1] == ("query", b"SHOW TABLES"):
                one, other = ([without_plan(packet) for packet in packets] for packets in (one, other))
            executed = any(step[0] == "execute" for step in program[:number])
            if not (one == other if exact else alike(one, other, binary, executed)):
                return Difference(client, program[:number], one, other)
        if len(direct) != len(proxied):
            return Difference(client, program, direct[len(proxied):], proxied[len(direct):])
        return None

    def __str__(self):
        lines = [f"{text_of(step)};" for step in self.program]
        same = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(self.direct, self.proxied))))
        for title, packets in (("directly", self.direct), ("through the proxy", self.proxied)):
            lines += [f"    {title}, behind {same} packets that are equal:"] + [f"        {described(one)}" for one in packets[same:same + 10]]
        return "\n".join(lines)


@dataclass
class Model:
    server: object
    proxy: object
    seed: str
    until: float
    own_connection: bool = True
    failed: threading.Event = field(default_factory=threading.Event)
    differences: list = field(default_factory=list)
    broken: list = field(default_factory=list)
    programs: int = 0
    grounds: list = field(default_factory=list)

    def compare(self, client, program):
        ground = self.grounds[client]
        ground.restore(program)
        direct = run(self.server.port, client, program, self.own_connection)
        ground.restore(program)
        return Difference.between(client, program, direct, run(self.proxy.port, client, program, self.own_connection), self.own_connection)

    def go_on(self, client, stop):
        """The programs of one client, until there is a difference in one of them or of another client's."""
        generator = Generator(self.seed, self.server.flavor, client)
        try:
            for _ in range(ROUNDS):
                if stop():
                    return
                program = generator.program(generator.random.randrange(1, LENGTH * 2))
                difference = self.compare(client, program)
                self.programs += 1
                if difference:
                    self.differences.append(difference)
                    self.failed.set()
        except Exception as error:
            self.broken.append(error)
            self.failed.set()

    def run(self, clients, stop):
        threads = [threading.Thread(target=self.go_on, args=(client, stop)) for client in clients]
        for thread in threads:
            thread.start()
        return threads

    def check(self):
        try:
            # All of them before anybody looks for those of the others.
            for client in range(CLIENTS):
                self.grounds.append(Ground(self.server, client))
            self.go()
        finally:
            for ground in self.grounds:
                ground.close()

    def go(self):
        for thread in self.run(range(CLIENTS), lambda: self.failed.is_set() or time.monotonic() > self.until):
            thread.join()
        if self.broken:
            raise self.broken[0]
        if self.differences:
            smallest = min(self.differences, key=lambda one: len(one.program))
            pytest.fail(f"with POOLING_MODEL_SEED={self.seed}, client {smallest.client}:\n{self.shrunk(smallest)}", pytrace=False)

    def shrunk(self, difference):
        """The same with as few steps as it takes, first by itself, else while the other clients go on."""
        deadline = time.monotonic() + SHRINKING
        alone = self.smaller(difference, 1, deadline)
        if alone:
            return f"{alone}\n(alone, too)"
        over = threading.Event()
        threads = self.run([client for client in range(CLIENTS) if client != difference.client], over.is_set)
        try:
            crowded = self.smaller(difference, 4, deadline)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        return f"{crowded or difference}\n({'only' if crowded else 'once,'} while other clients are busy)"

    def smaller(self, difference, attempts, deadline):
        """A difference that is left when steps are left out; None when there is none at all."""

        def still(program):
            found = None
            for _ in range(attempts):
                if not found and time.monotonic() < deadline:
                    found = self.compare(difference.client, program)
            return found

        best = still(difference.program)
        size = len(best.program) // 2 if best else 0
        while size:
            at = 0
            while at < len(best.program):
                found = still(best.program[:at] + best.program[at + size:])
                if found:
                    best = found
                else:
                    at += size
            size //= 2
        return best


class Forgetful:
    """Passes everything on, but for a setting that it makes its opposite."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            for one, other, change in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.pass_on, args=(one, other, change), daemon=True).start()

    @staticmethod
    def pass_on(source, target, change):
        try:
            while data := source.recv(1 << 16):
                target.sendall(data.replace(b"unique_checks = 0", b"unique_checks = 1") if change else data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


def tables(server, pooling):
    """It is about sessions, and a busy machine is no reason to take a server for dead."""
    basis = {"health": {"interval": "5s", "timeout": "60s"}, f"server.{server.name}": {"tls": "disabled"}}
    more = {name.format(server=server.name): table for name, table in POOLINGS[pooling].items()}
    return {name: {**basis.get(name, {}), **more.get(name, {})} for name in {**basis, **more}}


@pytest.fixture(scope="module")
def grants(mariadb, mysql):
    for server in (mariadb, mysql):
        for account in (APP, OTHER):
            server.ask(f"GRANT ALL ON `model%`.* TO '{account.name}'@'%'")


@pytest.mark.parametrize("pooling", WAYS)
def test_equal_answers(server, own_proxies, grants, pooling):
    proxy = own_proxies(server, tables=tables(server, pooling))
    model = Model(server, proxy, SEED, time.monotonic() + SECONDS, pooling == "session")
    model.check()
    print(f"{model.programs} programs")
    assert model.programs


def test_programs_are_those_of_their_seed():
    def made(seed):
        generator = Generator(seed, "mysql", 3)
        return [generator.program(20) for _ in range(20)]

    assert made("1") == made("1") != made("2")


def test_a_difference_is_found_and_shrunk(mysql, own_proxies, grants):
    """A proxy that changes one variable of its own accord stands in for one that forgets."""
    forgetful = Forgetful(own_proxies(mysql, tables=tables(mysql, "session")).port)
    try:
        with pytest.raises(pytest.fail.Exception) as failure:
            Model(mysql, forgetful, SEED, time.monotonic() + 120).check()
    finally:
        forgetful.close()
    said = str(failure.value)
    steps = [line for line in said.splitlines() if line.endswith(";")]
    assert "unique_checks = 0;" in said and len(steps) <= 4 and "alone, too" in said, said
