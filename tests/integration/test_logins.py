"""Every way to log in, by every client, directly and through the proxy: the table in docs/logins.md.

One program for each client logs in, cell by cell, at a witness (harness/witness.py) that stands before the server or a
proxy and sees what the connection really is. A cell works, or there is a reason in harness/logins.py why it can't; a reason
for a cell that works is a failure too. UPDATE_EXPECTED=1 writes the table anew when all of them ran.
"""

import difflib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from harness import logins
from harness.lending import LENT
from harness.logins import (COLD, COMPRESSIONS, DIRECT, LOGINS, SERVER_LINKS, TLS, WARM, WAYS, Cell, Login, cells,
                            reason_for)
from harness.process import Failure, tail
from harness.witness import Witness

TABLE = Path(__file__).resolve().parents[2] / "docs/logins.md"


def chosen(config):
    wanted = [name for name in config.getoption("--clients").split(",") if name]
    return [client for client in logins.ALL if not wanted or client.name in wanted]


def pytest_generate_tests(metafunc):
    if "login_client" in metafunc.fixturenames:
        metafunc.parametrize("login_client", chosen(metafunc.config), ids=lambda client: client.name, scope="session")


@pytest.fixture(scope="module")
def login_servers(secure_mysql, secure_mariadb):
    """flavor -> a server with TLS and the accounts of all cells."""
    servers = {"mysql": secure_mysql, "mariadb": secure_mariadb}
    for flavor, server in servers.items():
        server.ask("CREATE USER " + ", ".join(created(flavor, one) for one in logins_of(flavor)))
    yield servers
    for flavor, server in servers.items():
        server.ask("DROP USER " + ", ".join(f"'{one.name}'@'%'" for one in logins_of(flavor)))


def logins_of(flavor):
    return sorted({Login.of(client.name, cell, flavor) for client in logins.ALL for cell in cells(flavor)},
                  key=lambda one: one.name)


def created(flavor, login):
    if flavor == "mysql":
        return f"'{login.name}'@'%' IDENTIFIED WITH {login.plugin} BY '{login.password}'"
    plugin = "ed25519" if login.plugin == "client_ed25519" else login.plugin
    return f"'{login.name}'@'%' IDENTIFIED VIA {plugin} USING PASSWORD('{login.password}')"


def hashes(server):
    """What the proxy is given of each account: what stands in mysql.user."""
    rows = server.ask("SELECT user, plugin, authentication_string, HEX(authentication_string) FROM mysql.user "
                      "WHERE host = '%'")
    return {user: hexadecimal if "sha" in plugin else text for user, plugin, text, hexadecimal in rows}


@pytest.fixture(scope="module")
def login_proxies(module_proxies, login_servers):
    """(flavor, way) -> a proxy that has the hashes of all accounts, and goes to its server that way."""
    made = {}
    for flavor, server in login_servers.items():
        known = hashes(server)
        users = {f"user.{one.name}": {"pool": "main", "hash": known[one.name]} for one in logins_of(flavor)}
        for way, options in SERVER_LINKS.items():
            made[flavor, way] = module_proxies(server, accounts=(), tables={**users, f"server.{server.name}": options})
    return made


