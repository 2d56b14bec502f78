#!/usr/bin/env python3
"""More clients than the server has connections for: directly, and through mysqlproxy that lends them.

Each client connects, runs some statements and leaves, again and again; where the server refuses it
(error 1040) it tries again a moment later. Prints statements a second of both, by turns, and what was
refused. Exit code 0 when nothing but that went wrong.
"""

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from pathlib import Path

from candidates import (LENDING, PASSWORD, TOP, USER, Direct, MysqlProxy, allow_many_descriptors, describe_machine,
                        start_server)

import pymysql  # its path comes with candidates

REFUSED = 1040


def run_client(port, number, until, statements, results):
    """One client until the time has come."""
    done = refused = failed = 0
    while time.monotonic() < until:
        try:
            connection = pymysql.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD, database="test",
                                         autocommit=None)
        except pymysql.err.OperationalError as error:
            if error.args[0] == REFUSED:
                refused += 1
                time.sleep(0.01)
                continue
            print(f"    {error}")
            failed += 1
            continue
        try:
            with connection, connection.cursor() as cursor:
                for i in range(statements):
                    cursor.execute(f"SELECT c FROM sbtest1 WHERE id = {(number * 997 + i) % 10000 + 1}")
                    cursor.fetchall()
                    done += 1
        except pymysql.err.MySQLError as error:
            print(f"    {error}")
            failed += 1
    results.put((done, refused, failed))


def slice_of(port, options):
    """(statements a second, refused connections, errors) of all clients for some seconds."""
    results = multiprocessing.Queue()
    until = time.monotonic() + options.seconds
    clients = [multiprocessing.Process(target=run_client, args=(port, number, until, options.statements, results))
               for number in range(options.clients)]
    for client in clients:
        client.start()
    rows = [results.get() for _ in clients]
    for client in clients:
        client.join()
    return tuple(sum(column) for column in zip(*rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", type=Path, default=TOP / "build-release/proxy/mysqlproxy")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--connections", type=int, default=16, help="that the server has")
    parser.add_argument("--statements", type=int, default=10, help="of a client before it leaves")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    allow_many_descriptors()
    errors = 0
    with tempfile.TemporaryDirectory() as name:
        # Two more than the proxy may have: for its health check, and for whoever asks.
        server = start_server(Path(name), options.connections)
        lending = MysqlProxy(Path(name), server, options.proxy, 2, options.clients + 10, "lending", LENDING,
                             server_connections=options.connections - 2)
        candidates = [Direct(Path(name), server), lending]
        lending.start()
        try:
            print(f"{describe_machine()}; {options.clients} clients, {options.connections} server connections")
            rates = {candidate.name: [] for candidate in candidates}
            refused = dict.fromkeys(rates, 0)
            for _ in range(options.rounds):
                for candidate in candidates:
                    done, turned_away, failed = slice_of(candidate.port, options)
                    rates[candidate.name].append(done / options.seconds)
                    refused[candidate.name] += turned_away
                    errors += failed
            for one, rate in rates.items():
                print(f"  {one:10} {statistics.median(rate):7.0f} statements/s ({min(rate):.0f} .. {max(rate):.0f}), "
                      f"{refused[one]} connections refused")
        finally:
            lending.stop()
            server.stop()
    print(f"{errors} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
