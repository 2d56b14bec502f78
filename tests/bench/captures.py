#!/usr/bin/env python3
"""pcapdecode beside tshark and pt-query-digest, on a capture of sysbench.

    tests/bench/captures.py --program build/cli/pcapdecode/pcapdecode [--folder DIR]

Records sysbench's oltp_read_write against a MariaDB of its own, repeats the recording with other
ports and later times up to 200 MB and 2 GB, and measures CPU time and peak memory of each program.
The slow programs get the beginning of the same capture (--cut MB), since their time grows with its
size; their rates are what they did there. Needs the rights to capture, 2.5 GB of disk, and
tests/support/install-packages captures.
"""

import argparse
import multiprocessing
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "captures"))

from servers import MariaDB  # noqa: E402

MB = 1_000_000
THREADS = 8
GLOBAL_HEADER = 24
RECORD_HEADER = 16
ETHERNET_AND_IP = 34


def record(folder, seconds):
    """A capture of sysbench from its first connection to its last."""
    server = MariaDB(folder / "server", ["--skip-log-bin", "--innodb-flush-log-at-trx-commit=0"])
    path = folder / "seed.pcap"
    try:
        server.admin("CREATE DATABASE sbtest; CREATE USER bench@'127.0.0.1' IDENTIFIED BY 'secret';"
                     "GRANT ALL ON sbtest.* TO bench@'127.0.0.1'")
        options = ["sysbench", "oltp_read_write", "--mysql-host=127.0.0.1",
                   f"--mysql-port={server.port}", "--mysql-user=bench", "--mysql-password=secret",
                   "--mysql-ssl=off", "--tables=4", "--table-size=10000", f"--threads={THREADS}",
                   f"--time={seconds}"]
        subprocess.run([*options, "prepare"], check=True, stdout=subprocess.DEVNULL)
        with subprocess.Popen(["dumpcap", "-q", "-P", "-i", "lo", "-B", "256", "-w", str(path),
                               "-f", f"tcp port {server.port}"],
                              stderr=subprocess.DEVNULL) as capture:
            time.sleep(1.5)
            subprocess.run([*options, "run"], check=True, stdout=subprocess.DEVNULL)
            time.sleep(1.0)
            capture.send_signal(signal.SIGINT)
    finally:
        server.stop()
    return path, server.port


def repeat(seed, server_port, out, size):
    """Writes the seed again and again, each time with ports and times of its own, until `out` has
    `size` bytes. The server's port becomes 3306."""
    data = bytearray(seed.read_bytes())
    assert struct.unpack("<I", data[:4])[0] == 0xa1b2c3d4, "microseconds, little endian"
    places, clients, at = [], {}, GLOBAL_HEADER
    while at + RECORD_HEADER <= len(data):
        seconds, micros, length = struct.unpack_from("<III", data, at)
        tcp = at + RECORD_HEADER + ETHERNET_AND_IP
        source, target = struct.unpack_from(">HH", data, tcp)
        to_server = target == server_port
        client = source if to_server else target
        clients.setdefault(client, len(clients))
        places.append((at, seconds * 1_000_000 + micros, tcp, to_server, clients[client]))
        at += RECORD_HEADER + length
    end = at
    span = places[-1][1] - places[0][1] + 1_000_000
    written = GLOBAL_HEADER
    with open(out, "wb") as file:
        file.write(data[:GLOBAL_HEADER])
        for round_number in range(1 << 30):
            for place, moment, tcp, to_server, client in places:
                port = 10000 + (client + round_number * len(clients)) % 50000
                seconds, micros = divmod(moment + round_number * span, 1_000_000)
                struct.pack_into("<II", data, place, seconds, micros)
                struct.pack_into(">HH", data, tcp, *((port, 3306) if to_server else (3306, port)))
            left = size - written
            if left < end - GLOBAL_HEADER:
                # The last round ends with a whole record.
                cut = max((place for place, *_ in places if place - GLOBAL_HEADER <= left),
                          default=GLOBAL_HEADER)
                file.write(data[GLOBAL_HEADER:cut])
                return
            file.write(data[GLOBAL_HEADER:end])
            written += end - GLOBAL_HEADER


def measure(command, stdin=None):
    """CPU seconds and peak memory in MiB of a command whose output nobody reads."""
    source = open(stdin, "rb") if stdin else subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{command[0]} left with {status}: {error.decode()[-500:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def row(name, size, cpu, memory):
    print(f"{name:34} {size / MB:7.0f} MB {cpu:8.2f} s {size / MB / cpu:8.2f} MB/s {memory:7.1f} MiB",
          flush=True)
    return size / MB / cpu


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", type=Path, help="keep the captures here, and use those there")
    parser.add_argument("--seconds", type=int, default=1, help="of sysbench")
    parser.add_argument("--cut", type=int, default=10, help="MB for tshark and pt-query-digest")
    arguments = parser.parse_args()
    program = str(Path(arguments.program).resolve())
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        captures = {size: folder / f"sysbench-{size}.pcap" for size in (arguments.cut, 200, 2000)}
        if not all(path.exists() for path in captures.values()):
            if shutil.disk_usage(folder).free < 3_000 * MB:
                raise SystemExit("3 GB of disk are needed")
            seed, port = record(Path(temporary), arguments.seconds)
            print(f"recorded {seed.stat().st_size / MB:.0f} MB")
            for size, path in captures.items():
                # In a process of its own: what a program is said to need includes what its parent
                # had when it was started.
                work = multiprocessing.Process(target=repeat, args=(seed, port, path, size * MB))
                work.start()
                work.join()
                if work.exitcode != 0:
                    raise SystemExit("the capture could not be made")
        sizes = {size: path.stat().st_size for size, path in captures.items()}
        cut, middle, large = arguments.cut, 200, 2000
        text = folder / "sysbench.txt"
        with open(text, "wb") as out:
            subprocess.run(["tcpdump", "-r", captures[cut], "-x", "-nn", "-q", "-tttt"], check=True,
                           stdout=out, stderr=subprocess.DEVNULL)

        rates, memory = {}, {}
        for form in ("json", "digest"):
            for size in (middle, large):
                cpu, memory[form, size] = measure([program, "-f", form, str(captures[size])])
                rates[form, size] = row(f"pcapdecode -f {form}", sizes[size], cpu,
                                        memory[form, size])
        cpu, peak = measure(["tshark", "-r", str(captures[cut]), "-Y", "mysql", "-T", "json"])
        tshark = row("tshark -Y mysql -T json", sizes[cut], cpu, peak)
        cpu, peak = measure(["pt-query-digest", "--type", "tcpdump", "--no-version-check", str(text)])
        digest = row("pt-query-digest --type tcpdump", sizes[cut], cpu, peak)
        text.unlink()

    bars = [
        ("json against tshark", rates["json", middle] / tshark, 20, "x"),
        ("json", rates["json", middle], 50, "MB per CPU second"),
        ("digest against pt-query-digest", rates["digest", middle] / digest, 50, "x"),
        ("digest", rates["digest", middle], 150, "MB per CPU second"),
    ]
    failed = False
    for name, value, bar, unit in bars:
        failed |= value < bar
        print(f"{name}: {value:.0f} {unit}, bar {bar}{'' if value >= bar else '  MISSED'}")
    for form in ("json", "digest"):
        more = memory[form, large] - memory[form, middle]
        failed |= more > 64
        print(f"{form}: {more:+.1f} MiB at 2 GB against 200 MB, bar +64"
              f"{'' if more <= 64 else '  MISSED'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
