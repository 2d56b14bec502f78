"""The same program of queries, directly and through the proxy: six clients, two servers.

Each client runs the whole conversation twice for a server, in one process each time; then every case
is a test that compares what the two runs saw, value by value.
"""

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
def conversations(work, build, files, shared_proxies):
    """get(server, client): the cases, and what the client saw of them directly and through the proxy."""
    made = {}

    def get(server, client):
        key = (server.name, client.name)

        def run(port, way):
            server.clean()
            return clients.converse(client, build, port, cases, work / "-".join([*key, way]))

        if key not in made:
            cases = conversation(server.flavor, str(files))
            # A program that ends badly is as bad for every case, and is not run again for each.
            try:
                made[key] = ({case["name"]: case for case in cases}, run(server.port, "direct"),
                             run(shared_proxies(server).port, "proxied"))
            except Exception as error:
                made[key] = error
        if isinstance(made[key], Exception):
            raise made[key]
        return made[key]

    return get


def test_same(server, client, case_name, conversations, proxy):
    cases, direct, proxied = conversations(server, client)
    wrong = list(complaints(cases[case_name], direct[case_name], proxied[case_name]))
    if wrong:
        pytest.fail("\n".join(wrong[:30]), pytrace=False)
