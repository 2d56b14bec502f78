#!/usr/bin/env python3
"""The page of pcapdecode -f html: nothing from the wire is markup in it, its size is bounded, and a
real browser draws it.

    tests/golden/html_test.py --program build/cli/pcapdecode/pcapdecode

What needs a browser is left out where chromium is not installed (Debian: tests/support/install-packages
captures).
"""

import argparse
import html.parser
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from golden_test import ROOT

PROGRAM = None
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>&lt;\"'<!--"


class Capture:
    """A pcap made by hand: connections whose every string is the same."""

    def __init__(self):
        self.parts = [struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)]
        self.micros = 1_700_000_000_000_000

    def segment(self, client, to_server, sequence, acknowledged, flags, payload=b""):
        ports = (client, 3306) if to_server else (3306, client)
        tcp = struct.pack(">HHIIBBHHH", *ports, sequence, acknowledged, 0x50, flags, 65535, 0, 0)
        size = 20 + len(tcp) + len(payload)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
        frame = b"\0" * 12 + b"\x08\0" + ip + tcp + payload
        self.micros += 100
        self.parts.append(struct.pack("<IIII", *divmod(self.micros, 1_000_000), len(frame),
                                      len(frame)) + frame)

    def connection(self, client, text, statements):
        at = {True: 1001, False: 5001}

        def send(to_server, sequence_id, body):
            payload = len(body).to_bytes(3, "little") + bytes([sequence_id]) + body
            self.segment(client, to_server, at[to_server], at[not to_server], 0x18, payload)
            at[to_server] += len(payload)

        self.segment(client, True, 1000, 0, 0x02)
        self.segment(client, False, 5000, 1001, 0x12)
        wire = text.encode()
        capabilities = 0x0008a20f
        send(False, 0, b"\x0a" + wire + b"\0" + struct.pack("<I", 7) + b"12345678\0" +
             struct.pack("<HBHH", capabilities & 0xffff, 45, 2, capabilities >> 16) + b"\x15" +
             b"\0" * 10 + b"123456789012\0" + b"mysql_native_password\0")
        send(True, 1, struct.pack("<IIB23x", capabilities, 1 << 24, 45) + wire + b"\0\0" + wire +
             b"\0mysql_native_password\0")
        send(False, 2, b"\0\0\0\2\0\0\0")
        for number in range(statements):
            send(True, 0, b"\x03SELECT '" + wire + b"' + " + str(number).encode())
            send(False, 1, b"\xff\x28\x04#42000" + wire)
        self.segment(client, True, at[True], at[False], 0x11)
        self.segment(client, False, at[False], at[True], 0x11)

    def bytes(self):
        return b"".join(self.parts)


def page(capture):
    result = subprocess.run([PROGRAM, "-f", "html", "-"], input=capture.bytes(), check=True,
                            stdout=subprocess.PIPE)
    return result.stdout.decode()


class Elements(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.names, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs


def drawn(text):
    """The page as the browser has it once its script has run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(text, encoding="utf-8")
        return subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={folder}/profile", "--virtual-time-budget=5000", "--dump-dom",
             path.as_uri()],
            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=120).stdout.decode()


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        capture = Capture()
        capture.connection(40000, HOSTILE, 3)
        cls.text = page(capture)

    def test_nothing_from_the_wire_is_markup(self):
        template = (ROOT / "cli/pcapdecode/report.html").read_text(encoding="utf-8")
        self.assertEqual(Elements(self.text).names, Elements(template).names)
        data = re.search(r'<script type="application/json" id="data">(.*?)</script>', self.text,
                         re.S)[1]
        self.assertNotRegex(data, "[<>&]")
        found = json.loads(data)
        self.assertEqual(found["totals"], {"streams": 1, "commands": 3, "errors": 3, "problems": 0})
        self.assertIn(HOSTILE, found["failing"][0]["query"])
        self.assertIn(HOSTILE, found["streams"][0]["user"])

    def test_nothing_is_loaded_from_elsewhere(self):
        attributes = dict(Elements(self.text).attributes)
        self.assertNotIn("src", attributes)
        self.assertNotIn("href", attributes)
        policy = attributes["content"] if "content" in attributes else ""
        self.assertIn("default-src 'none'", self.text)
        self.assertRegex(self.text, r"script-src 'sha256-[A-Za-z0-9+/=]{44}'", policy)

    def test_the_size_is_bounded(self):
        capture = Capture()
        capture.connection(30000, "x" * 200, 20000)
        for client in range(30001, 31500):
            capture.connection(client, "y" * 200, 10)
        text = page(capture)
        self.assertLess(len(text), 16_000_000)
        self.assertIn('"streams":1500', text)

    @unittest.skipUnless(shutil.which("chromium"), "chromium is not installed")
    def test_a_browser_draws_it(self):
        dom = drawn(self.text)
        elements = Elements(dom)
        self.assertIn(("data-drawn", "yes"), elements.attributes)
        self.assertNotIn("img", elements.names)
        self.assertEqual(elements.names.count("script"), 2)
        self.assertIn("<title>MySQL conversations</title>", dom)
        self.assertIn("&lt;img src=x onerror=alert(1)&gt;", dom)
        self.assertEqual(elements.names.count("svg"), 3)
        # The greeting, the login, its OK, and three statements with an error each.
        self.assertEqual(elements.names.count("path"), 9)


def main():
    global PROGRAM
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = arguments.program
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
