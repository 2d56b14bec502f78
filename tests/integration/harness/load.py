"""Clients that write, read and misbehave through a proxy, and know what they were told.

Every row and every value has its client's tag, so that whatever reaches somebody else shows, and every client keeps
the numbers of the rows that were acknowledged, so that a lost one shows as well.
"""

import collections
import itertools
import random
import ssl
import threading
import time

from harness import wire
from harness.plugins import NATIVE, Login
from harness.wire import Closed, Err

TABLE = "CREATE TABLE IF NOT EXISTS test.load_rows (tag INT, number INT, KEY (tag)) ENGINE=InnoDB"
#: seconds; a client that hears nothing for so long hangs
PATIENCE = 30.0
tags = itertools.count(1)


class Refused(Exception):
    def __init__(self, err):
        super().__init__(f"ERR {err.code} {err.message}")
        self.err = err


class Wrong(Exception):
    """An answer that is not this client's, or to something else than what it has asked."""


class LoadClient(threading.Thread):
    """One client, until `over` is set. Connects anew when it has to, and now and then without need."""

    def __init__(self, port, account, seed, over, tls=None):
        super().__init__(daemon=True)
        self.port, self.account, self.over, self.tls = port, account, over, tls
        self.tag = next(tags)
        self.chance = random.Random(f"{seed} {self.tag}")
        self.numbers = itertools.count(1)
        #: rows: whose OK (of the COMMIT) came; that were sent; that belong together; that may not be there
        self.said, self.tried, self.pairs, self.unwanted = set(), set(), [], set()
        self.refusals = collections.Counter()
        self.wrongs = []
        self.done = 0
        self.lost = 0
        self.wire = None

    def run(self):
        acts = [self.echo, self.echo, self.insert, self.insert, self.transaction, self.look, self.prepared, self.variable,
                self.big, self.change_user, self.leave, self.vanish, self.vanish_in_result, self.rest]
        while not self.over.is_set():
            try:
                if self.wire is None:
                    self.log_in()
                self.chance.choice(acts)()
                self.done += 1
            except Refused as refused:
                self.refusals[refused.err.code, refused.err.message[:120]] += 1
                self.drop()
                self.over.wait(0.1)
            except TimeoutError:
                self.wrongs.append(f"client {self.tag} heard nothing for {PATIENCE} s")
                self.drop()
            except (Closed, ssl.SSLError, OSError):
                self.lost += 1
                self.drop()
                self.over.wait(0.02)
            except (Wrong, AssertionError, IndexError, ValueError) as error:
                # An ERR that nobody asked for counts from 0: the connection's end. In a login it counts from 1: its time
                # was over while the client's part was on its way.
                if str(error) == "packet 0 where 1 was due" or (self.wire is None and str(error) == "packet 1 where 2 was due"):
                    self.lost += 1
                else:
                    self.wrongs.append(f"client {self.tag}: {error!r}")
                self.drop()
        self.drop()

    def log_in(self):
        login = Login(self.account.name, self.account.password, NATIVE, self.tls, schema=b"test")
        self.wire, last = login.run(self.port)
        self.wire.socket.settimeout(PATIENCE)
        self.check(last)

    def drop(self):
        if self.wire:
            self.wire.close()
        self.wire = None

    def check(self, packet):
        err = Err.of(packet)
        if err:
            raise Refused(err)
        return packet

    def rows(self, sql):
        self.wire.query(sql)
        columns = self.check(self.wire.read())[0]
        if not columns:
            raise Wrong(f"an OK in answer to {sql}")
        for _ in range(columns + 1):
            self.check(self.wire.read())
        rows = []
        while True:
            row = self.check(self.wire.read())
            if row[0] == 0xFE and len(row) < 9:
                return rows
            rows.append(row)

    def value(self, sql, wanted):
        rows = self.rows(sql)
        text = wanted.encode()
        if rows != [bytes([len(text)]) + text]:
            raise Wrong(f"{rows!r} in answer to {sql}")

    def do(self, sql):
        self.wire.query(sql)
        if self.check(self.wire.read())[:1] != b"\x00":
            raise Wrong(f"no OK in answer to {sql}")

    def write(self):
        number = next(self.numbers)
        self.tried.add(number)
        self.do(f"INSERT INTO test.load_rows VALUES ({self.tag}, {number})")
        return number

    # --- what a client does

    def echo(self):
        number = self.chance.randrange(1 << 30)
        self.value(f"SELECT 'client {self.tag} asks {number}'", f"client {self.tag} asks {number}")

    def insert(self):
        self.said.add(self.write())

    def transaction(self):
        self.do("BEGIN")
        first = next(self.numbers)
        second = next(self.numbers)
        self.tried |= {first, second}
        self.pairs.append((first, second))
        for number in (first, second):
            self.do(f"INSERT INTO test.load_rows VALUES ({self.tag}, {number})")
        self.echo()
        if self.chance.random() < 0.3:
            self.unwanted |= {first, second}
            self.do("ROLLBACK")
        else:
            self.do("COMMIT")
            self.said |= {first, second}

    def look(self):
        """Its own rows, all that it was told of, and nobody else's."""
        row, = self.rows(f"SELECT COUNT(DISTINCT number), MIN(tag), MAX(tag) FROM test.load_rows WHERE tag = {self.tag}")
        count = int(row[1:1 + row[0]])
        if count < len(self.said):
            raise Wrong(f"{count} rows of the {len(self.said)} that were acknowledged")

    def prepared(self):
        text = f"client {self.tag} executes".encode()
        self.wire.command(wire.COM_STMT_PREPARE, b"SELECT ?")
        statement = self.check(self.wire.read())[1:5]
        for _ in range(4):
            self.check(self.wire.read())
        for _ in range(self.chance.randrange(1, 4)):
            self.wire.command(wire.COM_STMT_EXECUTE, statement + b"\0\x01\0\0\0" + b"\0\x01\xfe\0" + bytes([len(text)]) + text)
            for _ in range(3):
                self.check(self.wire.read())
            row = self.check(self.wire.read())
            if row[2:] != bytes([len(text)]) + text:
                raise Wrong(f"{row!r} of a prepared statement")
            self.check(self.wire.read())
        self.wire.command(wire.COM_STMT_CLOSE, statement)

    def variable(self):
        self.do(f"SET @mine = {self.tag}")
        for _ in range(3):
            self.value("SELECT @mine", str(self.tag))

    def big(self):
        size = self.chance.choice([3000, 70000, 1000000])
        row, = self.rows(f"SELECT {self.tag}, REPEAT('x', {size})")
        tag = str(self.tag).encode()
        if row[:1 + len(tag)] != bytes([len(tag)]) + tag or len(row) != 1 + len(tag) + size + (3 if size < 65536 else 4):
            raise Wrong(f"{len(row)} bytes for {size}")

    def change_user(self):
        change = Login(self.account.name, self.account.password, NATIVE, schema=b"test")
        self.do(f"SET @left = {self.tag}")
        self.check(change.change_user(self.wire, tls=self.tls is not None))
        if self.rows("SELECT @left") != [b"\xfb"]:
            raise Wrong("a variable outlives a change of user")

    def leave(self):
        self.wire.command(wire.COM_QUIT)
        self.drop()

    def vanish(self):
        if self.chance.random() < 0.5:
            self.do(f"SET @left = {self.tag}")
            self.do("BEGIN")
            number = next(self.numbers)
            self.tried.add(number)
            self.unwanted.add(number)
            self.do(f"INSERT INTO test.load_rows VALUES ({self.tag}, {number})")
        self.drop()

    def vanish_in_result(self):
        self.wire.query("SELECT REPEAT('x', 100000) FROM information_schema.collations a LIMIT 40")
        self.check(self.wire.read())
        self.wire.reset()
        self.wire = None

    def rest(self):
        self.over.wait(self.chance.random() * 0.05)


