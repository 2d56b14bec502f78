"""What the figures are held against: each bar, the figure, the peer's in the same run, and whether it is met."""

from dataclasses import dataclass

from results import find, short


@dataclass
class Judged:
    what: str
    bar: str
    aim: str
    figure: str
    peer: str
    met: bool


class Judge:
    def __init__(self, figures):
        self.figures = figures
        self.rows = []

    def value(self, part, name, **labels):
        figure = find(self.figures, part, name, **labels)
        return figure["value"] if figure else None

    def at_most(self, what, limit, unit, value, peer="", aim=None):
        """Judges nothing where nothing was measured."""
        if value is None or limit is None:
            return
        self.rows.append(Judged(what, f"≤ {short(limit)}{unit}", f"{short(aim)}{unit}" if aim else "",
                                f"{short(value)}{unit}", peer, value <= limit))

    def at_least(self, what, limit, unit, value, peer=""):
        if value is not None:
            self.rows.append(Judged(what, f"≥ {short(limit)}{unit}", "", f"{short(value)}{unit}", peer, value >= limit))

    def peer(self, name, unit, *where, **labels):
        value = self.value(*where, **labels)
        return f"{name} {short(value)}{unit}" if value is not None else ""


def judge_cpu(judge):
    for candidate, limit, aim in (("lending", 1.0, 0.8), ("judging", 1.1, None)):
        for part, source, labels in (("rig", "rig", {}), ("queries", "sysbench", {"workload": "oltp_point_select"})):
            for clients in (16, 64):
                for how in ("text", "prepared"):
                    same = {**labels, "clients": clients, "how": how}
                    cpu = judge.value(part, "CPU a query", candidate=candidate, **same)
                    ratio = judge.value(part, "CPU of haproxy's", candidate=candidate, **same)
                    peer = judge.peer("haproxy", " us", part, "CPU a query", candidate="haproxy", **same)
                    judge.at_most(f"CPU of a point select beside haproxy's: {candidate}, {clients} clients, {how}, {source}",
                                  limit, "", ratio, peer + (f", {short(cpu)} us here" if cpu else ""), aim)


def judge_counts(judge):
    for clients, limit in ((1, 6), (16, 5)):
        for how in ("text", "prepared"):
            same = {"clients": clients, "how": how}
            calls = judge.value("queries", "system calls a query", candidate="lending", **same)
            # Thousandths are of what else the program did in the one run and not in the other.
            judge.at_most(f"system calls of a point select: lending, {clients} clients, {how}", limit, "",
                          None if calls is None else round(calls, 2),
                          judge.peer("haproxy", "", "queries", "system calls a query", candidate="haproxy", **same))
    for candidate, limit, aim in (("lending", 6300, 2500), ("judging", 10000, 6300)):
        for how in ("text", "prepared"):
            same = {"workload": "oltp_point_select", "how": how}
            peers = [judge.peer(name, "", "queries", "user instructions a query", candidate=name, **same)
                     for name in ("haproxy", "nginx")]
            judge.at_most(f"user instructions of a point select: {candidate}, {how}", limit, "",
                          judge.value("queries", "user instructions a query", candidate=candidate, **same),
                          ", ".join(filter(None, peers)), aim)


def judge_logins(judge):
    for plugin in ("mysql_native_password", "caching_sha2_password"):
        same = {"plugin": plugin, "link": "plain"}
        # In all, not the user instructions alone: haproxy's share of those is small, since it has the kernel connect
        # to the server for each client, and neither checks a password nor begins a session.
        here = judge.value("logins", "user instructions a login", candidate="lending", **same)
        peers = [judge.peer("haproxy", " us", "logins", "CPU a login", candidate="haproxy", **same),
                 judge.peer("of which", " user instructions", "logins", "user instructions a login", candidate="haproxy", **same),
                 f"{short(here)} here" if here else ""]
        judge.at_most(f"CPU of a login, query and farewell beside haproxy's: lending, {plugin}", 1.0, "",
                      judge.value("logins", "CPU of haproxy's", candidate="lending", **same), ", ".join(filter(None, peers)))
        judge.at_most(f"server connects of the same: lending, {plugin}", 0, "",
                      judge.value("logins", "server connects a login", candidate="lending", **same),
                      judge.peer("haproxy", "", "logins", "server connects a login", candidate="haproxy", **same))


