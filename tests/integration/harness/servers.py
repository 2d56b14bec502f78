"""Private database servers: a fresh data directory, a port and a socket of their own, on loopback only."""

import fcntl
import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pymysql

from harness.accounts import APP, NOBODY, ON_SERVERS, OTHER, POOR
from harness.lending import LENT
from harness.process import Child, Failure, free_port, tail, wait_until

#: The variable of the environment that names the folder of the whole run. In it are the data directories that are copied.
RUN_FOLDER = "MYSQLPROXY_TEST_FOLDER"

SETTINGS = [
    "--no-defaults",
    "--bind-address=127.0.0.1",
    "--max-allowed-packet=128M",
    "--max-connections=400",
    "--max-connect-errors=1000000",
    "--local-infile=1",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--default-time-zone=+00:00",
    "--innodb-flush-log-at-trx-commit=0",
    "--skip-log-bin",
    "--innodb-buffer-pool-size=64M",
    # Answers say whether a statement was slow: on a busy machine that would be chance.
    "--long-query-time=3600",
]


class Server:
    """One server. Start it, stop it, kill it; it keeps its data and its port."""

    #: "mariadb" or "mysql": what a conversation may ask for
    flavor = ""
    title = ""
    #: More for subprocess.Popen.
    process_options = {}

    def __init__(self, folder, name=None):
        self.folder = Path(folder)
        self.name = name or self.flavor
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self.socket = self.folder / "s"
        self.port = free_port()
        self.child = None
        self.marked = 0
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def settings(self):
        # Servers delete each other's temporary tables where they share a folder for them.
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return [*SETTINGS, f"--datadir={self.data}", f"--tmpdir={temporary}", f"--port={self.port}", f"--socket={self.socket}",
                f"--pid-file={self.folder}/pid", f"--user={getpass.getuser()}"]

    def create(self):
        """Makes the data directory and the accounts, and leaves the server running."""
        self.copy_or_initialize()
        self.start()
        with self.admin() as connection, connection.cursor() as cursor:
            for statement in self.accounts():
                cursor.execute(statement)

    def copy_or_initialize(self):
        """A data directory takes seconds to make, so that one is made and copied by all who want the same."""
        common = os.environ.get(RUN_FOLDER)
        if not common:
            self.initialize()
            return
        folder = Path(common) / "templates"
        folder.mkdir(exist_ok=True)
        with open(folder / f"{self.template()}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            template = folder / self.template()
            if not template.exists():
                self.initialize()
                shutil.copytree(self.data, template)
                return
        shutil.copytree(template, self.data)
        # By it MySQL tells servers apart; it makes one where there is none.
        (self.data / "auto.cnf").unlink(missing_ok=True)

    def template(self):
        """The same for servers whose data directories begin alike."""
        return self.flavor

    def initialize(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def clean(self):
        """Leaves the schemas of the tests empty."""
        for schema in ("test", "test2"):
            self.ask(f"DROP DATABASE IF EXISTS {schema}")
            self.ask(f"CREATE DATABASE {schema}")

    def accounts(self):
        yield "CREATE DATABASE test"
        yield "CREATE DATABASE test2"
        yield "CREATE DATABASE secret"
        for account in ON_SERVERS:
            yield self.create_user(account)
        for account in (APP, OTHER, NOBODY):
            for schema in ("test", "test2"):
                yield f"GRANT ALL ON {schema}.* TO '{account.name}'@'%'"
            yield f"GRANT PROCESS, RELOAD ON *.* TO '{account.name}'@'%'"
        yield f"GRANT USAGE ON *.* TO '{POOR.name}'@'%'"

    def create_user(self, account):
        raise NotImplementedError

    def run(self, arguments):
        """Runs a program of the server to its end."""
        with open(self.log, "ab") as log:
            done = subprocess.run([str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Failure(f"{arguments[0]} ended with {done.returncode}:\n{tail(self.log)}")

    def start(self, *more):
        self.child = Child([*self.command(), *self.settings(), *more], self.log, self.title, **self.process_options)
        self.child.wait_until(self.answers, "it answers on its socket and its port")

    def answers(self):
        try:
            self.admin().close()
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return bool(connection.recv(1))
        except (OSError, pymysql.err.MySQLError):
            return False

    def admin(self):
        """A connection of the superuser, past every proxy."""
        return pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True)

    def ask(self, sql):
        """The rows of one statement of the superuser."""
        connection = self.admin()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()
        finally:
            connection.close()

    @contextmanager
    def limited_to(self, most):
        """Lets no more than `most` connections in.

        That of the superuser is kept open for the end of it: the one place that a full server keeps for him is taken
        now and then by somebody who has not said yet who he is.
        """
        admin = self.admin()
        try:
            with admin.cursor() as cursor:
                cursor.execute("SELECT @@GLOBAL.max_connections")
                before = cursor.fetchone()[0]
                cursor.execute(f"SET GLOBAL max_connections = {most}")
                try:
                    yield
                finally:
                    cursor.execute(f"SET GLOBAL max_connections = {before}")
        finally:
            admin.close()

    def mark(self):
        """From here on sessions() counts those that begin from here on."""
        self.marked = self.ask("SELECT CONNECTION_ID()")[0][0]

    def processlist(self, user=None):
        """The connections of `user`, or of all the accounts of the tests."""
        names = [user] if user else [account.name for account in ON_SERVERS]
        listed = ", ".join(f"'{name}'" for name in names)
        return self.ask("SELECT id, user, host, db, command, time, state, LEFT(info, 60) FROM information_schema.processlist "
                        f"WHERE user IN ({listed}) AND id > {self.marked}")

    def sessions(self, user=None):
        """How many there are of them."""
        return len(self.processlist(user))

    def wait_for_sessions(self, most, user=None, timeout=30.0):
        """Until there are `most` of them at most; a server takes its time to see clients off.

        Where connections are lent, those that nobody has stay, and have nothing to do.
        """
        try:
            wait_until(lambda: len([one for one in self.processlist(user) if not LENT or one[4] != "Sleep"]) <= most,
                       f"{most} connections at most", timeout)
        except Failure as failure:
            raise Failure(f"{failure}; there are {self.processlist(user)}") from None

    def stop(self):
        if self.child:
            self.child.stop()

    def kill(self):
        """As a machine that loses power."""
        if self.child:
            self.child.stop(signal.SIGKILL)


class MariaDb(Server):
    flavor = "mariadb"
    title = "MariaDB"

    def initialize(self):
        self.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", f"--user={getpass.getuser()}",
                  "--auth-root-authentication-method=normal", "--skip-test-db",
                  "--innodb-log-file-size=16M"])

    def command(self):
        found = shutil.which("mariadbd", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not found:
            raise Failure("mariadbd is missing: run tests/integration/setup")
        return [found]

    def settings(self):
        return [*super().settings(), "--innodb-log-file-size=16M", "--skip-ssl"]

    def create_user(self, account):
        return f"CREATE USER '{account.name}'@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('{account.password}')"


class MySql(Server):
    flavor = "mysql"
    title = "MySQL"

    def __init__(self, folder, base, name=None, plugin="mysql_native_password"):
        super().__init__(folder, name)
        self.plugin = plugin
        self.base = Path(base)
        if not (self.base / "bin/mysqld").exists():
            raise Failure(f"{self.base}/bin/mysqld is missing: run tests/integration/setup")

    def initialize(self):
        self.run([*self.command(), *self.settings(), "--initialize-insecure"])

    def template(self):
        return f"{self.flavor}-{self.plugin}"

    def command(self):
        return [self.base / "bin/mysqld"]

    def settings(self):
        return [*super().settings(), f"--basedir={self.base}", f"--lc-messages-dir={self.base}/share", "--mysqlx=OFF",
                # What it greets with. Unknown users are asked for by this plugin too.
                f"--default-authentication-plugin={self.plugin}",
                "--innodb-log-file-size=16M"]

    def create_user(self, account):
        return (f"CREATE USER '{account.name}'@'%' IDENTIFIED WITH mysql_native_password "
                f"BY '{account.password}'")

    def accounts(self):
        yield from super().accounts()
        yield "SET GLOBAL log_bin_trust_function_creators = 1"


def version_of(server):
    """"10.11.6" of what the server calls itself."""
    return re.match(r"[\d.]+", server.ask("SELECT VERSION()")[0][0])[0]
