#!/usr/bin/env python3
"""What -f sql writes can be given to a client again: statement by statement as it was captured.

    tests/golden/sql_test.py --program build/cli/pcapdecode/pcapdecode
"""

import argparse
import os
import pty
import re
import subprocess
import sys
import unittest

from dialogue import Dialogue

PROGRAM = None
PROCEDURE = (b"CREATE PROCEDURE p() BEGIN\n  SELECT ';;' AS a;\n  -- it's; all\n  SELECT 2;\nEND")


def decoded(capture, *options):
    result = subprocess.run([PROGRAM, "-f", "sql", *options, "-"], input=capture.bytes(),
                            stdout=subprocess.PIPE, check=True, timeout=60)
    return re.sub(rb"(?m)^-- [0-9.]+ stream ", b"-- T stream ", result.stdout)


def decoded_one(statement, **how):
    capture = Dialogue(schema=b"")
    capture.query(statement, **how)
    return decoded(capture)


class Sql(unittest.TestCase):
    def test_a_cut_statement_is_a_comment_to_its_end(self):
        text = decoded_one(b"SELECT 1;\nDROP TABLE t;\r\nDELETE FROM u\rWHERE a = 1 AND b = 2",
                           captured=60)
        self.assertIn(b"DELETE FROM u", text)
        for line in re.split(rb"[\r\n]", text):
            self.assertTrue(not line or line.startswith(b"--"), text)

    def test_a_comment_at_the_end_does_not_swallow_the_delimiter(self):
        for statement in (b"SELECT 1 -- c", b"SELECT 1 # c", b"SELECT 1\n-- c;"):
            text = decoded_one(statement)
            self.assertTrue(text.endswith(b"c\n;\n"), text)
        self.assertTrue(decoded_one(b"SELECT 1 -- c\n+ 1").endswith(b"\n+ 1;\n"))

    def test_a_statement_with_semicolons_has_a_delimiter_of_its_own(self):
        self.assertEqual(decoded_one(PROCEDURE + b";"),
                         b"DELIMITER ;;;\n-- T stream 0\n" + PROCEDURE + b";;;\nDELIMITER ;\n")
        self.assertEqual(decoded_one(b"SELECT 1; # a"),
                         b"DELIMITER ;;\n-- T stream 0\nSELECT 1; # a\n;;\nDELIMITER ;\n")
        self.assertEqual(decoded_one(b"SELECT 1;"), b"-- T stream 0\nSELECT 1;\n")

    def test_the_schema_comes_with_the_same_delimiter(self):
        capture = Dialogue(schema=b"a`b")
        capture.query(b"SELECT 1; SELECT 2")
        self.assertIn(b"\nUSE `a``b`;;\nSELECT 1; SELECT 2;;\nDELIMITER ;\n", decoded(capture))

    def test_bytes_are_as_they_were(self):
        statement = b"SELECT '\x1b[31m\x01\x7f\xff\x00'"
        self.assertTrue(decoded_one(statement).endswith(statement + b";\n"))

    def test_a_terminal_gets_no_control_characters(self):
        capture = Dialogue()
        capture.query("SELECT '\x1b[31m\x9b\x01\x7f\0é'".encode())
        read, write = os.pipe()
        ours, theirs = pty.openpty()
        os.write(write, capture.bytes())
        os.close(write)
        subprocess.run([PROGRAM, "-f", "sql", "-"], stdin=read, stdout=theirs, check=True,
                       timeout=60)
        os.close(theirs)
        text = os.read(ours, 4096).decode()
        self.assertIn("SELECT '?[31m????é';", text)
        self.assertNotIn("\x1b", text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = arguments.program
    unittest.main(argv=[sys.argv[0], *rest])