def judge_memory(judge):
    def most(name, link):
        """Clients: 10,000, or as many as the machine has descriptors for."""
        return max((figure["labels"]["clients"] for figure in judge.figures if figure["part"] == "idle"
                    and figure["labels"]["candidate"] == name and figure["labels"]["link"] == link), default=0)

    peers = ", ".join(filter(None, (judge.peer(name, " KiB", "idle", "memory a connection", candidate=name,
                                               clients=most(name, "plain"), link="plain") for name in ("haproxy", "nginx"))))
    for candidate in ("lending", "session"):
        for link, limit, aim in (("plain", 4, 1), ("TLS", 20, None)):
            count = most(candidate, link)
            if count == 0:
                continue
            value = judge.value("idle", "memory a connection", candidate=candidate, clients=count, link=link)
            judge.at_most(f"memory of each of {count:,} idle clients: {candidate}, {link}", limit, " KiB", value,
                          peers if link == "plain" else "", aim)


def judge_bulk(judge):
    for candidate in ("lending", "session"):
        judge.at_most(f"CPU of 1 GB of rows beside haproxy's: {candidate}", 1.1, "",
                      judge.value("bulk", "CPU of haproxy's", what="result", link="plain", candidate=candidate),
                      judge.peer("haproxy", " s", "bulk", "CPU a GB", what="result", link="plain", candidate="haproxy"))
        for what in ("64 MiB command", "1 GB upload"):
            judge.at_most(f"growth of memory by a {what}: {candidate}", 1024, " KiB",
                          judge.value("bulk", "growth of memory", what=what, candidate=candidate),
                          judge.peer("haproxy", " KiB", "bulk", "growth of memory", what=what, candidate="haproxy"))


def judge_codec(judge):
    for kind, most_time, most_instructions in (("text", 30, 250), ("binary", 40, 400)):
        ours, theirs = f"{kind}_row_of_six", f"connector_{kind}_row_of_six"
        for name, unit, limit in (("time an item", " ns", most_time), ("instructions an item", "", most_instructions)):
            judge.at_most(f"{name.split()[0]} of a {kind} row of six columns", limit, unit, judge.value("codec", name, item=ours),
                          judge.peer("Connector/C", unit, "codec", name, item=theirs))


def judge_sql(judge):
    judge.at_most("lexing, classification and digest of a statement, per byte", 4, " ns",
                  judge.value("codec", "time a byte", item="analyze_statements"),
                  judge.peer("memchr", " ns", "codec", "time a byte", item="scan"))
    for workload in ("oltp_point_select", "oltp_read_write"):
        for how in ("prepared", "text"):
            same = {"workload": workload, "how": how}
            judge.at_most(f"CPU a query more by 50 rules, guard and statistics: {workload}, {how}", 0.8, " us",
                          judge.value("judging", "CPU a query more", **same),
                          judge.peer("without", " us", "judging", "CPU a query", candidate="session", **same))


def judge_captures(judge):
    def rate(program):
        rates = [figure["value"] for figure in judge.figures
                 if figure["part"] == "captures" and figure["name"] == "MB a CPU second"
                 and figure["labels"]["program"] == program]
        return rates[0] if rates else None

    for output, peer, times, least in (("json", "tshark -T json", 20, 50), ("digest", "pt-query-digest", 50, 150)):
        ours, theirs = rate(f"pcapdecode -f {output}"), rate(peer)
        if ours and theirs:
            judge.at_least(f"pcapdecode -f {output} beside {peer}", times, " times", ours / theirs, f"{peer} {short(theirs)} MB/s")
            judge.at_least(f"pcapdecode -f {output}, MB a CPU second", least, "", ours)


def judged(figures):
    judge = Judge(figures)
    for each in (judge_cpu, judge_counts, judge_logins, judge_memory, judge_bulk, judge_codec, judge_sql, judge_captures):
        each(judge)
    return judge.rows
