#!/usr/bin/env python3
"""mysqlproxy beside haproxy in TCP mode, in front of the same private MariaDB server, in one run.

Prints for each: memory per idle connection, system calls, CPU time and instructions per query,
throughput and latency with idle and busy connections at once, and errors. tests/bench/README.md says
what each figure means. Exit code 0 when there was no error.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from candidates import (TOP, Direct, HaProxy, Judging, MysqlProxy, allow_many_descriptors, cpu_per_query, describe_machine,
                        instructions, require, run_load, start_server, system_calls)

WORKLOADS = [(workload, prepared) for workload in ("oltp_point_select", "oltp_read_write") for prepared in (True, False)]
# Transactions of each workload with about the same number of queries in all.
QUERIES_A_TRANSACTION = {"oltp_point_select": 1, "oltp_read_write": 20}


def title(workload, prepared):
    return f"{workload} {'prepared' if prepared else 'text'}"


def idle_and_busy(candidate, options):
    """Memory of idle connections, then load beside them. Returns the number of errors."""
    candidate.start()
    errors = 0
    try:
        run_load(candidate.port, "oltp_point_select", options.busy, True, "--time=1")  # to warm it up
        resident, proportional = candidate.memory()
        idle = [candidate.connect() for _ in range(options.idle)]
        after = candidate.memory()
        if candidate.child:
            print(f"  {options.idle} idle connections: {(after[0] - resident) / options.idle / 1024:.2f} KiB RSS, "
                  f"{(after[1] - proportional) / options.idle / 1024:.2f} KiB PSS each; "
                  f"{after[0] / 2**20:.1f} MiB RSS in all")
        for workload, prepared in WORKLOADS:
            before = candidate.cpu()
            load = run_load(candidate.port, workload, options.busy, prepared, f"--time={options.seconds}")
            used = f", {(candidate.cpu() - before) / load.queries * 1e6:.1f} us CPU a query" if candidate.child else ""
            print(f"  {title(workload, prepared):26} {options.idle} idle + {options.busy} busy: {load.rate:7.0f} queries/s, "
                  f"transaction {load.average:.2f} ms, 95 % {load.p95:.2f} ms, {load.errors} errors{used}")
            if load.complaint:
                print(f"    {load.complaint}")
            errors += load.errors
        for connection in idle:
            try:
                connection.ping(reconnect=False)
            except Exception as error:  # whatever a driver says of a lost connection
                print(f"    an idle connection was lost: {error}")
                errors += 1
            connection.close()
    finally:
        code = candidate.stop()
    if code != 0 and candidate.name == "mysqlproxy":
        print(f"  exit code {code}")
        errors += 1
    return errors


def per_query(candidates, options):
    print("\nCPU a query, short runs by turns (median, lowest, highest of us; logins included)")
    for candidate in candidates:
        candidate.start()
    try:
        for workload, prepared in WORKLOADS:
            results = cpu_per_query(candidates, workload, prepared, options.busy, 2, options.rounds)
            base = results["haproxy"][0]
            for name, (median, low, high, rate) in results.items():
                print(f"  {title(workload, prepared):26} {name:11} {median:6.2f} ({low:.2f} .. {high:.2f}), "
                      f"{median / base:.2f} of haproxy's; {rate:.0f} queries/s")
        print("\nSystem calls a query (in brackets: those that returned an error, such as EAGAIN)")
        for workload, prepared in WORKLOADS:
            for candidate in candidates:
                calls = system_calls(candidate, workload, prepared, 16, 8000 // QUERIES_A_TRANSACTION[workload])
                total = sum(count for count, _ in calls.values())
                shown = [f"{name} {count:.2f}" + (f" ({failed:.2f})" if failed >= 0.005 else "")
                         for name, (count, failed) in sorted(calls.items(), key=lambda one: -one[1][0]) if count >= 0.02]
                print(f"  {title(workload, prepared):26} {candidate.name:11} {total:5.2f}: {', '.join(shown)}")
    finally:
        for candidate in candidates:
            candidate.stop()


def user_instructions(candidates):
    print("\nUser instructions a query (cachegrind, difference of two runs)")
    for workload, prepared in WORKLOADS:
        for candidate in candidates:
            count = instructions(candidate, workload, prepared, 4, 4000 // QUERIES_A_TRANSACTION[workload])
            print(f"  {title(workload, prepared):26} {candidate.name:11} {count:7.0f}")


def judging(plain, judged, options):
    """What 50 rules, guard and statistics cost, in one run with them off."""
    print("\nCPU a query with 50 rules, guard and statistics, and without any")
    for candidate in (plain, judged):
        candidate.start()
    try:
        for workload, prepared in WORKLOADS:
            results = cpu_per_query([plain, judged], workload, prepared, options.busy, 2, options.rounds)
            before, after = results[plain.name], results[judged.name]
            print(f"  {title(workload, prepared):26} {before[0]:6.2f} -> {after[0]:6.2f} us, "
                  f"{after[0] - before[0]:+.2f} us")
    finally:
        for candidate in (plain, judged):
            candidate.stop()
    if options.no_instructions:
        return
    for workload, prepared in WORKLOADS:
        counts = [instructions(candidate, workload, prepared, 4, 4000 // QUERIES_A_TRANSACTION[workload])
                  for candidate in (plain, judged)]
        print(f"  {title(workload, prepared):26} {counts[0]:6.0f} -> {counts[1]:6.0f} user instructions, "
              f"{counts[1] - counts[0]:+.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", type=Path, default=TOP / "build-release/proxy/mysqlproxy")
    parser.add_argument("--idle", type=int, default=2000)
    parser.add_argument("--busy", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=5, help="of each workload beside the idle connections")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each program for CPU a query")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each proxy")
    parser.add_argument("--no-instructions", action="store_true", help="skip the slow runs under valgrind")
    parser.add_argument("--judging", action="store_true",
                        help="only compare mysqlproxy with rules, guard and statistics on and off")
    options = parser.parse_args()
    require("sysbench", *([] if options.judging else ["haproxy", "strace"]), *([] if options.no_instructions else ["valgrind"]))
    allow_many_descriptors()
    errors = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        room = options.idle + options.busy * 4 + 100
        server = start_server(folder, room)
        try:
            haproxy = HaProxy(folder, server, options.threads, room)
            mysqlproxy = MysqlProxy(folder, server, options.proxy, options.threads, room)
            if options.judging:
                print(describe_machine())
                judging(mysqlproxy, Judging(folder, server, options.proxy, options.threads, room), options)
                return 0
            print(f"{describe_machine()}; shared by sysbench, the proxy ({options.threads} threads) and MariaDB")
            for candidate in (Direct(folder, server), haproxy, mysqlproxy):
                print(f"\n{candidate.name}")
                errors += idle_and_busy(candidate, options)
            per_query([haproxy, mysqlproxy], options)
            if not options.no_instructions:
                user_instructions([haproxy, mysqlproxy])
        finally:
            server.stop()
    print(f"\n{errors} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
