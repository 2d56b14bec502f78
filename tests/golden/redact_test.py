#!/usr/bin/env python3
"""What --redact says is hidden is in no format's output.

    tests/golden/redact_test.py --program build/cli/pcapdecode/pcapdecode
"""

import argparse
import struct
import subprocess
import sys
import unittest

from dialogue import Dialogue, error, lenenc, ok, packet, result

PROGRAM = None
FORMS = (["-f", "text"], ["-f", "text", "-x"], ["-V"], ["-f", "json"], ["-f", "queries"],
         ["-f", "queries", "--slowlog"], ["-f", "sql"], ["-f", "digest"], ["-f", "streams"],
         ["-f", "stats"], ["-f", "html"])


def decoded(capture, *options):
    result = subprocess.run([PROGRAM, *options, "-"], input=capture.bytes(), stdout=subprocess.PIPE,
                            check=True, timeout=60)
    return result.stdout.decode()


def dumped(text):
    """The bytes of -x as text, which stand in lines of 16."""
    lines = (line for line in text.splitlines() if line.startswith("    0"))
    return b"".join(bytes.fromhex(line[10:57]) for line in lines).decode(errors="replace")


def with_values():
    capture = Dialogue()
    capture.query(b"SELECT 'HIDDEN'", result(b"a", [b"HIDDEN"]))
    capture.query(b"LOAD DATA LOCAL INFILE 'f' INTO TABLE t", packet(1, b"\xfbf"))
    capture.send(True, packet(2, b"HIDDEN") + packet(3, b""))
    capture.send(False, ok(4))
    prepared = packet(1, b"\0" + struct.pack("<IHHBH", 1, 0, 1, 0, 0))
    column = b"".join(map(lenenc, (b"def", b"", b"", b"", b"?", b"")))
    column += b"\x0c" + struct.pack("<HIBHBH", 63, 0, 253, 0, 0, 0)
    prepared += packet(2, column) + packet(3, b"\xfe\0\0\2\0")
    capture.command(b"\x16SELECT ? + 'HIDDEN'", prepared)
    capture.send(True, packet(0, b"\x18" + struct.pack("<IH", 1, 0) + b"HIDDEN"))
    capture.command(b"\x17" + struct.pack("<IBIBB", 1, 0, 1, 0, 1) + b"\xfd\0" + lenenc(b"HIDDEN"))
    capture.query(b"INSERT 1", error(b"Duplicate entry 'it's HIDDEN' for key 'k'"))
    return capture


class Redaction(unittest.TestCase):
    def test_values_are_in_no_output(self):
        capture = with_values()
        self.assertIn("HIDDEN", decoded(capture))
        self.assertIn("HIDDEN", dumped(decoded(capture, "-x")))
        for form in FORMS:
            with self.subTest(form=form):
                text = decoded(capture, "--redact", "values", *form)
                self.assertNotIn("HIDDEN", text)
                self.assertNotIn("HIDDEN", dumped(text))
                self.assertNotIn(b"HIDDEN".hex(), text)

    def test_other_bytes_are_dumped(self):
        text = decoded(with_values(), "--redact", "values", "-x")
        self.assertIn("(hidden: values)", text)
        self.assertIn("\0\0\0\2", dumped(text))

    def test_a_replicas_password_is_a_secret(self):
        capture = Dialogue()
        capture.command(b"\x15" + struct.pack("<I", 4) + lenenc(b"host") + lenenc(b"user") +
                        lenenc(b"HIDDEN") + struct.pack("<HII", 3306, 0, 0))
        self.assertNotIn("HIDDEN", dumped(decoded(capture, "-x")))
        self.assertIn("HIDDEN", dumped(decoded(capture, "-x", "--show-secrets")))

    def test_errors_are_without_what_they_quote(self):
        long = b"x '" + b"v" * 600
        for message, shown in ((b"Table 'a.b' doesn't exist", "Table '?' doesn't exist"),
                               (b"Column count doesn't match", "Column count doesn't match"),
                               (b"near ''a' OR b = 4' at line 1", "near '?' at line 1"),
                               (b'bad: "a" at position 1', "bad: '?' at position 1"),
                               (long, "x '?'")):
            capture = Dialogue()
            capture.query(b"SELECT 1", error(message))
            text = decoded(capture, "--redact", "values", "-f", "queries")
            self.assertTrue(text.endswith(f"ERROR 1062 {shown}\n"), text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = arguments.program
    unittest.main(argv=[sys.argv[0], *rest])
