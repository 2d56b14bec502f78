"""Memory of idle, logged-in connections: growth of a process that was started anew. The kernel's buffers are not in it."""

import resource

from candidates import LENDING, SESSION, CrowdedBackend, Failure, HaProxy, MysqlProxy, Nginx, start_server
from measure import Connector

PART = "idle"


def measure(results, connector, candidate, count, tls):
    candidate.start()
    try:
        connector.run(candidate.port, "logins", count=20, tls=tls)  # what a first connection makes it set up
        before = candidate.memory()[0]
        held = connector.hold(candidate.port, count, tls)
        after = candidate.memory()[0]
        lost = held.end()
    finally:
        candidate.stop()
    if lost:
        raise Failure(f"{candidate.name}: {lost} of {count} idle connections were lost")
    results.add(PART, "memory a connection", "KiB", (after - before) / count / 1024, clients=count,
                link="TLS" if tls else "plain", candidate=candidate.name)


def run(suite, results):
    folder = suite.new_folder("idle")
    # Most programs need two descriptors for an idle client, and some for themselves.
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 600
    most, lent = (min(10000, descriptors // each // 100 * 100) for each in (2, 1))
    fewer = suite.pick(2000, 50)
    room = most + 100
    server = start_server(folder, room, CrowdedBackend)
    connector = Connector(suite.build)
    haproxy, nginx = HaProxy(folder, server, 1, room), Nginx(folder, server, room)
    session = MysqlProxy(folder, server, suite.proxy, 1, room, "session", SESSION)
    lending = MysqlProxy(folder, server, suite.proxy, 1, lent + 100, "lending", LENDING)
    try:
        for candidate in (haproxy, nginx, session, lending):
            for count in suite.pick((fewer, lent if candidate is lending else most), (fewer,)):
                measure(results, connector, candidate, count, False)
        # Connector/C loads the system's certificates for every connection, which takes minutes for thousands.
        for candidate in (session, lending):
            measure(results, connector, candidate, fewer, True)
    finally:
        server.stop()
