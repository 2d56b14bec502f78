"""The cells of docs/logins.md: ways to log in, the clients that try them, and why some can't be."""

import json
import os
import re
import select
import subprocess
import sys
from dataclasses import dataclass
from itertools import product

from harness.clients import CLIENTS
from harness.lending import LENT
from harness.process import Failure, tail

TLS = ("none", "1.2", "1.3")
COMPRESSIONS = ("uncompressed", "zlib", "zstd")

DIRECT = "direct"
#: what the proxy is told of its server
SERVER_LINKS = {"TLS to the server": {"tls": "required"},
                "zlib to the server": {"tls": "disabled", "get_server_public_key": True, "compression": ["zlib"]}}
WAYS = (DIRECT, *SERVER_LINKS)

#: flavor -> the kinds of login, in the order in which they are tried. `plugin` is the account's.
LOGINS = {
    "mysql": {
        "native": "mysql_native_password",
        # Nobody has seen the password: the server's cache is empty, the proxy has the hash of mysql.user.
        "caching_sha2, first": "caching_sha2_password",
        # The proxy has seen it, the server's cache is empty again, as after its restart.
        "caching_sha2, cold": "caching_sha2_password",
        "caching_sha2, warm": "caching_sha2_password",
        "sha256": "sha256_password",
    },
    "mariadb": {"native": "mysql_native_password", "ed25519": "client_ed25519"},
}
#: before these the server forgets what it has cached
COLD = ("caching_sha2, first", "caching_sha2, cold")
WARM = "caching_sha2, warm"


@dataclass(frozen=True)
class Cell:
    login: str
    tls: str
    compression: str

    def __str__(self):
        tls = "no TLS" if self.tls == "none" else f"TLS {self.tls}"
        return f"{self.login}, {tls}, {self.compression}"


def cells(flavor):
    """All of them; a row of the table has one compression and TLS, and the logins of each plugin follow each other."""
    return [Cell(login, tls, compression)
            for tls, compression, login in product(TLS, COMPRESSIONS, LOGINS[flavor])]


@dataclass(frozen=True)
class Login:
    """The account that one client uses for the cells of one plugin in one row."""

    name: str
    password: str
    plugin: str

    @staticmethod
    def of(client, cell, flavor):
        plugin = LOGINS[flavor][cell.login]
        row = TLS.index(cell.tls) * len(COMPRESSIONS) + COMPRESSIONS.index(cell.compression)
        name = f"{cell.login.partition(',')[0].removeprefix('caching_')}_{client}_{row}"
        # Longer than a salt, so that what is encrypted with one goes around.
        return Login(name, f"the password of {name}", plugin)


# --- the clients

OPENSSL_WITHOUT_TLS_1_3 = """\
openssl_conf = all
[all]
ssl_conf = tls
[tls]
system_default = defaults
[defaults]
Protocol = -TLSv1.3
"""


def without_tls_1_3(folder, tls):
    """For a client that knows no option for it."""
    if tls != "1.2":
        return {}
    file = folder / "openssl.cnf"
    file.write_text(OPENSSL_WITHOUT_TLS_1_3)
    return {"OPENSSL_CONF": str(file)}


def cut_nonce(cell, fault):
    """Some take a zero at the end of any nonce for a NUL behind it. One of 256 of ed25519's, which are the server's, has it.

    mysql_async signs what is left, go-sql-driver finds it too short.
    """
    return cell.login == "ed25519" and ("Access denied" in fault or "malformed packet" in fault)


@dataclass(frozen=True)
class Client:
    name: str
    #: build folder -> the command
    command: object
    #: build folder -> the environment
    environment: object = staticmethod(lambda build: {})
    #: folder for files, "tls" of a cell -> more of it
    environment_of_tls: object = staticmethod(lambda folder, tls: {})
    #: (cell, fault) -> whether a flaw of the client's that shows now and then may be behind it: it may try again
    by_chance: object = staticmethod(lambda cell, fault: False)

    def missing(self, build):
        """The program that setup could not make here, if so."""
        program = self.command(build)[0]
        return program if str(program).startswith(str(build)) and not os.access(program, os.X_OK) else None


def python(script, *options):
    return lambda build: [sys.executable, CLIENTS / "python" / script, *options]


ALL = [
    Client("mariadb", python("mariadb_login.py")),
    Client("PyMySQL", python("pymysql_login.py")),
    Client("libmysqlclient", python("libmysqlclient_login.py")),
    Client("connector-python", python("connector_login.py")),
    Client("connector-python-c", python("connector_login.py", "--c")),
    Client("go-sql-driver", lambda build: [build / "clients/go-login/login"], by_chance=cut_nonce),
    Client("mysql2", lambda build: ["node", CLIENTS / "node/login.js"],
           lambda build: {"NODE_PATH": str(build / "clients/node/node_modules")}),
    Client("Connector/J", lambda build: [
        "java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
        f"{build}/clients/java:{build}/clients/java/mysql-connector-j.jar", "Login"]),
    Client("mysql_async", lambda build: [build / "clients/rust/release/login"], environment_of_tls=without_tls_1_3,
           by_chance=cut_nonce),
]


