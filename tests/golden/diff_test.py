#!/usr/bin/env python3
"""pcapdecode --diff: the same conversation over other links is the same, an edited copy is not."""

import argparse
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
PROGRAM = None


def diff(a, b, *options):
    result = subprocess.run([PROGRAM, "--any-port", *options, "--diff", str(a), str(b)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


class Diff(unittest.TestCase):
    plain = CAPTURES / "link-plain.pcap"

    def edited(self, old, new):
        """The capture with these bytes exchanged, of which there must be some."""
        data = self.plain.read_bytes()
        self.assertEqual(len(old), len(new))
        self.assertIn(old, data)
        with tempfile.NamedTemporaryFile(suffix=".pcap", delete=False) as file:
            file.write(data.replace(old, new))
        self.addCleanup(Path(file.name).unlink)
        return Path(file.name)

    def test_other_links(self):
        # Recorded one after the other: other ports, thread ids, salts, times, capabilities, framing.
        for link in ("link-tls12", "link-tls13", "link-zlib"):
            with self.subTest(link):
                keys = CAPTURES / f"{link}.keys"
                options = ["--keylog", str(keys)] if keys.exists() else []
                code, out, _ = diff(self.plain, CAPTURES / f"{link}.pcap", *options)
                self.assertEqual((code, out[:9]), (0, "the same:"), out)

    def test_every_capture_is_like_itself(self):
        for path in sorted(CAPTURES.glob("*.pcap*")):
            with self.subTest(path.name):
                code, out, err = diff(path, path)
                # What is in TLS can't be compared.
                self.assertIn(code, (0, 4), out + err)
                self.assertEqual(code == 4, "TLS" in self.streams(path) and not out, out + err)

    @staticmethod
    def streams(path):
        return subprocess.run([PROGRAM, "--any-port", str(path)], stdout=subprocess.PIPE,
                              check=True).stdout.decode()

    def test_a_statement_that_differs(self):
        code, out, _ = diff(self.plain, self.edited(b"SELECT", b"SELECt"))
        self.assertEqual(code, 1)
        self.assertIn(", in query\n", out)
        self.assertRegex(out, r"\n- frame \d+: .*SELECT.*\n\+ frame \d+: .*SELECt")

    def test_a_missing_answer(self):
        data = self.plain.read_bytes()
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            file.write(data[:len(data) * 2 // 3])
            file.flush()
            code, out, err = diff(self.plain, file.name)
        self.assertEqual(code, 1, out)
        self.assertIn("(nothing more)", out)
        self.assertIn("is cut", err)

    def test_usage(self):
        for arguments in ([str(self.plain)], [str(self.plain), str(self.plain), "-V"],
                          [str(self.plain), str(self.plain), "--errors"]):
            result = subprocess.run([PROGRAM, "--diff", *arguments], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, check=False)
            self.assertEqual(result.returncode, 2, arguments)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = arguments.program
    unittest.main(argv=[sys.argv[0], *rest])
