"""What is measured: programs between a client and a private server. Start them, stop them, ask what they cost.

Uses the harness of the integration tests; tests/integration/setup installs what that needs.
"""

import hashlib
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/integration"))

import pymysql  # noqa: E402
from harness.process import Child, Failure, free_port, wait_until  # noqa: E402, F401
from harness.servers import MariaDb, MySql  # noqa: E402

USER, PASSWORD = "bench", "bench-password"
#: With caching_sha2_password, where the server has that.
SHA2_USER = "bench_sha2"
ROWS = 10000
NGINX_MODULES = Path("/usr/lib/nginx/modules")


def allow_many_descriptors(wanted=65536):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for most in (max(wanted, hard), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            return most
        except (OSError, ValueError):
            continue
    return soft


def require(*programs):
    missing = [name for name in programs if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")]
    if missing:
        sys.exit(f"please install {' '.join(missing)}: tests/support/install-packages bench captures")


class Backend(MariaDb):
    """A private server with room for many connections, each with many prepared statements."""

    def __init__(self, folder, connections):
        super().__init__(folder)
        self.connections = connections

    def settings(self):
        return [*super().settings(), f"--max-connections={self.connections}", "--max-prepared-stmt-count=1000000"]


class CrowdedBackend(Backend):
    """One that serves thousands of idle connections without a thread each."""

    def settings(self):
        return [*super().settings(), "--thread-handling=pool-of-threads"]


def start_server(folder, connections, kind=Backend):
    """The server behind all candidates, with the table of the load."""
    server = kind(folder / "mariadb", connections)
    server.create()
    server.ask(f"CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'")
    server.ask(f"GRANT ALL ON test.* TO {USER}@'%'")
    subprocess.run(["sysbench", "oltp_read_write", *target(server.port), "prepare"], check=True,
                   stdout=subprocess.DEVNULL)
    return server


def start_mysql(folder, base):
    """MySQL with an account of each plugin, for logins."""
    server = MySql(folder / "mysql", base)
    server.create()
    for user, plugin in ((USER, "mysql_native_password"), (SHA2_USER, "caching_sha2_password")):
        server.ask(f"CREATE USER {user}@'%' IDENTIFIED WITH {plugin} BY '{PASSWORD}'")
        server.ask(f"GRANT ALL ON test.* TO {user}@'%'")
    return server


def target(port):
    return ["--db-driver=mysql", "--mysql-host=127.0.0.1", f"--mysql-port={port}", f"--mysql-user={USER}",
            f"--mysql-password={PASSWORD}", "--mysql-db=test", f"--table-size={ROWS}"]


class Candidate:
    """A program in the way of the queries, or none. Start it, stop it, as often as you like."""

    def __init__(self, folder, name):
        self.name = name
        self.folder = folder / re.sub(r"\W+", "-", name)
        self.folder.mkdir()
        self.port = free_port()
        self.child = None

    def command(self):
        """How the program is started."""
        raise NotImplementedError

    def start(self, *before):
        """`before`: a program that runs it, such as valgrind."""
        self.child = Child([*before, *self.command()], self.folder / "log", self.name)
        self.child.wait_until(self.answers, f"{self.name} to answer")

    def stop(self):
        """Its exit code."""
        return self.child.stop(timeout=60) if self.child else 0

    @property
    def pid(self):
        return self.child.pid if self.child else 0

    def connect(self):
        return pymysql.connect(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, database="test")

    def answers(self):
        try:
            self.connect().close()
            return True
        except (OSError, pymysql.err.MySQLError):
            return False

    def cpu(self):
        """Seconds of CPU time so far: user and system time of all its threads, by the scheduler's clock."""
        if not self.child:
            return 0.0
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def memory(self):
        """(resident, proportional) set size in bytes."""
        if not self.child:
            return (0, 0)
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path(f"/proc/{self.pid}/smaps_rollup").read_text(), re.M))
        return (int(fields["Rss"]) * 1024, int(fields["Pss"]) * 1024)

    def forget_peak(self):
        """From here on peak() counts anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak(self):
        """The most memory that was resident, in bytes."""
        return self.child.status("VmHWM") * 1024


class Direct(Candidate):
    def __init__(self, folder, server, name="direct"):
        super().__init__(folder, name)
        self.port = server.port

    def start(self, *before):
        pass


class HaProxy(Candidate):
    """haproxy in TCP mode. It does not look at what it forwards."""

    def __init__(self, folder, server, threads=1, connections=4000, name="haproxy", check="2s"):
        super().__init__(folder, name)
        self.config = self.folder / "haproxy.cfg"
        # Health checks are on as they are in mysqlproxy. tune.bufsize is haproxy's default: what it holds of a
        # connection only while bytes are on their way.
        self.config.write_text(f"""
