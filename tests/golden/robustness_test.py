#!/usr/bin/env python3
"""Damaged captures give a report: never a crash, a hang, or unbounded memory.

Every capture is cut at many bytes, has packets dropped and swapped, and bytes flipped, at places
that a fixed seed chooses. pcapdecode must leave with one of its own codes and print whole JSON
lines only.
"""

import argparse
import json
import random
import resource
import struct
import subprocess
import sys
from pathlib import Path

KNOWN_CODES = {0, 1, 2, 3, 4}
TIME_LIMIT = 20  # seconds
MEMORY_LIMIT = 1 << 30


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def decode(program, data, form, limited):
    # As packets too: of commands, so that it is decided on each.
    options = ["--command", "query", "-w", "-"] if form == "packets" else ["-f", form]
    return subprocess.run(
        [program, *options, "--any-port", "-"], input=data, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=TIME_LIMIT, check=False,
        preexec_fn=limit_memory if limited else None)


def check(program, data, what, limited, form="json"):
    result = decode(program, data, form, limited)
    if result.returncode not in KNOWN_CODES:
        raise AssertionError(f"{what}: left with {result.returncode}: {result.stderr[-500:]!r}")
    if form == "json":
        for line in result.stdout.splitlines():
            json.loads(line)


def split(data):
    """The file header and the records of a pcap in this machine's byte order; None for others."""
    if len(data) < 24 or struct.unpack("<I", data[:4])[0] not in (0xa1b2c3d4, 0xa1b23c4d):
        return None
    records, at = [], 24
    while at + 16 <= len(data):
        size = struct.unpack("<I", data[at + 8:at + 12])[0]
        records.append(data[at:at + 16 + size])
        at += 16 + size
    return data[:24], records


def damaged(data, rng, count):
    for _ in range(count):
        at = rng.randrange(len(data))
        yield f"cut at {at}", data[:at]
    for _ in range(count):
        at, bit = rng.randrange(24, len(data)), rng.randrange(8)
        yield f"bit {bit} of byte {at} flipped", \
            data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:]
    parts = split(data)
    if not parts or len(parts[1]) < 2:
        return
    header, records = parts
    for _ in range(count):
        i = rng.randrange(len(records))
        yield f"packet {i + 1} dropped", header + b"".join(records[:i] + records[i + 1:])
    for _ in range(count):
        i, j = rng.randrange(len(records)), rng.randrange(len(records))
        order = list(records)
        order[i], order[j] = order[j], order[i]
        yield f"packets {i + 1} and {j + 1} swapped", header + b"".join(order)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--count", type=int, default=4, help="damages of each kind a capture")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-memory-limit", action="store_true", help="for sanitizers")
    parser.add_argument("captures", nargs="+", type=Path, help="files, or folders of them")
    arguments = parser.parse_args()
    files = []
    for path in arguments.captures:
        files += sorted(path.glob("*.pcap*")) if path.is_dir() else [path]
    if not files:
        sys.exit("no captures")
    rng = random.Random(arguments.seed)
    limited = not arguments.no_memory_limit
    done = 0
    for path in files:
        data = path.read_bytes()
        for what, bytes_ in damaged(data, rng, arguments.count):
            for form in ("json", "detail", "packets"):
                check(arguments.program, bytes_, f"{path.name}: {what} as {form}", limited, form)
            done += 1
        for form in ("text", "detail", "queries", "sql", "digest", "streams", "stats"):
            check(arguments.program, data, f"{path.name} as {form}", limited, form)
    print(f"{done} damaged captures of {len(files)} files decoded")


if __name__ == "__main__":
    main()
