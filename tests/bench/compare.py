"""Whether one build is worse than another: both in one run, by turns."""

from candidates import LENDING, SESSION, MysqlProxy
from measure import Spread, column, instructions, ratios
from parts import codec, rig

#: By how much the second build may be dearer before it counts as worse. Times scatter, instructions do not.
TIME, COUNT = 1.05, 1.02


class Comparison:
    def __init__(self):
        self.worse = 0

    def say(self, what, before, after, ratio, limit, low=None):
        """Worse is what is beyond the limit, and for times in three of four rounds beyond 1."""
        worse = ratio > limit and (low is None or low > 1)
        self.worse += worse
        print(f"  {what:60} {before:10.2f} -> {after:10.2f}  {ratio:.3f}{'  WORSE' if worse else ''}", flush=True)


def compare_queries(suite, builds, comparison):
    folder = suite.new_folder("compare")
    server = rig.CannedServer(suite, folder, suite.mariadb())
    pairs = [[MysqlProxy(folder, server, build / "proxy/mysqlproxy", 1, name=f"{work} {which}", work=work)
              for which, build in zip("ab", builds)] for work in (SESSION, LENDING)]
    among = [one for pair in pairs for one in pair]
    try:
        for one in among:
            one.start()
        for clients in suite.pick((1, 16, 64), (4,)):
            for prepared in (False, True):
                rounds = rig.slices(suite, among, clients, prepared, suite.pick(40, 2), suite.pick(80, 20))
                for before, after in pairs:
                    spread = Spread.of(ratios(rounds, after.name, before.name, "cpu"))
                    comparison.say(f"us of CPU a query, {before.name[:-2]}, {clients} clients, {'prepared' if prepared else 'text'}",
                                   *(Spread.of(column(rounds, one.name, "cpu")).median for one in (before, after)),
                                   spread.median, TIME, spread.low)
    finally:
        for one in among:
            one.stop()
        server.stop()


def compare_instructions(suite, builds, comparison):
    if not suite.counts_instructions:
        return
    folder = suite.new_folder("instructions")
    for work in (SESSION, LENDING):
        counts = [instructions(MysqlProxy(folder, suite.mariadb(), build / "proxy/mysqlproxy", 1, name=f"{work} {which}", work=work),
                               "oltp_point_select", True, 4, suite.pick(4000, 200)) for which, build in zip("ab", builds)]
        comparison.say(f"user instructions a query, {work}", *counts, counts[1] / counts[0], COUNT)


def compare_codec(suite, builds, comparison):
    programs = [build / "tests/bench/codec_bench" for build in builds]
    if suite.quick:
        return
    # By turns, each the median of its repetitions.
    rounds = [[codec.median_times(program, 3) for program in programs] for _ in range(3)]
    for item in [name for name in rounds[0][0] if name in rounds[0][1] and not name.startswith(("connector_", "copy_"))]:
        spread = Spread.of([after[item] / before[item] for before, after in rounds])
        comparison.say(f"ns, {item}", *(Spread.of([one[i][item] for one in rounds]).median for i in (0, 1)), spread.median,
                       1.1, spread.low)


def compare(suite, *builds):
    """1 when the second is worse in anything."""
    comparison = Comparison()
    for part in (compare_queries, compare_instructions, compare_codec):
        part(suite, builds, comparison)
    print(f"{comparison.worse} worse")
    return 1 if comparison.worse else 0
