#!/usr/bin/python3
"""Writes the page of results, and its plots in a folder of the same name, from the JSON of tests/bench/run.

    tests/bench/page.py RESULTS.json docs/benchmarks.md
"""

import json
import sys
from pathlib import Path

import plots
from bars import judged
from results import as_text, form, short

HEAD = """# Benchmarks

This page and its plots were written by `tests/bench/run --page docs/benchmarks.md`, which
[tests/bench/README.md](../tests/bench/README.md) describes. Everything ran on one machine: clients, proxies and
servers share its cores, so that costs per query are what to compare, and throughput says little. Figures are
medians of turns in an order of chance, quartiles in brackets; an empty cell was not measured.
{machine}; {program}. The figures are also in [JSON]({folder}/results.json).

*session*: mysqlproxy with a server connection for each client. *lending*: with `pooling = "transaction"` and
statistics. *judging*: the same with 50 rules, the guard and reads to another pool. All of these, haproxy (in TCP
mode) and nginx (its stream module) have one thread that carries data, unless a figure says otherwise.
"""


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def unique(values):
    return list(dict.fromkeys(values))


class Page:
    def __init__(self, figures, folder):
        self.figures = figures
        self.folder = folder
        self.text = []

    def of(self, part, *names):
        return [figure for figure in self.figures if figure["part"] == part and (not names or figure["name"] in names)]

    def pivot(self, part, name, column="candidate", where=None):
        """Rows by all labels but one, a column for each value of that one."""
        figures = [figure for figure in self.of(part, name)
                   if all(figure["labels"].get(key) == value for key, value in (where or {}).items())]
        if not figures:
            return
        columns = unique(figure["labels"][column] for figure in figures)
        cells = {}
        for figure in figures:
            row = tuple(str(value) for key, value in figure["labels"].items() if key != column and key not in (where or {}))
            cells.setdefault(row, {})[figure["labels"][column]] = figure
        labels = [key for key in figures[0]["labels"] if key != column and key not in (where or {})]
        unit = figures[0]["unit"]
        self.text.append(table(
            [*labels, *(f"{one}, {unit}" if unit else one for one in columns)],
            [[*row, *(cell(found.get(one)) for one in columns)] for row, found in cells.items()]))

    def plot(self, name, draw, title):
        if path := draw(self.figures, self.folder / f"{name}.svg"):
            self.text.append(f"![{title}]({self.folder.name}/{path.name})\n")

    def section(self, part, title, words):
        if not self.of(part):
            return False
        self.text.append(f"## {title}\n\n{words}\n")
        return True


def cell(figure):
    if not figure:
        return ""
    return form({**figure, "unit": ""}).replace(" (", "<br>(", 1) if figure["count"] > 2 else short(figure["value"])


def bars(page):
    rows = judged(page.figures)
    met = sum(row.met for row in rows)
    page.text.append(f"## Bars\n\n{met} of {len(rows)} are met. The peer's figure is of the same run.\n")
    page.text.append(table(["", "bar", "aim", "figure", "peer", ""],
                           [[row.what, row.bar, row.aim, row.figure, row.peer, "met" if row.met else "**not met**"]
                            for row in rows]))


def queries(page):
    if page.section("rig", "A query, by the rig",
                    "Point selects by a client in a closed loop, answered by a server that has the answer ready: what is "
                    "between them is most of what there is to measure. CPU time is user and system time of the program in "
                    "the middle, and added latency is what it adds to that of the client and server directly."):
        page.plot("rig", plots.rig, "CPU of a point select, by clients")
        for name in ("CPU a query", "CPU of haproxy's", "added latency p50", "added latency p95", "added latency p99",
                     "queries a second"):
            page.text.append(f"**{name}**\n")
            page.pivot("rig", name)
    if page.section("queries", "A query, by sysbench", "Before MariaDB. Logins are left out of the CPU time."):
        page.plot("sysbench", plots.sysbench, "CPU of a query, by workload and clients")
        page.plot("counts", plots.counts, "System calls and user instructions of a point select")
        for name in ("CPU a query", "CPU of haproxy's", "system calls a query", "user instructions a query",
                     "transaction p95", "queries a second"):
            page.text.append(f"**{name}**\n")
            page.pivot("queries", name)


