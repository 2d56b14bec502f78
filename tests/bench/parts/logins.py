"""connect + login + SELECT 1 + quit, one after the other, before MySQL; the pool of lent connections is warm.

haproxy and nginx pass TLS through to the server: what they spend on it is spent there, and their figures are those
without TLS. mysqlproxy logs the client in itself; it goes on to the server in clear, as they do for a client in clear.
"""

from candidates import LENDING, SESSION, HaProxy, MysqlProxy, Nginx, start_mysql
from measure import Connector, by_turns, column, instructions_of, ratios

PART = "logins"


def candidates(suite, folder, server):
    # Checks are seldom, since each is a connection of its own.
    return [
        HaProxy(folder, server, 1, check="1h"),
        Nginx(folder, server),
        MysqlProxy(folder, server, suite.proxy, 1, name="session", work=SESSION, check="1h"),
        MysqlProxy(folder, server, suite.proxy, 1, name="lending", work=LENDING, check="1h"),
    ]


class Count:
    """Connections that a server has accepted, by a connection that stays."""

    def __init__(self, server):
        self.connection = server.admin()

    def __call__(self):
        with self.connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Connections'")
            return int(cursor.fetchone()[1])


def spent(suite, results, among, connector, accepted, sha2, tls, labels):
    count = suite.pick(50 if tls else 150, 3)

    def work(candidate):
        cpu, before = candidate.cpu(), accepted()
        seconds = connector.run(candidate.port, "logins", count=count, tls=tls, sha2=sha2)["seconds"]
        return {"cpu": (candidate.cpu() - cpu) / count * 1e6, "connects": (accepted() - before) / count,
                "rate": count / seconds}

    for one in among:  # the pool, and what the server remembers of passwords
        connector.run(one.port, "logins", count=3, tls=tls, sha2=sha2)
    rounds = by_turns(among, suite.pick(4, 1), work)
    for one in among:
        labels["candidate"] = one.name
        results.add(PART, "CPU a login", "us", column(rounds, one.name, "cpu"), **labels)
        results.add(PART, "CPU of haproxy's", "", ratios(rounds, one.name, "haproxy", "cpu"), **labels)
        results.add(PART, "server connects a login", "", column(rounds, one.name, "connects"), **labels)
        results.add(PART, "logins a second", "/s", column(rounds, one.name, "rate"), **labels)


def counted(suite, results, among, connector, sha2, tls, labels):
    count = suite.pick(20 if tls else 60, 3)
    for one in among:
        def work(times, port=one.port):
            connector.run(port, "logins", count=3, tls=tls, sha2=sha2)
            return connector.run(port, "logins", count=count * times, tls=tls, sha2=sha2)["logins"]

        labels["candidate"] = one.name
        results.add(PART, "user instructions a login", "", instructions_of(one, work), **labels)


def run(suite, results):
    folder = suite.new_folder("logins")
    server = start_mysql(folder, suite.mysql_base)
    connector = Connector(suite.build)
    kinds = [(sha2, tls, {"plugin": "caching_sha2_password" if sha2 else "mysql_native_password", "link": "TLS" if tls else "plain"})
             for sha2 in (False, True) for tls in (False, True)]
    try:
        # A caching_sha2_password login without TLS needs a server that remembers the password.
        connector.run(server.port, "logins", tls=True, sha2=True)
        among = candidates(suite, folder, server)
        accepted = Count(server)
        try:
            for one in among:
                one.start()
            for sha2, tls, labels in suite.pick(kinds, kinds[::3]):
                spent(suite, results, among, connector, accepted, sha2, tls, labels)
        finally:
            for one in among:
                one.stop()
        few = [one for one in among if one.name in suite.pick(("haproxy", "session", "lending"), ("lending",))]
        for sha2, tls, labels in suite.pick(kinds, kinds[:1]) if suite.counts_instructions else ():
            counted(suite, results, few, connector, sha2, tls, labels)
    finally:
        server.stop()
