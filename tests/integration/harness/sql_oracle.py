"""Runs statements on a server and tells what it did: for comparing with what mysqlwire says of them."""

import re
import subprocess
from dataclasses import dataclass, field

import pymysql

from harness.process import Failure

IN_TRANSACTION = 0x0001
STATE_CHANGED = 0x4000
SESSION_TRACK = 1 << 23
COM_PING, COM_RESET_CONNECTION = 14, 31
LOST = (2006, 2013)

# What statements work on. Made anew whenever one has changed it.
SCHEMA = """
DROP DATABASE IF EXISTS cls;
DROP DATABASE IF EXISTS cls2;
CREATE DATABASE cls;
USE cls;
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b INT, c VARCHAR(50), KEY a (a));
CREATE TABLE u (id INT PRIMARY KEY, a INT, b VARCHAR(50));
CREATE TABLE log (n INT AUTO_INCREMENT PRIMARY KEY, x INT);
CREATE TABLE g (id INT PRIMARY KEY, a INT);
CREATE VIEW v AS SELECT id, a FROM t;
CREATE FUNCTION f_read(x INT) RETURNS INT DETERMINISTIC RETURN x + 1;
CREATE FUNCTION f_write(x INT) RETURNS INT DETERMINISTIC BEGIN INSERT INTO log (x) VALUES (x); RETURN x; END;
CREATE PROCEDURE p_read() SELECT COUNT(*) FROM t;
CREATE PROCEDURE p_write() INSERT INTO log (x) VALUES (1);
CREATE PROCEDURE p_commit() COMMIT;
CREATE PROCEDURE p_rollback() ROLLBACK;
CREATE PROCEDURE p_begin() START TRANSACTION;
CREATE PROCEDURE p_var() SET @a = 77;
CREATE PROCEDURE p_arg(IN x INT, OUT y INT) SET y = x;
CREATE TRIGGER g_insert BEFORE INSERT ON g FOR EACH ROW INSERT INTO log (x) VALUES (NEW.id);
DROP USER IF EXISTS cls_user@localhost, n15@localhost, n15;
DROP ROLE IF EXISTS cls_role, n16, n17;
CREATE USER cls_user@localhost;
CREATE ROLE cls_role;
GRANT cls_role TO root@localhost;
"""
SCHEMA_OF_MARIADB = "CREATE SEQUENCE s; CREATE TABLE sys_versioned (a INT) WITH SYSTEM VERSIONING;"
ROWS = """
SET foreign_key_checks = 0;
DELETE FROM cls.t; DELETE FROM cls.u; DELETE FROM cls.log; DELETE FROM cls.g;
INSERT INTO cls.t (id, a, b, c) VALUES (1, 1, 1, 'x'), (2, 2, 2, 'y'), (3, 3, 3, 'z');
INSERT INTO cls.u (id, a, b) VALUES (1, 1, 'x'), (2, 2, 'y'), (5, 5, 'z');
INSERT INTO cls.g (id, a) VALUES (1, 1);
DELETE FROM cls.log;
"""
TABLES = "cls.t, cls.u, cls.log, cls.g"
PREPARED = """
PREPARE ps_read FROM 'SELECT COUNT(*) FROM t';
PREPARE ps_write FROM 'INSERT INTO log (x) VALUES (1)';
PREPARE ps_var FROM 'SET @a = 78';
PREPARE ps_ddl FROM 'CREATE TABLE n1 (id INT)';
PREPARE ps_arg FROM 'SELECT ?';
SET @sql = 'SELECT 5', @a = NULL
"""


@dataclass(frozen=True)
class Statement:
    sql: str
    servers: tuple
    sql_mode: str


def read_statements(path):
    """The statements of a list, with the servers and the sql_mode of their section."""
    servers, mode, found = ("mariadb", "mysql"), "", []
    for line in path.read_text().splitlines():
        if line.startswith("## "):
            parts = [part.strip() for part in line[3:].split("|")]
            servers = next(((part,) for part in parts if part in ("mariadb", "mysql")), ("mariadb", "mysql"))
            mode = next((part.split("=", 1)[1] for part in parts if part.startswith("sql_mode=")), "")
        elif line.strip() and not line.startswith("#"):
            found.append(Statement(line, servers, mode))
    return found


