"""Servers that replicate by GTID: a primary and its replicas, of one vendor."""

import itertools
import shutil

from harness.accounts import Account
from harness.process import wait_until
from harness.servers import MariaDb, MySql

CHECKER = Account("checker", "checker-secret")
COPY = Account("copy", "copy-secret")
#: Several files have servers of their own.
NUMBERS = itertools.count(1)


class GtidReplication:
    """The first server is the primary at each begin(); the others copy from it."""

    def __init__(self, work, build, kind, count):
        self.kind = kind
        names = ["one", "two", "three"][:count]
        self.servers = []
        for name in names:
            folder = work / f"gtid{next(NUMBERS)}-{name}"
            self.servers.append(MariaDb(folder, name) if kind == "mariadb" else MySql(folder, build / "mysql8", name))
        first = self.servers[0]
        first.create()
        for account in (CHECKER, COPY):
            plugin = "" if kind == "mariadb" else "WITH mysql_native_password "
            first.ask(f"CREATE USER '{account.name}'@'%' IDENTIFIED {plugin}BY '{account.password}'")
        first.ask(f"GRANT {self.privileges()} ON *.* TO '{CHECKER.name}'@'%'")
        first.ask(f"GRANT REPLICATION SLAVE ON *.* TO '{COPY.name}'@'%'")
        first.ask("CREATE TABLE test.kept (n INT PRIMARY KEY) ENGINE=InnoDB")
        first.stop()
        for server in self.servers[1:]:
            shutil.copytree(first.data, server.data)
            (server.data / "auto.cnf").unlink(missing_ok=True)
        for server in self.servers:
            self.start(server)

    def privileges(self):
        if self.kind == "mariadb":
            return "READ_ONLY ADMIN, REPLICATION SLAVE ADMIN, SLAVE MONITOR, RELOAD"
        return "SYSTEM_VARIABLES_ADMIN, REPLICATION_SLAVE_ADMIN, REPLICATION CLIENT, RELOAD"

    def start(self, server):
        number = self.servers.index(server) + 1
        more = ["--log-bin=bin", f"--server-id={number}", "--log-slave-updates", "--skip-slave-start", "--read-only=0",
                # What is committed survives the process, if not the machine.
                "--innodb-flush-log-at-trx-commit=2", "--slave-net-timeout=4"]
        if self.kind == "mysql":
            more += ["--gtid-mode=ON", "--enforce-gtid-consistency=ON"]
        else:
            # A commit that is acknowledged is on a replica.
            more += ["--rpl-semi-sync-master-enabled=1", "--rpl-semi-sync-slave-enabled=1",
                     "--rpl-semi-sync-master-wait-point=AFTER_SYNC", "--rpl-semi-sync-master-timeout=3000",
                     "--rpl-semi-sync-master-wait-no-slave=0"]
        server.start(*more)

    @staticmethod
    def port_of(server):
        """Where the others reach it."""
        return server.port

    def copy(self, to, source):
        """`to` is a read-only replica of `source`, which it has the data of."""
        to.ask("STOP SLAVE")
        to.ask("RESET SLAVE ALL")
        by = "MASTER_AUTO_POSITION=1" if self.kind == "mysql" else "MASTER_USE_GTID=slave_pos"
        to.ask(f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={self.port_of(source)}, MASTER_USER='{COPY.name}',"
               f" MASTER_PASSWORD='{COPY.password}', MASTER_CONNECT_RETRY=1, {by}")
        to.ask("SET GLOBAL read_only = 1")
        to.ask("START SLAVE")

    def begin(self):
        """As it is before each test: all have the same, and no history."""
        for server in self.servers:
            if not server.child.running():
                self.start(server)
            server.ask("STOP SLAVE")
            server.ask("RESET SLAVE ALL")
            if self.kind == "mysql":
                server.ask("SET GLOBAL super_read_only = 0")
            server.ask("SET GLOBAL read_only = 0")
            server.ask("TRUNCATE test.kept")
            server.ask("RESET MASTER")
            if self.kind == "mariadb":
                server.ask("SET GLOBAL gtid_slave_pos = ''")
        first, *others = self.servers
        for server in others:
            self.copy(server, first)
            wait_until(lambda: self.copies(server, first), f"{server.name} copies from {first.name}")

    @staticmethod
    def status(server):
        connection = server.admin()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SHOW SLAVE STATUS")
                row = cursor.fetchone()
                names = [one[0] for one in cursor.description]
                return dict(zip(names, row)) if row else {}
        finally:
            connection.close()

    def copies(self, server, source):
        row = self.status(server)
        return (row.get("Master_Port") == self.port_of(source) and row["Slave_IO_Running"] == "Yes"
                and row["Slave_SQL_Running"] == "Yes")

    @staticmethod
    def read_only(server):
        return bool(server.ask("SELECT @@global.read_only")[0][0])

    @staticmethod
    def kept(server):
        return {row[0] for row in server.ask("SELECT n FROM test.kept")}

    def stop(self):
        """At once: nobody wants their data any more."""
        for server in self.servers:
            if server.child:
                server.kill()
