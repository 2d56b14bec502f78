#!/usr/bin/env python3
"""Options that make no sense, files that can't be used, and output that can't be written are said.

    tests/golden/refusals_test.py --program build/cli/pcapdecode/pcapdecode
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from dialogue import Dialogue
from golden_test import ROOT

PROGRAM = None
USAGE, UNREADABLE = 2, 3


def run(*arguments, **how):
    how.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([PROGRAM, *map(str, arguments)], stderr=subprocess.PIPE, check=False,
                          timeout=60, **how)


class Refusals(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "a.pcap"
        capture = Dialogue()
        capture.query(b"SELECT 1")
        self.file.write_bytes(capture.bytes())

    def refused(self, *arguments, code=USAGE, **how):
        result = run(*arguments, **how)
        said = result.stderr.decode()
        self.assertEqual(result.returncode, code, (arguments, said))
        self.assertFalse(result.stdout)
        return said

    def test_what_is_read_is_not_written(self):
        before = self.file.read_bytes()
        link, hard = self.folder / "link", self.folder / "hard"
        link.symlink_to(self.file)
        os.link(self.file, hard)
        other = self.folder / "other.pcap"
        other.write_bytes(before)
        for arguments in ((self.file, self.file), (link, self.file), (hard, other, self.file),
                          (self.file, other, "--keylog", self.file)):
            self.assertIn("overwrite", self.refused("-w", *arguments))
            self.assertEqual(self.file.read_bytes(), before)
        with self.file.open("rb") as stdin:
            self.refused("-w", self.file, "-", stdin=stdin)
        with self.file.open("ab") as stdout:
            self.refused("-w", "-", self.file, stdout=stdout)
        self.assertEqual(self.file.read_bytes(), before)
        self.assertEqual(run("-w", other, self.file).returncode, 0)
        self.assertEqual(run("-w", "/dev/null", self.file).returncode, 0)

    @unittest.skipUnless(Path("/dev/full").exists(), "no /dev/full")
    def test_a_full_disk_is_noticed(self):
        for arguments in (("-f", "text"), ("-f", "json"), ("-f", "html"), ("-n", "1"), ("--help",),
                          ("--diff", self.file)):
            with open("/dev/full", "wb") as full:
                said = self.refused(*arguments, self.file, code=UNREADABLE, stdout=full)
            self.assertIn("No space left", said)

    def test_a_reader_that_has_gone_is_not_spoken_of(self):
        read, write = os.pipe()
        os.close(read)
        result = run(self.file, stdout=write)
        os.close(write)
        self.assertEqual(result.stderr, b"")

    def test_options_that_contradict(self):
        for arguments in (("--type", "bogus", "-f", "json"), ("--type", "row,bogus", "-f", "json"),
                          ("--type", ",", "-f", "json"), ("--type", "row"),
                          ("--type", "row", "-f", "queries"), ("--slowlog", "-f", "json"),
                          ("-V", "--slowlog"), ("--frames", "5-2"),
                          ("-V", "-f", "json"), ("-f", "json", "-V"),
                          ("--from", "2024-01-02", "--to", "2024-01-01"),
                          ("--redact", "values", "--show-secrets"),
                          ("--redact", "auth", "--show-secrets")):
            self.assertIn("pcapdecode: ", self.refused(*arguments, self.file))
        for arguments in (("--slowlog", "-f", "queries"), ("--frames", "3-3"), ("--frames", "3-"),
                          ("-V", "-f", "detail"), ("--from", "2000-01-01", "--to", "2100-01-01"),
                          ("--redact", "none", "--show-secrets")):
            self.assertEqual(run(*arguments, self.file).returncode, 0, arguments)

    def test_every_type_of_the_schema_can_be_asked_for(self):
        schema = json.loads((ROOT / "docs/pcapdecode.schema.json").read_text(encoding="utf-8"))
        types = ",".join(schema["$defs"]["types"]["properties"])
        result = run("-f", "json", "--type", types, self.file)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, run("-f", "json", self.file).stdout)

    def test_times_that_do_not_fit(self):
        for time in ("99999999999999", "9223372036", "9223372036854775807", "9999-12-31",
                     "0001-01-01"):
            for option in ("--from", "--to"):
                self.assertIn("is no time", self.refused(option, time, self.file))
        self.assertEqual(run("--from", "9223372035", self.file).returncode, 4)

    def test_a_key_log_that_is_a_folder(self):
        said = self.refused("--keylog", self.folder, self.file, code=UNREADABLE)
        self.assertIn(f"{self.folder}: can't be read", said)

    def test_control_characters_are_not_written_to_standard_error(self):
        odd = self.folder / "a\x1b[31m\n.pcap"
        odd.write_bytes(self.file.read_bytes()[:-3])
        for arguments in ((odd,), (self.folder / "no\x1b[31m",), ("--keylog", "no\x1b[31m", self.file),
                          ("-w", self.folder / "\x1b[31m" / "x", self.file), ("-f", "\x1b[31m"),
                          ("--\x1b[31m",), ("--grep", "\x1b[31m(", self.file),
                          ("--from", "\x1b[31m", self.file), ("--command", "\x1b[31m", self.file),
                          ("--type", "\x1b[31m", "-f", "json", self.file),
                          ("--capture-filter", "\x1b[31m", self.file),
                          ("-i", "\x1b[31m"), ("--diff", odd, self.file), ("-w", odd, odd)):
            said = run(*arguments).stderr
            self.assertTrue(said, arguments)
            self.assertNotIn(b"\x1b", said)

    def test_seconds_have_32_bits(self):
        late = self.folder / "late.pcap"
        late.write_bytes(Dialogue(micros=2_200_000_000_000_000).bytes())
        text = run(late).stdout.decode()
        self.assertTrue(text.startswith("2039-09-18 23:06:40"), text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = arguments.program
    unittest.main(argv=[sys.argv[0], *rest])
