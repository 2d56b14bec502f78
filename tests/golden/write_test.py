#!/usr/bin/env python3
"""What pcapdecode -w writes decodes to the same selected messages as what it was written from.

Every capture is written whole, and once for each of some selections of commands; read again with
the same selection, the messages must be the same but for their places and numbers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# Positions in the capture, and what counts commands that were left out.
PLACES = ("frame", "frames", "t", "id", "stream")
SELECTIONS = (["--errors"], ["--command", "query"], ["--grep", "(?i)select"],
              ["--command", "stmt_execute"], ["--slower-than", "0.2ms"])


def run(program, arguments):
    result = subprocess.run([program, "--any-port", *arguments], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False, timeout=60)
    if result.returncode not in (0, 4):
        raise AssertionError(f"{arguments}: left with {result.returncode}: {result.stderr!r}")
    return result.stdout.decode()


def messages(program, path, selection, whole):
    found = []
    for line in run(program, ["-f", "json", *selection, str(path)]).splitlines():
        message = json.loads(line)
        if message["type"] == "connection_end":
            del message["t"]  # of its last packet, which may be one without data
        if whole:
            del message["frame"]
            message.pop("frames", None)
        else:
            # A gap is where something was left out.
            if message["type"] == "problem":
                continue
            for place in PLACES:
                message.pop(place, None)
        found.append(message)
    # Behind a gap a connection may be decoded a little later than others.
    return found if whole else sorted(found, key=json.dumps)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("captures", nargs="+", type=Path, help="files, or folders of them")
    arguments = parser.parse_args()
    files = []
    for path in arguments.captures:
        files += sorted(path.glob("*.pcap*")) if path.is_dir() else [path]
    if not files:
        sys.exit("no captures")
    failures = selected = 0
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.pcapng"
        for path in files:
            for selection in ([], *SELECTIONS):
                printed = run(arguments.program, [*selection, "--show-secrets", "-w", str(out), str(path)])
                assert printed == "", f"{path.name}: prints although it writes: {printed[:200]}"
                assert out.stat().st_mode & 0o777 == 0o600, "others can read the packets"
                whole = not selection
                expected = messages(arguments.program, path, selection, whole)
                actual = messages(arguments.program, out, selection, whole)
                selected += len(expected)
                if actual == expected:
                    continue
                failures += 1
                print(f"{path.name} {' '.join(selection)}: {len(expected)} messages became "
                      f"{len(actual)}")
                for a, b in zip(expected, actual):
                    if a != b:
                        print(f"  {json.dumps(a)}\n  {json.dumps(b)}")
                        break
                if os.environ.get("KEEP"):
                    sys.exit(1)
    print(f"{len(files)} captures, {selected} messages selected, {failures} failures")
    return 1 if failures or not selected else 0


if __name__ == "__main__":
    sys.exit(main())
