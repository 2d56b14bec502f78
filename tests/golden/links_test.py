#!/usr/bin/env python3
"""One conversation in clear, in TLS 1.2 and 1.3, and compressed by zlib and zstd decodes to the same
messages; and what row events say of rows is what SELECT says.

    tests/golden/links_test.py --program build/cli/pcapdecode/pcapdecode
"""

import argparse
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from golden_test import ROOT, decode

PROGRAM = None
CAPTURES = ROOT / "captures"

# What differs between any two recordings: places, times, ids that the server counts, and what the
# link itself changes.
PLACE = {"frame", "t", "stream", "seq", "first_ms", "total_ms", "frames", "stmt_id"}
LINK_TYPES = {"connection", "connection_end", "tls", "ssl_request"}


def messages(name):
    path = next(CAPTURES.glob(f"{name}.pcap*"))
    return [json.loads(line) for line in decode(PROGRAM, path).splitlines()]


def meaning(lines, after_login=False):
    found = []
    started = not after_login
    for line in lines:
        started = started or line["type"] == "command"
        if line["type"] in LINK_TYPES or not started:
            continue
        kept = {key: value for key, value in line.items() if key not in PLACE}
        if line["type"] == "greeting":
            kept = {key: kept[key] for key in ("version", "plugin")}
        if line["type"] == "login":
            # Whether TLS or compression is asked for is one of the capabilities.
            kept["attrs"] = {**kept["attrs"], "_pid": "of each"}
            kept["capabilities"] = [name for name in kept["capabilities"]
                                    if name not in ("CLIENT_SSL", "CLIENT_COMPRESS")]
        found.append(kept)
    return found


class Links(unittest.TestCase):
    maxDiff = 2000

    def test_tls_and_zlib(self):
        plain = meaning(messages("link-plain"))
        self.assertGreater(len(plain), 40)
        for link in ("link-tls12", "link-tls13", "link-zlib"):
            with self.subTest(link):
                self.assertEqual(meaning(messages(link)), plain)

    def test_tls_is_named(self):
        for link, version in (("link-tls12", "TLSv1.2"), ("link-tls13", "TLSv1.3")):
            tls = [line for line in messages(link) if line["type"] == "tls"]
            self.assertEqual([(line["version"], line["decrypted"]) for line in tls],
                             [(version, True)])

    def test_wrong_secrets_are_told(self):
        for link, first in (("link-tls12", "CLIENT_RANDOM"), ("link-tls13", "SERVER_HANDSHAKE")):
            with self.subTest(link), tempfile.NamedTemporaryFile("w", suffix=".keys") as keys:
                for line in (CAPTURES / f"{link}.keys").read_text().splitlines():
                    if line.startswith(first):
                        line = line[:-8] + f"{int(line[-8:], 16) ^ 0xff:08x}"
                    print(line, file=keys, flush=True)
                result = subprocess.run(
                    [PROGRAM, "-f", "json", "--any-port", "--strict", "--keylog", keys.name,
                     str(CAPTURES / f"{link}.pcap")], stdout=subprocess.PIPE, check=False)
                lines = [json.loads(line) for line in result.stdout.splitlines()]
                self.assertEqual([line["decrypted"] for line in lines if line["type"] == "tls"],
                                 [False])
                self.assertIn("the TLS secrets do not fit the connection",
                              [line.get("note") for line in lines if line["type"] == "problem"])
                self.assertEqual(result.returncode, 1)

    def test_zstd(self):
        """Between two proxies, which do not log in as the client does: from the first command on.
        The session state that a proxy restores is in front, so the tails are compared."""
        plain = meaning(messages("link-plain"), after_login=True)
        zstd = meaning(messages("link-zstd"), after_login=True)
        first = next(i for i, line in enumerate(plain)
                     if str(line.get("query", "")).startswith("INSERT"))
        tail = [without_ids(line) for line in plain[first:]]
        start = next(i for i, line in enumerate(zstd)
                     if str(line.get("query", "")).startswith("INSERT"))
        self.assertEqual([without_ids(line) for line in zstd[start:start + len(tail)]], tail)


def without_ids(line):
    return {key: value for key, value in line.items() if key not in ("id", "req_bytes")}


class Rows(unittest.TestCase):
    maxDiff = 2000

    def test_row_events_have_what_select_shows(self):
        for select, dump in (("text-rows", "replica"), ("mysql8-text-rows", "mysql8-replica")):
            shown = [line["values"] for line in messages(select)
                     if line["type"] == "row" and len(line["values"]) == 43]
            written = [row["after"] for line in messages(dump)
                       if line["type"] == "binlog_event" and line["event"].startswith("WRITE_ROWS")
                       and line.get("table") == "every" for row in line["rows"]]
            self.assertEqual(len(shown), 4)
            for expected, row in zip(shown, written):
                for column, (want, got) in enumerate(zip(expected[1:], row[1:]), 1):
                    with self.subTest(dump, column=column):
                        self.assertEqual(as_select_shows(got, column), as_shown(want, column))


FLOATS = (11, 12)
BINARY = 29
TIMESTAMPS = (25, 26)
JSON = 42


def as_select_shows(value, column):
    """What a time stamp has behind it is its time zone, which is the session's in a row. Row events
    leave out the zeros that a BINARY(4) is filled up with."""
    if column == BINARY and value is not None:
        return {"hex": value["hex"].ljust(8, "0")}
    if column in TIMESTAMPS and value is not None:
        return value.removesuffix("+00:00")
    return as_shown(value, column)


def as_shown(value, column):
    if value is None or isinstance(value, dict):
        return value
    if column in FLOATS:
        return float(value)
    if column == JSON:
        return json.loads(value)
    return value


class BinaryRows(unittest.TestCase):
    def test_binary_rows_have_what_text_rows_have(self):
        for text, binary in (("text-rows", "binary-rows"),
                             ("mysql8-text-rows", "mysql8-binary-rows")):
            rows = [[line["values"] for line in messages(name)
                     if line["type"] == "row" and len(line["values"]) == 43]
                    for name in (text, binary)]
            self.assertEqual(len(rows[0]), 4)
            for expected, row in zip(*rows):
                for column, (want, got) in enumerate(zip(expected, row)):
                    # The time zones of the sessions differ.
                    if column in TIMESTAMPS:
                        continue
                    with self.subTest(binary, column=column):
                        self.assertEqual(as_shown(got, column), as_shown(want, column))


def main():
    global PROGRAM
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = arguments.program
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
