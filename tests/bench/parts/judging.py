"""What 50 rules, the guard and statistics cost a query: mysqlproxy with them and without, by turns, before MariaDB."""

from candidates import JUDGED, SESSION, MysqlProxy
from measure import by_turns, column, measured_load, start_anew

PART = "judging"
CLIENTS = 64


def run(suite, results):
    folder = suite.new_folder("judging")
    server = suite.mariadb()
    plain, judged = among = [MysqlProxy(folder, server, suite.proxy, 1, name=work, work=work) for work in (SESSION, JUDGED)]
    try:
        for one in among:
            one.start()
        for workload in ("oltp_point_select", "oltp_read_write"):
            for prepared in suite.pick((True, False), (True,)):
                def work(candidate, workload=workload, prepared=prepared):
                    start_anew(candidate, workload, CLIENTS, prepared, suite.pick(2000, CLIENTS))
                    load = measured_load(candidate, workload, CLIENTS, prepared, "--time=1")
                    return {"cpu": load.cpu / load.queries * 1e6}

                # A small difference of two figures that vary by more than it is: it takes many rounds.
                rounds = by_turns(among, suite.pick(41, 1), work)
                labels = {"workload": workload, "how": "prepared" if prepared else "text"}
                before, after = (column(rounds, one.name, "cpu") for one in (plain, judged))
                results.add(PART, "CPU a query", "us", before, **labels, candidate=plain.name)
                results.add(PART, "CPU a query", "us", after, **labels, candidate=judged.name)
                # Of each round, so that a drift of the machine's speed cancels out.
                results.add(PART, "CPU a query more", "us", [b - a for a, b in zip(before, after)], **labels)
    finally:
        for one in among:
            one.stop()