class Load:
    """Clients of several accounts side by side."""

    def __init__(self, port, accounts, clients, seed, tls=None):
        self.over = threading.Event()
        self.clients = [LoadClient(port, accounts[number % len(accounts)], seed, self.over, tls) for number in range(clients)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.over.set()
        for client in self.clients:
            client.join(PATIENCE + 10)

    def done(self):
        return sum(client.done for client in self.clients)

    def wait_for_progress(self, clients_each=2, timeout=60.0):
        """Until all of them have got on: what harmed them is over."""
        before = [client.done for client in self.clients]
        end = time.monotonic() + timeout
        while any(client.done < count + clients_each for client, count in zip(self.clients, before)):
            if time.monotonic() > end:
                late = [client for client, count in zip(self.clients, before) if client.done < count + clients_each]
                raise AssertionError(f"{len(late)} clients do not get on: {late[0].account.name} {late[0].refusals.most_common(3)}")
            time.sleep(0.02)

    def refusals(self):
        return sum((client.refusals for client in self.clients), collections.Counter())

    def faults(self, server, explained, clients=None):
        """What is not as it should be: answers to others, hanging, refusals with other codes than these, rows lost or doubled.

        `clients`: of all the loads on this server.
        """
        clients = clients or self.clients
        found = [wrong for client in clients for wrong in client.wrongs]
        refusals = sum((client.refusals for client in clients), collections.Counter())
        found += [f"{count} times ERR {code} {message}" for (code, message), count in refusals.items() if code not in explained]
        rows = collections.defaultdict(collections.Counter)
        for tag, number in server.ask("SELECT tag, number FROM test.load_rows"):
            rows[tag][number] += 1
        for client in clients:
            own = rows.pop(client.tag, {})
            if lost := client.said - set(own):
                found.append(f"client {client.tag} was told of {sorted(lost)[:5]}, {len(lost)} in all, which are lost")
            if foreign := set(own) - client.tried:
                found.append(f"rows {sorted(foreign)[:5]} are not client {client.tag}'s")
            if back := client.unwanted & set(own):
                found.append(f"rows {sorted(back)[:5]} of client {client.tag} were taken back")
            found += [f"row {number} of client {client.tag} is there {count} times" for number, count in own.items() if count > 1]
            found += [f"half of transaction {pair} of client {client.tag}" for pair in client.pairs
                      if (pair[0] in own) != (pair[1] in own)]
        found += [f"{sum(own.values())} rows of nobody, tag {tag}" for tag, own in rows.items()]
        return found
