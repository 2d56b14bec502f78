#!/usr/bin/env python3
"""Decodes the captures that other projects have published, where they are at hand.

    tests/golden/public_test.py --program build/cli/pcapdecode/pcapdecode [--folder DIR] [--update]

They are other people's files and not part of this project: what is kept here are checksums, counts
of what is in them, and every problem, in public_captures.json. The folder is $PUBLIC_CAPTURES, or
shared/captures/public beside the checkout. A capture that is not there is left out, one that has
other bytes than those that were reviewed is an error. --update writes the expectations anew.
"""

import argparse
import collections
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from golden_test import ROOT, check_schema

EXPECTED = Path(__file__).with_name("public_captures.json")
#: Servers in them that do not listen on 3306.
PORTS = (3306, 5432, 6033, 12345, 13001, 20130, 30130)
SKIPPED = 77


def checksum(data):
    return hashlib.sha256(data).hexdigest()


def decode(program, path, schema):
    """What is kept of a capture's decoding, and where it does not follow the schema."""
    ports = [word for port in PORTS for word in ("--port", str(port))]
    result = subprocess.run([program, "-f", "json", "--any-port", *ports, str(path)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False)
    objects = [json.loads(line) for line in result.stdout.decode().splitlines()]
    problems = [one for one in objects if one["type"] == "problem"]
    summary = {
        "capture": checksum(path.read_bytes()),
        "exit": result.returncode,
        "types": dict(sorted(collections.Counter(one["type"] for one in objects).items())),
        "problems": [f"frame {one.get('frame')}: {one['what']}" + (f", {one['note']}" if one.get("note") else "")
                     for one in problems],
        "json": checksum(result.stdout),
    }
    return summary, check_schema(result.stdout.decode(), path.name, schema)


def differences(name, expected, actual):
    for key in expected:
        if expected[key] != actual[key]:
            yield f"{name}: {key}: expected {expected[key]}, found {actual[key]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", type=Path,
                        default=os.environ.get("PUBLIC_CAPTURES", ROOT.parent / "shared/captures/public"))
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    schema = json.loads((ROOT / "docs/pcapdecode.schema.json").read_text(encoding="utf-8"))
    expected = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {}
    names = sorted(path.name for path in arguments.folder.glob("*.pcap*")) if arguments.update else sorted(expected)
    failures = []
    seen = {}
    for name in names:
        path = arguments.folder / name
        if not path.exists():
            continue
        seen[name], strange = decode(arguments.program, path, schema)
        failures += strange
        if not arguments.update:
            failures += differences(name, expected[name], seen[name])
    if arguments.update:
        EXPECTED.write_text(json.dumps(seen, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for failure in failures:
        print(failure)
    print(f"{len(seen)} captures, {len(failures)} failures")
    if not seen:
        return SKIPPED
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