global
    nbthread {threads}
    maxconn {connections}
    tune.bufsize 16384
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen mysql
    bind 127.0.0.1:{self.port}
    server db {server.address} check inter {check} maxconn {connections}
""")

    def command(self):
        return ["haproxy", "-db", "-f", self.config]


class Nginx(Candidate):
    """nginx's stream module, in one process."""

    def __init__(self, folder, server, connections=4000, name="nginx"):
        super().__init__(folder, name)
        self.config = self.folder / "nginx.conf"
        module = NGINX_MODULES / "ngx_stream_module.so"
        self.config.write_text(f"""
{f"load_module {module};" if module.exists() else ""}
daemon off;
master_process off;
pid {self.folder}/pid;
error_log {self.folder}/errors;
events {{ worker_connections {2 * connections + 100}; }}
stream {{
    access_log off;
    server {{
        listen 127.0.0.1:{self.port} backlog=1024;
        proxy_pass {server.address};
        proxy_timeout 1h;
    }}
}}
""")

    def command(self):
        return ["nginx", "-p", self.folder, "-c", self.config, "-e", self.folder / "errors"]


#: What mysqlproxy does for its clients.
SESSION = "session"        # each has a connection of its own; nothing is looked at but the packets' heads
LENDING = "lending"        # transaction pooling, with statistics
JUDGING = "judging"        # the same with 50 rules, a guard with every check, and reads that go elsewhere
JUDGED = "judged"          # SESSION with these rules, the guard and statistics


def judging_tables():
    """50 rules of which none matches, and a guard that finds nothing."""
    text = ""
    for i in range(50):
        when = (f'hint = "key{i}"', f'schema = "shop{i}"', f'table = "orders{i}"', f'match = "from archive{i} "',
                'kind = "call"')[i % 5]
        text += (f'[[rule]]\nname = "rule {i}"\nwhen = {{ {when} }}\n'
                 'then = { refuse = { code = 1148, text = "no" } }\n')
    checks = ("no_where", "ddl", "account", "admin", "read_file", "write_file", "sleep", "several_statements", "comment",
              "version_comment", "union", "tautology", "prepare_from_variable")
    return text + "[guard]\nmax_result_rows = 100000000\nmax_running_time = \"60s\"\n" + "".join(
        f'{check} = "enforce"\n' for check in checks)


class MysqlProxy(Candidate):
    """It logs clients in itself and follows every packet."""

    def __init__(self, folder, server, executable, threads=1, connections=4000, name="mysqlproxy", work=SESSION,
                 server_connections=0, check="2s"):
        super().__init__(folder, name)
        self.executable = executable
        self.config = self.folder / "mysqlproxy.toml"
        pool = 'pooling = "transaction"' if work in (LENDING, JUDGING) else ""
        if work == JUDGING:
            pool += f'\nread_pool = "reads"\n[pool.reads]\nservers = ["db"]\n{pool}'
        more = "" if work == SESSION else "[statistics]\n"
        more += judging_tables() if work in (JUDGING, JUDGED) else ""
        stage1 = hashlib.sha1(PASSWORD.encode()).digest()
        native = "*" + hashlib.sha1(stage1).hexdigest().upper()
        sha2 = hashlib.sha256(hashlib.sha256(PASSWORD.encode()).digest()).hexdigest()
        self.config.write_text(f"""
[proxy]
threads = {threads}
max_connections = {connections}
connect_timeout = "10s"
handshake_timeout = "10s"
idle_timeout = "1h"
max_allowed_packet = "128MiB"
data_dir = "{self.folder}"
[listen.main]
bind = "127.0.0.1:{self.port}"
[server.db]
address = "{server.address}"
tls = "disabled"
max_connections = {server_connections}
[pool.main]
servers = ["db"]
{pool}
[user.{USER}]
pool = "main"
hash = ["{native}"]
[user.{SHA2_USER}]
pool = "main"
hash = ["{sha2}"]
[health]
interval = "{check}"
[log]
level = "info"
access = ""
{more}
""")

    def command(self):
        return [self.executable, "--config", self.config]


def describe_machine():
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores ({model[1] if model else 'unknown'}), Linux {os.uname().release}"