def describe(program, texts):
    """What mysqlwire says: a dictionary for each (flavor, version, sql_mode, charset, bytes of a statement)."""
    import json
    lines = "".join(f"{flavor} {version} {mode or '-'} {charset} {sql.hex()}\n" for flavor, version, mode, charset, sql in texts)
    done = subprocess.run([str(program)], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines()]


@dataclass
class Outcome:
    """What one statement did in one session."""

    errors: list = field(default_factory=list)
    results: int = 0
    coms: dict = field(default_factory=dict)
    lost: bool = False
    in_transaction: bool = False
    state_changed: bool = False

    @property
    def error(self):
        return self.errors[0] if self.errors else 0


class Session(pymysql.connections.Connection):
    """A connection that keeps what the server says of the session's state."""

    def __init__(self, server):
        super().__init__(unix_socket=str(server.socket), user="root", client_flag=SESSION_TRACK | 1 << 16, read_timeout=20, autocommit=True,
                         charset="utf8mb4")

    def text(self, sql):
        """All results of a text; raises at its first error."""
        rows = None
        self.query(sql)
        rows = self._result.rows
        while self._result.has_next:
            self.next_result()
            rows = self._result.rows
        return rows

    def command(self, number):
        self._execute_command(number, b"")
        return self._read_ok_packet()

    def coms(self):
        return {name: int(value) for name, value in self.text("SHOW SESSION STATUS LIKE 'Com\\_%'")}

    def counted_since(self, before):
        try:
            after = self.coms()
        except pymysql.err.MySQLError:
            return {}  # behind XA END
        counted = {name: count - before[name] for name, count in after.items() if count > before.get(name, 0)}
        for name in ("Com_show_status", "Com_admin_commands"):  # the questions themselves
            if counted.get(name) == 1:
                del counted[name]
        return counted

    def values(self):
        """What statements of the list leave behind in a session, in so far as a question can tell."""
        try:
            return self.text("SELECT @a, @b, @`a b`, @`a.b`, @x, @y, LAST_INSERT_ID(), DATABASE(), IS_USED_LOCK('cls'), @@sql_mode, "
                             "@@autocommit, @@character_set_client, @@time_zone")
        except pymysql.err.MySQLError as error:
            return error.args

    def judge(self, sql, count=True):
        """Runs a statement, whatever it does."""
        outcome = Outcome()
        before = self.coms() if count else {}
        try:
            try:
                self.query(sql)
                while True:
                    outcome.results += 1
                    outcome.state_changed |= self.says_changed(self._result)
                    if not self._result.has_next:
                        break
                    self.next_result()
            except pymysql.err.MySQLError as error:
                if error.args[0] in LOST or not self.open:
                    raise
                outcome.errors.append(error.args[0])
            ping = self.command(COM_PING)
            outcome.in_transaction = bool(ping.server_status & IN_TRANSACTION)
            outcome.state_changed |= bool(ping.server_status & STATE_CHANGED)
            if count:
                outcome.coms = self.counted_since(before)
        except (pymysql.err.MySQLError, OSError, AttributeError, TypeError) as error:
            if isinstance(error, pymysql.err.MySQLError) and error.args[0] not in LOST and self.open:
                raise
            outcome.lost = True
        return outcome

    @staticmethod
    def says_changed(result):
        return bool((result.server_status or 0) & STATE_CHANGED)


