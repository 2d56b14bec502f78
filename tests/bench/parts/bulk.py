"""Large results and large commands. TLS and compression are between client and mysqlproxy; haproxy and nginx leave them to
the server, so they are measured without."""

from candidates import LENDING, SESSION, HaProxy, MysqlProxy, Nginx
from measure import Connector, by_turns, column, ratios

PART = "bulk"
ROW = 120  # bytes of payload
MB, GB, MIB = 10**6, 10**9, 2**20


def measured(suite, results, among, base, what, size, rounds, work, **labels):
    def turn(candidate):
        cpu = candidate.cpu()
        seconds = work(candidate)["seconds"]
        return {"cpu": (candidate.cpu() - cpu) / size * GB, "rate": size / MB / seconds}

    seen = by_turns(among, rounds, turn)
    for one in among:
        labels.update(what=what, candidate=one.name)
        results.add(PART, "CPU a GB", "s", column(seen, one.name, "cpu"), **labels)
        results.add(PART, "rate", "MB/s", column(seen, one.name, "rate"), **labels)
        if base:
            results.add(PART, "CPU of haproxy's", "", ratios(seen, one.name, base, "cpu"), **labels)


def growth(suite, results, among, connector, what, count, size):
    for one in among:
        connector.run(one.port, "logins")
        one.forget_peak()
        before = one.memory()[0]
        connector.run(one.port, "upload", count=count, size=size)
        results.add(PART, "growth of memory", "KiB", (one.peak() - before) / 1024, what=what, candidate=one.name)


def run(suite, results):
    folder = suite.new_folder("bulk")
    server = suite.mariadb()
    connector = Connector(suite.build)
    proxies = [MysqlProxy(folder, server, suite.proxy, 1, name="session", work=SESSION),
               MysqlProxy(folder, server, suite.proxy, 1, name="lending", work=LENDING)]
    among = [HaProxy(folder, server, 1), Nginx(folder, server), *proxies]
    # A GB of each in slices: 4 of 250 MB.
    part, rounds = suite.pick((250 * MB, 4), (2 * MB, 1))
    sql = f"SELECT REPEAT('x', {ROW - 1}) FROM seq_1_to_{part // ROW}"
    command = suite.pick(64 * MIB, MIB)
    try:
        for one in among:
            one.start()
        growth(suite, results, among, connector, "64 MiB command", 1, command)
        growth(suite, results, among, connector, "1 GB upload", suite.pick(15, 2), command)

        def fetch(**options):
            return lambda candidate: connector.run(candidate.port, "fetch", sql=sql, **options)

        def upload(**options):
            return lambda candidate: connector.run(candidate.port, "upload", count=suite.pick(4, 1), size=command, **options)

        sent = suite.pick(4, 1) * command
        measured(suite, results, among, "haproxy", "result", part, rounds, fetch(), link="plain")
        measured(suite, results, among, "haproxy", "upload", sent, rounds, upload(), link="plain")
        for link, options in (("TLS", {"tls": True}), ("zlib", {"compress": True})):
            measured(suite, results, proxies, None, "result", part, suite.pick(2, 1), fetch(**options), link=link)
            measured(suite, results, proxies, None, "upload", sent, suite.pick(2, 1), upload(**options), link=link)
    finally:
        for one in among:
            one.stop()
