"""pcapdecode beside tshark and pt-query-digest, on a capture of sysbench.

sysbench's oltp_read_write against a MariaDB server is recorded, and the recording repeated with other ports and later
times up to 200 MB and 2 GB. The slow programs get the beginning of the same capture, since their time grows with its
size; their rates are what they did there. Needs the rights to capture, and 2.5 GB of disk.
"""

import multiprocessing
import os
import shutil
import signal
import struct
import subprocess
import sys
import time

from candidates import TOP, Failure

sys.path.insert(0, str(TOP / "captures"))
from servers import MariaDB  # noqa: E402

PART = "captures"
#: What has to be there, before any part begins.
PROGRAMS = ("dumpcap", "tshark", "tcpdump", "pt-query-digest")
MB = 1_000_000
THREADS = 8
GLOBAL_HEADER = 24
RECORD_HEADER = 16
ETHERNET_AND_IP = 34


def record(folder, seconds):
    """A capture of sysbench from its first connection to its last."""
    server = MariaDB(folder / "recorded", ["--skip-log-bin", "--innodb-flush-log-at-trx-commit=0"])
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


def write_copies(seed, port, path, size):
    """In a process of its own: what a program is said to need includes what its parent had when it was started."""
    work = multiprocessing.Process(target=repeat, args=(seed, port, path, size))
    work.start()
    work.join()
    if work.exitcode != 0:
        raise Failure("the capture could not be made")
    return path


def spent(command):
    """CPU seconds and peak memory in MiB of a command whose output nobody reads."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failure(f"{command[0]} left with {process.returncode}: {error.decode()[-500:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def row(results, program, path, command, rounds=1):
    size = path.stat().st_size / MB
    seen = [spent(command) for _ in range(rounds)]
    labels = {"program": program, "megabytes": round(size, -1) if size > 20 else round(size)}
    results.add(PART, "MB a CPU second", "MB/s", [size / cpu for cpu, _ in seen], **labels)
    results.add(PART, "peak of memory", "MiB", max(peak for _, peak in seen), **labels)


def run(suite, results):
    folder = suite.new_folder("captures")
    if not suite.quick and shutil.disk_usage(folder).free < 3_000 * MB:
        raise Failure("3 GB of disk are needed")
    seed, port = record(folder, 1)
    cut, middle, large = (write_copies(seed, port, folder / f"{size}.pcap", size * MB)
                          for size in suite.pick((10, 200, 2000), (1, 4, 8)))
    program = suite.build / "cli/pcapdecode/pcapdecode"
    for output in ("json", "digest"):
        row(results, f"pcapdecode -f {output}", middle, [program, "-f", output, middle], suite.pick(3, 1))
        row(results, f"pcapdecode -f {output}", large, [program, "-f", output, large])
    large.unlink()
    row(results, "tshark -T json", cut, ["tshark", "-r", cut, "-Y", "mysql", "-T", "json"])
    # As pt-query-digest wants it. tcpdump's own time does not count.
    text = folder / "sysbench.txt"
    with open(text, "wb") as out:
        subprocess.run(["tcpdump", "-r", cut, "-x", "-nn", "-q", "-tttt"], check=True, stdout=out, stderr=subprocess.DEVNULL)
    row(results, "pt-query-digest", cut, ["pt-query-digest", "--type", "tcpdump", "--no-version-check", text])
    # It only says that there are packets of TCP.
    row(results, "tcpdump -nn", cut, ["tcpdump", "-r", cut, "-nn"])