class Oracle:
    """One server with the schema of the statements."""

    def __init__(self, server):
        self.server = server
        self.flavor = server.flavor
        self.admin = Session(server)
        self.version = self.number(self.admin.text("SELECT VERSION()")[0][0])
        self.admin.text("CREATE DATABASE IF NOT EXISTS marker; CREATE TABLE IF NOT EXISTS marker.m (n INT PRIMARY KEY)")
        self.admin.text("SET GLOBAL log_bin_trust_function_creators = 1")
        self.markers = 0
        self.rebuilds = 0
        self.rebuild()
        self.session = None

    @staticmethod
    def number(version):
        major, minor, patch = re.match(r"(\d+)\.(\d+)\.(\d+)", version).groups()
        return int(major) * 10000 + int(minor) * 100 + int(patch)

    def rebuild(self):
        self.rebuilds += 1
        if self.flavor == "mysql":
            self.admin.text("SET sql_mode = ''")
        for statement in ("DROP TABLESPACE n12", "DROP SERVER IF EXISTS n8", "DROP RESOURCE GROUP n14",
                          "UNLOCK INSTANCE", "STOP SLAVE", "RESET SLAVE ALL", "BACKUP STAGE END"):
            try:
                self.admin.text(statement)
            except pymysql.err.MySQLError:
                pass  # there is none
        self.admin.text(SCHEMA)
        if self.flavor == "mariadb":
            self.admin.text(SCHEMA_OF_MARIADB)
        self.admin.text(ROWS)
        self.checksums = self.checksum()

    def restore_rows(self):
        self.admin.text(ROWS)

    def checksum(self):
        return self.admin.text(f"CHECKSUM TABLE {TABLES}")

    def release(self):
        """Takes the session back to its first state: without a transaction and locks, so that others can go on."""
        try:
            self.session.command(COM_RESET_CONNECTION)
            self.session.text("ROLLBACK")  # fails where an XA transaction has survived that
        except (pymysql.err.MySQLError, OSError, AttributeError):
            self.drop()

    def fresh(self, mode):
        """The session in the schema."""
        if self.session is None:
            self.session = Session(self.server)
        self.session.text(f"SET NAMES utf8mb4; SET sql_mode = ''; SET lock_wait_timeout = 1, innodb_lock_wait_timeout = 1, "
                          f"session_track_state_change = ON, session_track_system_variables = '*'; USE cls; "
                          f"{PREPARED}; SET sql_mode = '{mode}'")
        self.session.command(COM_PING)
        return self.session

    def drop(self):
        """Closes the session, and ends what it left prepared."""
        if self.session is not None:
            self.session._force_close()
            self.session = None
        if not self.admin.open:
            self.admin = Session(self.server)
        for row in self.admin.text("XA RECOVER"):
            self.admin.text(f"XA ROLLBACK '{row[3][:row[1]]}'")

    def in_transaction(self, sql, mode):
        """What the statement did inside of a transaction that has written; also whether the transaction ended, and how."""
        session = self.fresh(mode)
        self.markers += 1
        session.text(f"START TRANSACTION; INSERT INTO marker.m VALUES ({self.markers})")
        outcome = session.judge(sql)
        committed = self.admin.text(f"SELECT COUNT(*) FROM marker.m WHERE n = {self.markers}")[0][0] == 1
        rolled_back = outcome.lost or (not committed and not outcome.in_transaction)
        if not committed and not rolled_back:
            try:
                rolled_back = session.text(f"SELECT COUNT(*) FROM marker.m WHERE n = {self.markers}")[0][0] == 0
            except pymysql.err.MySQLError:
                pass  # tables are locked
        self.release()
        return outcome, committed, rolled_back

    def alone(self, sql, mode):
        """What it did in autocommit mode; also whether data has changed."""
        session = self.fresh(mode)
        values = session.values()
        outcome = session.judge(sql)
        if not outcome.lost:
            outcome.state_changed |= session.values() != values
        try:
            session.text("COMMIT")
        except (pymysql.err.MySQLError, OSError, AttributeError):
            pass  # the connection is closed, or an XA transaction is open
        self.release()
        return outcome, self.checksum() != self.checksums

    def read_only(self, sql, mode):
        """What it did inside of a READ ONLY transaction."""
        session = self.fresh(mode)
        session.text("START TRANSACTION READ ONLY")
        outcome = session.judge(sql, count=False)
        self.release()
        return outcome

    def close(self):
        self.drop()
        self.admin.close()


def program(build):
    name = "tests/integration/sql/describe_sql"
    found = [path for path in (build / name, *build.parent.glob(f"build*/{name}")) if path.exists()]
    if not found:
        raise Failure(f"{build / name} is missing: run ninja")
    return found[0]