def others(page):
    if page.section("judging", "Rules, guard and statistics",
                    "mysqlproxy with 50 rules, the guard and statistics (*judged*) and without any, by turns; 64 clients, each "
                    "with a server connection."):
        page.pivot("judging", "CPU a query")
    if page.section("logins", "Logins",
                    "connect, log in, SELECT 1, quit, one after the other, before MySQL, from a warm pool. haproxy and nginx "
                    "hand TLS and passwords on to the server, and spend nothing on them."):
        page.plot("logins", plots.logins, "CPU of a login")
        for name in ("CPU a login", "CPU of haproxy's", "user instructions a login", "server connects a login",
                     "logins a second"):
            page.text.append(f"**{name}**\n")
            page.pivot("logins", name)
    if page.section("bulk", "Large results and commands",
                    "A result of 120-byte rows, and commands of 64 MiB, until there is a GB of each. Growth is from the "
                    "resident memory before to the highest while it passes."):
        page.plot("bulk", plots.bulk, "CPU of a GB")
        for name in ("CPU a GB", "CPU of haproxy's", "rate", "growth of memory"):
            page.text.append(f"**{name}**\n")
            page.pivot("bulk", name)
    if page.section("idle", "Idle clients",
                    "Growth of resident memory by clients that have logged in and do nothing, of a process started for "
                    "them. Buffers of the kernel are not in it."):
        page.plot("idle", plots.idle, "Memory of an idle client")
        page.pivot("idle", "memory a connection")
    if page.section("codec", "The library",
                    "Rows of six have numbers, a decimal, a time, a text and a NULL, 64 bytes; `connector_` is MariaDB "
                    "Connector/C over the same rows, which it reads from a socket, and `copy_` is memcpy of the same bytes. "
                    "An item is a row, a message, a packet or a statement; instructions are those of user mode, where "
                    "cachegrind counts every byte that a string instruction of memcpy moves."):
        page.plot("codec", plots.codec, "A row of six columns")
        times = {figure["labels"]["item"]: figure for figure in page.of("codec", "time an item")}
        counts = {figure["labels"]["item"]: figure for figure in page.of("codec", "instructions an item")}
        page.text.append(table(["item", "ns", "instructions"],
                               [[f"`{item}`", form({**figure, "unit": ""}), short(counts[item]["value"]) if item in counts else ""]
                                for item, figure in times.items()]))
    if page.section("captures", "Captures",
                    "pcapdecode beside others, on a capture of sysbench's oltp_read_write with prepared statements. The slow "
                    "programs got its first 10 MB. A peak below that of the benchmark itself, which starts them, shows as that: "
                    "the least of the column."):
        page.plot("captures", plots.captures, "Megabytes of capture a CPU second")
        page.text.append(table(["program", "capture, MB", "MB a CPU second", "peak of memory, MiB"],
                               [[rate["labels"]["program"], short(rate["labels"]["megabytes"]), form({**rate, "unit": ""}),
                                 short(peak["value"])]
                                for rate, peak in zip(page.of("captures", "MB a CPU second"),
                                                      page.of("captures", "peak of memory"))]))
    if page.section("start", "Start and size", ""):
        page.text.append(table(["program", "", ""],
                               [[figure["labels"]["program"], figure["name"], form(figure)] for figure in page.of("start")]))


def main():
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    data = json.loads(source.read_text())
    folder = target.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    page = Page(data["figures"], folder)
    page.text.append(HEAD.format(folder=folder.name, **data))
    bars(page)
    queries(page)
    others(page)
    target.write_text("\n".join(page.text))
    (folder / "results.json").write_text(as_text(data))


if __name__ == "__main__":
    main()
