"""The same program of queries, directly and through the proxy: six clients, two servers.

Each client runs the whole conversation twice for a server, in one process each time; then every case
is a test that compares what the two runs saw, value by value.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from conversation import conversation
from harness import clients
from harness.compare import complaints


def pytest_generate_tests(metafunc):
    if "case_name" not in metafunc.fixturenames:
        return
    wanted = [name for name in metafunc.config.getoption("--clients").split(",") if name]
    chosen = [client for client in clients.ALL if not wanted or client.name in wanted]
    names = {flavor: [case["name"] for case in conversation(flavor, "")] for flavor in ("mariadb", "mysql")}
    metafunc.parametrize(
        ("server", "client", "case_name"),
        [pytest.param(flavor, client, name, id=f"{flavor}-{client.name}-{name}")
         for flavor in names for client in chosen for name in names[flavor]],
        indirect=["server"], scope="session")


@pytest.fixture(scope="session")
def files(work):
    """What LOCAL INFILE sends."""
    folder = work / "infile"
    folder.mkdir()
    (folder / "rows.csv").write_text("".join(f"{i},row {i} {'x' * (i % 80)}\n" for i in range(5000)))
    (folder / "empty.csv").write_text("")
    (folder / "odd.csv").write_text("1,fine\nnot a number,bad\n3\n4,too,many\n5,no newline")
    return folder


@pytest.fixture(scope="session")
def conversations(work, build, files, mariadb, mysql, shared_proxies):
    """get(server, client): the cases, and what the client saw of them directly and through the proxy."""
    servers = (mariadb, mysql)
    made = {}

    def both_ways(server, client):
        cases = conversation(server.flavor, str(files))
        seen = []
        for way, port in (("direct", server.port), ("proxied", shared_proxies(server).port)):
            server.clean()
            folder = work / f"{server.name}-{client.name}-{way}"
            seen.append(clients.converse(client, build, port, cases, folder))
        return {case["name"]: case for case in cases}, *seen

    def get(server, client):
        if (server.name, client.name) not in made:
            for one in servers:
                shared_proxies(one)
            # A client talks to both servers at the same time.
            with ThreadPoolExecutor() as pool:
                for one in servers:
                    made[one.name, client.name] = pool.submit(both_ways, one, client)
        # A program that ended badly is as bad for every case, and is not run again for each.
        return made[server.name, client.name].result()

    return get


def test_same(server, client, case_name, conversations, proxy):
    cases, direct, proxied = conversations(server, client)
    wrong = list(complaints(cases[case_name], direct[case_name], proxied[case_name]))
    if wrong:
        pytest.fail("\n".join(wrong[:30]), pytrace=False)