class Program:
    """A running client. It is told cells and answers."""

    def __init__(self, client, build, folder, tls):
        folder.mkdir(parents=True, exist_ok=True)
        self.name = client.name
        self.log = folder / f"{tls}.log"
        environment = {**os.environ, **client.environment(build), **client.environment_of_tls(folder, tls)}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([str(one) for one in client.command(build)], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, bufsize=0, env=environment)
        self.unread = b""

    def ask(self, cell, login, port, timeout=8):
        """Its answer; None when it does not come, and then the program is no more."""
        told = {"host": "127.0.0.1", "port": port, "user": login.name, "password": login.password, "plugin": login.plugin,
                "tls": cell.tls, "compression": cell.compression}
        try:
            self.process.stdin.write(json.dumps(told).encode() + b"\n")
        except BrokenPipeError:
            pass  # what it said at its end comes below
        while b"\n" not in self.unread:
            if not select.select([self.process.stdout], [], [], timeout)[0]:
                self.kill()
                return None
            more = self.process.stdout.read(1 << 16)
            if not more:
                raise Failure(f"{self.name} ended at {cell}:\n{tail(self.log)}")
            self.unread += more
        line, _, self.unread = self.unread.partition(b"\n")
        return json.loads(line)

    def running(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process.stdout.close()


# --- what has to come of a cell

LENGTH = 100_000
#: Two thirds of the long value: no compressed answer is that long, and no other one that short.
SHORT = LENGTH * 2 // 3


def fault(cell, login, answer, facts):
    """What is wrong with a cell, in words, or None."""
    if answer is None:
        return "it does not come to an end"
    if answer["error"]:
        text = re.sub(r"\s+", " ", answer["error"])
        return f"{text}; {LEAK}" if leaked(login, facts) else text
    if len(facts) != 1:
        return f"{len(facts)} connections were made and closed"
    seen = facts[0]
    wanted = {"user": f"{login.name}@%", "length": LENGTH, "sum": 42}
    for key, value in wanted.items():
        if answer.get(key) != value:
            return f"{key} is {answer.get(key)!r}, not {value!r}"
    if leaked(login, facts):
        return LEAK
    if seen.tls != cell.tls:
        return f"TLS {seen.tls} in place of {cell.tls}"
    if "TLSv" in (answer.get("tls") or "") and answer["tls"] != f"TLSv{cell.tls}":
        return f"it says {answer['tls']}, and it was {seen.tls}"
    if (seen.bytes_to_client < SHORT) != (cell.compression != "uncompressed"):
        return f"{seen.bytes_to_client} bytes came: that is not {cell.compression}"
    if seen.compression not in (None, cell.compression):
        return f"{seen.compression} in place of {cell.compression}"
    if seen.sha2 is not None and login.plugin == "caching_sha2_password":
        usual = "full" if cell.login in COLD else "fast"
        if seen.sha2 != usual:
            return f"the {seen.sha2 or 'empty'} path in place of the {usual} one"
    return None


LEAK = "the password crossed the network in clear"


def leaked(login, facts):
    return any(login.password.encode() in data for one in facts for data in (one.to_server, one.to_client))


# --- why a cell can't be

EVERY_CLIENT = frozenset(client.name for client in ALL)


@dataclass(frozen=True)
class Reason:
    text: str
    #: which cells: functions of the cell, and sets of names
    cells: object
    clients: frozenset = EVERY_CLIENT
    flavors: frozenset = frozenset(LOGINS)
    ways: frozenset = frozenset(WAYS)
    #: what is found in what then goes wrong
    fault: str = ""

    def concerns(self, client, flavor, way, cell):
        return client in self.clients and flavor in self.flavors and way in self.ways and self.cells(cell)


def only(*names):
    return frozenset(names)


def zlib(cell):
    return cell.compression == "zlib"


def zstd(cell):
    return cell.compression == "zstd"


def compressed(cell):
    return cell.compression != "uncompressed"


def ed25519(cell):
    return cell.login == "ed25519"


PROXIED = only(*SERVER_LINKS)

#: The first that concerns a cell is its reason.
REASONS = [
    Reason("MySQL 8.0.15 speaks TLS 1.2 at most", lambda cell: cell.tls == "1.3", flavors=only("mysql"), ways=only(DIRECT)),
    Reason("PyMySQL has no compression", compressed, clients=only("PyMySQL"), fault="unsupported"),
    Reason("the client has zlib only", zstd, clients=EVERY_CLIENT - {"libmysqlclient"}, fault="unsupported"),
    Reason("the server has no zstd", zstd, ways=only(DIRECT), fault="compression algorithm"),
    Reason("the client does not know ed25519", ed25519,
           clients=only("connector-python", "connector-python-c", "libmysqlclient", "mysql2", "Connector/J"),
           fault="plugin|Plugin"),
    Reason("mysql_async does not know sha256_password; by TLS the proxy takes caching_sha2_password in its place",
           lambda cell: cell.login == "sha256" and cell.tls == "none", clients=only("mysql_async"), ways=PROXIED,
           fault="Unknown authentication plugin"),
    Reason("mysql_async does not know sha256_password", lambda cell: cell.login == "sha256", clients=only("mysql_async"),
           ways=only(DIRECT), fault="Unknown authentication plugin|handshake"),
    Reason("without TLS this client takes no RSA key: when asked for the password it sends it in clear, which is refused",
           lambda cell: cell.tls == "none" and cell.login in COLD, clients=only("connector-python"), fault=LEAK),
    Reason("the client knows sha256_password by TLS only", lambda cell: cell.tls == "none" and cell.login == "sha256",
           clients=only("connector-python"), fault="requires SSL"),
    Reason("libmysqlclient takes a server's RSA key when told to, and mysql-connector-python has no option for that",
           lambda cell: cell.tls == "none" and cell.login in COLD, clients=only("connector-python-c"),
           fault="requires secure connection"),
    Reason("mysql2 encrypts the password by RSA under TLS too, where MySQL takes it in clear only",
           lambda cell: cell.login == "sha256" and cell.tls == "1.2", clients=only("mysql2"), ways=only(DIRECT),
           fault="Access denied"),
    *([Reason("a connection that is lent needs no other login, so that no server asks for the password",
              lambda cell: cell.tls == "none" and cell.login == "caching_sha2, cold", flavors=only("mysql"), ways=PROXIED,
              fault="fast path in place of the full one")] if LENT else []),
]


def reason_for(client, flavor, way, cell):
    return next((one for one in REASONS if one.concerns(client, flavor, way, cell)), None)


# --- the table

HEAD = """\
# Logins

<!-- Made by the tests: UPDATE_EXPECTED=1 tests/run integration -k logins -->

What `tests/integration/test_logins.py` finds: each client logs in directly and through mysqlproxy, once with TLS between
the proxy and the server and once with zlib in place of that, and runs queries. What the connection really is, is read off the wire: the
version of TLS, compression, which path caching_sha2_password took, and that no password crosses in clear. The proxy has
the hashes of `mysql.user`, no password.

| caching_sha2 | the server's cache | the proxy |
|---|---|---|
| first | cold | has not seen the password yet |
| cold | cold, as after a restart | has seen it |
| warm | warm | has seen it |

In the tables `yes` is a login that works through the proxy, and directly too; `yes [n]` one that works through the proxy
but not directly, for reason n; `[n]` one that does not work, for reason n. All clients have their defaults, but that
without TLS Connector/J is given `allowPublicKeyRetrieval=true` and libmysqlclient `MYSQL_OPT_GET_SERVER_PUBLIC_KEY`, so
that they take an RSA key. connector-python-c is the same library with its C extension. Parsec came with MariaDB 11.6, and
so is not here.
"""

TITLES = {"mysql": "MySQL 8.0.15", "mariadb": "MariaDB 10.11"}


class Notes:
    """Reasons, numbered as they are met."""

    def __init__(self):
        self.numbers = {}

    def number(self, reason):
        return self.numbers.setdefault(reason.text, len(self.numbers) + 1)

    def entry(self, client, flavor, cell, faults):
        """What the table says of a cell. `faults` are those of one client."""
        failed = [way for way in WAYS if faults[flavor, cell, way]]
        reasons = {way: self.number(reason_for(client, flavor, way, cell)) for way in failed}
        links = [way for way in failed if way != DIRECT]
        if not failed:
            return "yes"
        if not links:
            return f"yes [{reasons[DIRECT]}]"
        if len(links) == len(SERVER_LINKS):
            return f"[{reasons[links[0]]}]"
        return f"{links[0]}: [{reasons[links[0]]}]"


def page(seen):
    """The text of docs/logins.md. seen: client -> (flavor, cell, way) -> fault, all of them with a reason."""
    notes = Notes()
    parts = [HEAD]
    names = [client.name for client in ALL]
    for flavor, title in TITLES.items():
        lines = [f"## {title}", "", f"| login | TLS | compression | {' | '.join(names)} |", "|---" * (3 + len(names)) + "|"]
        for login, tls, compression in product(LOGINS[flavor], TLS, COMPRESSIONS):
            cell = Cell(login, tls, compression)
            entries = [notes.entry(name, flavor, cell, seen[name]) for name in names]
            lines.append(f"| {login} | {tls} | {compression} | {' | '.join(entries)} |")
        parts.append("\n".join(lines) + "\n")
    parts.append("## Reasons\n\n" + "".join(f"{n}. {text}\n" for text, n in notes.numbers.items()))
    return "\n".join(parts)
