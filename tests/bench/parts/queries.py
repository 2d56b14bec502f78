"""sysbench through each program, before a MariaDB server: CPU, system calls and instructions a query."""

from candidates import JUDGING, LENDING, SESSION, Direct, HaProxy, MysqlProxy, Nginx
from measure import by_turns, column, instructions, measured_load, ratios, start_anew, system_calls

PART = "queries"
CLIENTS = (1, 16, 64, 256)
#: Queries in a transaction, text: by how much fewer transactions are needed for as many queries.
WORKLOADS = {"oltp_point_select": 1, "oltp_read_only": 16, "oltp_read_write": 20}
#: Turns of each program. Point selects have bars to meet, and the machine's speed changes from one to the next.
ROUNDS = {"oltp_point_select": 15, "oltp_read_only": 3, "oltp_read_write": 3}
#: Turns more of the two of which one has to be no dearer than the other. A turn's ratio varies by 0.07, and theirs is
#: a few hundredths below 1: 21 turns came to 0.98 one time and to 1.01 the next.
CLOSE = ("haproxy", "lending")
CLOSE_CLIENTS = (16, 64)
CLOSE_ROUNDS = 50


def candidates(suite, folder, server, room=4000):
    return [
        HaProxy(folder, server, 1, room),
        Nginx(folder, server, room),
        MysqlProxy(folder, server, suite.proxy, 1, room, "session", SESSION),
        MysqlProxy(folder, server, suite.proxy, 1, room, "lending", LENDING),
        MysqlProxy(folder, server, suite.proxy, 1, room, "judging", JUDGING),
    ]


def how(prepared):
    return "prepared" if prepared else "text"


def time_and_rate(suite, results, among, base, workload, clients, prepared):
    # Enough for what each client does but once not to count: its statement is new on a connection, and it says farewell.
    events = suite.pick(max(2500, 320 * min(clients, 64)), 100) // WORKLOADS[workload]

    def work(candidate):
        start_anew(candidate, workload, clients, prepared, max(events // 8, clients))
        load = measured_load(candidate, workload, clients, prepared, f"--events={events}", "--time=0")
        return {"cpu": load.cpu / load.queries * 1e6, "rate": load.rate, "p95": load.p95 * 1000}

    rounds = by_turns(among, suite.pick(ROUNDS[workload], 1), work)
    if workload == "oltp_point_select" and clients in CLOSE_CLIENTS:
        close = [one for one in among if one.name in CLOSE]
        rounds += by_turns(close, suite.pick(CLOSE_ROUNDS, 0), work, seed=2)
    for one in among:
        labels = {"workload": workload, "clients": clients, "how": how(prepared), "candidate": one.name}
        results.add(PART, "queries a second", "/s", column(rounds, one.name, "rate"), **labels)
        results.add(PART, "transaction p95", "us", column(rounds, one.name, "p95"), **labels)
        if one.pid:
            results.add(PART, "CPU a query", "us", column(rounds, one.name, "cpu"), **labels)
            results.add(PART, "CPU of haproxy's", "", ratios(rounds, one.name, base, "cpu"), **labels)


def calls(suite, results, among):
    for clients in (1, 16):
        for prepared in suite.pick((False, True), (False,)):
            for one in among:
                counted = system_calls(one, "oltp_point_select", prepared, clients, suite.pick(3000, 100))
                labels = {"clients": clients, "how": how(prepared), "candidate": one.name}
                results.add(PART, "system calls a query", "", sum(count for count, _ in counted.values()), **labels)
                shown = [f"{name} {count:.2f}" + (f" ({failed:.2f} failed)" if failed >= 0.005 else "")
                         for name, (count, failed) in sorted(counted.items(), key=lambda item: -item[1][0]) if count >= 0.02]
                print(f"    {', '.join(shown)}")


def user_instructions(suite, results, among):
    wanted = [("oltp_point_select", False), ("oltp_point_select", True), ("oltp_read_write", True)]
    for workload, prepared in suite.pick(wanted, wanted[:1]):
        for one in among:
            events = suite.pick(4000, 200) // WORKLOADS[workload]
            count = instructions(one, workload, prepared, 4, events)
            results.add(PART, "user instructions a query", "", count, workload=workload, how=how(prepared), candidate=one.name)


def run(suite, results):
    folder = suite.new_folder("queries")
    server = suite.mariadb()
    among = candidates(suite, folder, server)
    try:
        for one in among:
            one.start()
        everybody = [Direct(folder, server), *among]
        for workload in suite.pick(list(WORKLOADS), list(WORKLOADS)[::2]):
            for clients in suite.pick(CLIENTS, (4,)):
                for prepared in (False, True):
                    time_and_rate(suite, results, everybody, "haproxy", workload, clients, prepared)
        calls(suite, results, among)
    finally:
        for one in among:
            one.stop()
    if suite.counts_instructions:
        user_instructions(suite, results, [one for one in among if not suite.quick or one.name in ("haproxy", "lending")])
