"""A Galera cluster of MariaDB servers on this machine: a node can leave in any way, and join again."""

import itertools
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pymysql

from harness.process import Failure, free_port, tail, wait_until
from harness.replicated import CHECKER
from harness.servers import RUN_FOLDER, MariaDb

PROVIDERS = ["/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so", "/usr/lib/libgalera_smm.so"]
NUMBERS = itertools.count(1)

#: So that a node that is gone is out of the cluster within two seconds, where the defaults take five and fifteen.
IMPATIENT = ("evs.keepalive_period=PT0.3S;evs.suspect_timeout=PT1.5S;evs.inactive_timeout=PT3S;evs.inactive_check_period=PT0.3S;"
             "evs.join_retrans_period=PT0.3S;evs.install_timeout=PT3S;pc.wait_prim_timeout=PT20S")


def provider():
    found = [path for path in PROVIDERS if os.path.exists(path)]
    if not found or not shutil.which("rsync"):
        raise Failure("galera-4 or rsync is missing: run tests/integration/setup")
    return found[0]


class GaleraNode(MariaDb):
    def __init__(self, folder, name):
        super().__init__(folder, name)
        self.group, self.state, self.increments = free_port(), free_port(), free_port()
        self.cluster = None

    def settings(self):
        others = [] if self.cluster is None else [f"127.0.0.1:{node.group}" for node in self.cluster.nodes if node is not self]
        options = [f"gcache.size=16M;gcache.page_size=16M;gmcast.listen_addr=tcp://127.0.0.1:{self.group}",
                   f"ist.recv_addr=127.0.0.1:{self.increments}", IMPATIENT]
        return [option for option in super().settings() if option != "--skip-log-bin"] + [
            f"--wsrep-on={'OFF' if self.cluster is None else 'ON'}", f"--wsrep-provider={provider()}",
            "--wsrep-cluster-name=tests", f"--wsrep-cluster-address=gcomm://{','.join(others)}",
            f"--wsrep-node-name={self.name}", f"--wsrep-node-address=127.0.0.1:{self.group}",
            f"--wsrep-node-incoming-address={self.address}", f"--wsrep-provider-options={';'.join(options)}",
            "--wsrep-sst-method=rsync", f"--wsrep-sst-receive-address=127.0.0.1:{self.state}",
            "--wsrep-slave-threads=2", "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2",
            "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=2", "--key-buffer-size=1M", "--max-connections=100",
        ]

    def recovered(self):
        """Where it stood when it was killed, so that it needs no more than what it has missed."""
        done = subprocess.run([str(one) for one in [*self.command(), *self.settings(), "--wsrep-recover"]],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        found = re.search(r"Recovered position: *(\S+)", done.stdout + done.stderr)
        return [f"--wsrep-start-position={found[1]}"] if found else []

    def status(self, name):
        return self.ask(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1]

    def synced(self):
        try:
            return self.status("wsrep_local_state") == "4" and self.status("wsrep_ready") == "ON"
        except pymysql.err.MySQLError:
            return False

    def start(self, *more):
        if os.getuid() == 0:
            # The rsync that hands over what a node has missed becomes somebody else then.
            for path in (self.data, *self.data.rglob("*")):
                path.chmod(0o777)
            top = Path(os.environ[RUN_FOLDER])
            for folder in (self.folder, *self.folder.parents):
                if folder.is_relative_to(top):
                    folder.chmod(folder.stat().st_mode | 0o011)
        killed = self.child is not None and self.child.process.returncode == -signal.SIGKILL
        super().start(*more, *(self.recovered() if killed and self.cluster else []))
        if self.cluster is not None:
            wait_until(self.synced, f"{self.name} is synced: {tail(self.log)}", timeout=60)


class Galera:
    """Three nodes with the same data."""

    def __init__(self, work):
        folder = Path(work) / f"galera{next(NUMBERS)}"
        self.nodes = [GaleraNode(folder / name, name) for name in ("one", "two", "three")]
        first = self.nodes[0]
        first.create()
        first.ask(f"CREATE USER '{CHECKER.name}'@'%' IDENTIFIED BY '{CHECKER.password}'")
        first.ask(f"GRANT SLAVE MONITOR ON *.* TO '{CHECKER.name}'@'%'")
        first.ask("CREATE TABLE test.kept (n INT PRIMARY KEY, name VARCHAR(10) DEFAULT @@wsrep_node_name) ENGINE=InnoDB")
        first.stop()
        # All begin with the same history, so that none needs all the data of another.
        for node in self.nodes:
            node.cluster = self
        first.start("--wsrep-new-cluster")
        first.stop()
        for node in self.nodes[1:]:
            shutil.copytree(first.data, node.data)
        first.start("--wsrep-new-cluster")
        for node in self.nodes[1:]:
            node.start()

    def wait_for_all(self):
        for node in self.nodes:
            wait_until(lambda: node.synced() and node.status("wsrep_cluster_size") == "3", f"{node.name} is in step", timeout=60)

    def stop(self):
        for node in self.nodes:
            node.kill()