class Run:
    """All cells of one client and one server."""

    def __init__(self, client, flavor, build, folder):
        self.client, self.flavor, self.build, self.folder = client, flavor, build, folder
        self.programs = {}
        self.witness = Witness()

    def faults(self, server, targets):
        """(cell, way) -> what is wrong, or None."""
        found = {}
        try:
            for tls, compression in product(TLS, COMPRESSIONS):
                for way, kind in product(WAYS, LOGINS[self.flavor]):
                    cell = Cell(kind, tls, compression)
                    if kind in COLD:
                        server.ask("FLUSH PRIVILEGES")
                    if kind == WARM:
                        if LENT and way != DIRECT:  # the server has not been asked since its cache was emptied
                            self.warm_up(cell, targets[DIRECT].port)
                        self.warm_up(cell, targets[way].port)
                    found[cell, way] = self.fault(cell, targets[way].port)
                    if not targets[way].child.running():
                        raise Failure(f"{way} is dead after {cell}:\n{tail(targets[way].log)}")
            return found
        finally:
            for program in self.programs.values():
                program.close()
            self.witness.close()

    def fault(self, cell, port):
        login = Login.of(self.client.name, cell, self.flavor)
        for _ in range(3):
            self.witness.watch(port)
            answer = self.program(cell.tls).ask(cell, login, self.witness.port)
            fault = logins.fault(cell, login, answer, self.witness.facts())
            if not fault or not self.client.by_chance(cell, fault):
                break
        return fault

    def warm_up(self, cell, port):
        """Logs in by TLS first, since without it some clients can't fill a cache."""
        login = Login.of(self.client.name, cell, self.flavor)
        self.program("1.2").ask(Cell(cell.login, "1.2", "uncompressed"), login, port)

    def program(self, tls):
        own = tls if self.client.environment_of_tls(self.folder, tls) else ""
        if own not in self.programs or not self.programs[own].running():
            self.programs[own] = logins.Program(self.client, self.build, self.folder, own)
        return self.programs[own]


@pytest.fixture(scope="module")
def seen(work, build, login_servers, login_proxies):
    """get(client): (flavor, cell, way) -> fault. `seen.all` has those of all clients that ran."""
    made = {}

    def run(client, flavor):
        folder = work / "logins" / flavor / client.name.replace("/", "-")
        folder.mkdir(parents=True)
        server = login_servers[flavor]
        targets = {DIRECT: server, **{way: login_proxies[flavor, way] for way in SERVER_LINKS}}
        return Run(client, flavor, build, folder).faults(server, targets)

    def get(client):
        # Both servers at the same time.
        with ThreadPoolExecutor() as pool:
            running = {flavor: pool.submit(run, client, flavor) for flavor in LOGINS}
            made[client.name] = {(flavor, *key): fault for flavor, one in running.items()
                                 for key, fault in one.result().items()}
        return made[client.name]

    get.all = made
    return get


def complaint(client, flavor, cell, way, fault):
    reason = reason_for(client.name, flavor, way, cell)
    if fault and not reason:
        return fault
    if fault and not re.search(reason.fault, fault):
        return f"{fault}; but it should have failed because {reason.text}"
    if reason and not fault:
        return f"it works, but should not, because {reason.text}"
    return None


def test_logins(login_client, seen, build):
    missing = login_client.missing(build)
    if missing:
        pytest.skip(f"tests/integration/setup could not make {missing}")
    wrong = {}
    for (flavor, cell, way), fault in seen(login_client).items():
        what = complaint(login_client, flavor, cell, way, fault)
        if what:
            wrong.setdefault(f"{flavor}, {way}: {what}", []).append(str(cell))
    if wrong:
        pytest.fail("\n".join(f"{what}\n    {'; '.join(which)}" for what, which in wrong.items()), pytrace=False)


def test_table(seen):
    missing = [client.name for client in logins.ALL if client.name not in seen.all]
    if missing:
        pytest.skip(f"these did not run: {', '.join(missing)}")
    if any(complaint(client, flavor, cell, way, fault) for client in logins.ALL
           for (flavor, cell, way), fault in seen.all[client.name].items()):
        pytest.skip("not every cell is as it should be")
    text = logins.page(seen.all)
    if os.environ.get("UPDATE_EXPECTED"):
        TABLE.write_text(text)
    there = TABLE.read_text() if TABLE.exists() else ""
    if there != text:
        difference = difflib.unified_diff(there.split("\n"), text.split("\n"), "docs/logins.md", "seen", n=0, lineterm="")
        pytest.fail("UPDATE_EXPECTED=1 writes docs/logins.md anew:\n" + "\n".join(list(difference)[:40]), pytrace=False)
