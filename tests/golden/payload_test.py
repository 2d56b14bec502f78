#!/usr/bin/env python3
"""A TRANSACTION_PAYLOAD_EVENT, which neither server of captures/record writes: made here by its layout
out of events of a real server, stored and compressed (the latter where the program zstd is installed).

    tests/golden/payload_test.py --program build/cli/pcapdecode/pcapdecode
"""

import argparse
import json
import re
import shutil
import struct
import subprocess
import sys
import unittest
import zlib

from golden_test import ROOT, check_schema
from html_test import Capture

PROGRAM = None
HEADER = 19
CHECKSUM = 4


def example(name):
    text = (ROOT / "tests/support/binlog_examples.hpp").read_text(encoding="utf-8")
    digits = re.search(rf"string_view {name} =\s*((?:\s*\"[0-9a-f]*\")+);", text)[1]
    return bytes.fromhex("".join(re.findall(r"\"([0-9a-f]*)\"", digits)))


def inner(name):
    """The event as it stands in a payload: without its checksum."""
    event = bytearray(example(name)[:-CHECKSUM])
    struct.pack_into("<I", event, 9, len(event))
    return bytes(event)


def field(number, value):
    return bytes([number]) + (b"\3\xfc" + struct.pack("<H", value) if value > 250
                              else bytes([1, value]))


def payload_event(compression, data, size):
    body = field(2, compression) if compression == 0 else bytes([2, 3, 0xfc, 255, 0])
    body += field(3, size) + field(1, len(data)) + b"\0" + data
    return struct.pack("<IBIIIH", 1, 40, 8, HEADER + len(body) + CHECKSUM, 9999, 0) + body


class Dump(Capture):
    """A dump of these events, of a login that has been seen."""

    def dump(self, events):
        at = {True: 1001, False: 5001}

        def send(to_server, sequence_id, body):
            packet = len(body).to_bytes(3, "little") + bytes([sequence_id]) + body
            self.segment(40000, to_server, at[to_server], at[not to_server], 0x18, packet)
            at[to_server] += len(packet)

        self.segment(40000, True, 1000, 0, 0x02)
        self.segment(40000, False, 5000, 1001, 0x12)
        send(False, 0, b"\x0a8.0.36\0" + struct.pack("<I", 7) + b"12345678\0" +
             struct.pack("<HBHH", 0xa20f, 45, 2, 8) + b"\x15" + b"\0" * 10 +
             b"123456789012\0mysql_native_password\0")
        send(True, 1, struct.pack("<IIB23x", 0x8a20f, 1 << 24, 45) +
             b"u\0\0\0mysql_native_password\0")
        send(False, 2, b"\0\0\0\2\0\0\0")
        send(True, 0, b"\x12" + struct.pack("<IHI", 4, 0, 99) + b"log.000001")
        for number, event in enumerate(events, 1):
            send(False, number, b"\0" + event)
        return self.bytes()


def with_checksum(event):
    return event + struct.pack("<I", zlib.crc32(event))


class Payload(unittest.TestCase):
    def decoded(self, compression, data, size):
        capture = Dump().dump([example("mysql_format"),
                               with_checksum(payload_event(compression, data, size))])
        out = subprocess.run([PROGRAM, "-f", "json", "--strict", "-"], input=capture, check=True,
                             stdout=subprocess.PIPE).stdout.decode()
        schema = json.loads((ROOT / "docs/pcapdecode.schema.json").read_text(encoding="utf-8"))
        self.assertEqual(check_schema(out, "payload", schema), [])
        event, = [line for line in map(json.loads, out.splitlines())
                  if line.get("event") == "TRANSACTION_PAYLOAD_EVENT"]
        self.assertTrue(event["checksum_ok"])
        return event

    def check(self, compression, pack):
        inside = inner("mysql_table_map") + inner("mysql_update_minimal") + inner("mysql_xid")
        event = self.decoded(compression, pack(inside), len(inside))
        self.assertEqual([each["event"] for each in event["events"]],
                         ["TABLE_MAP_EVENT", "UPDATE_ROWS_EVENT", "XID_EVENT"])
        self.assertEqual(event["events"][1]["rows"], [{"before": ["7"], "after": ["b"]}])
        self.assertEqual(event["inflated_size"], len(inside))

    def test_stored(self):
        self.check(255, lambda data: data)

    @unittest.skipUnless(shutil.which("zstd"), "zstd is not installed")
    def test_zstd(self):
        self.check(0, lambda data: subprocess.run(["zstd", "-c"], input=data, check=True,
                                                  stdout=subprocess.PIPE).stdout)


def main():
    global PROGRAM
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = arguments.program
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
