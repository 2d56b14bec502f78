#!/usr/bin/env python3
"""pcapng files with interfaces of several kinds, and captures that come through a pipe, decode to
what the plain file does.

    tests/golden/inputs_test.py --program build/cli/pcapdecode/pcapdecode
"""

import argparse
import fcntl
import gzip
import os
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import unittest
from pathlib import Path

from dialogue import Dialogue
from golden_test import ROOT

PROGRAM = None
ETHERNET, RAW, COOKED, USB = 1, 101, 113, 189
NOTHING = 4  # no MySQL in it
SOME = ("query", "link-plain", "pipelined", "text-rows")


def frames_of(data):
    """(seconds, microseconds, length on the wire, frame) of each packet of a pcap."""
    at = 24
    while at < len(data):
        seconds, micros, captured, length = struct.unpack_from("<IIII", data, at)
        yield seconds, micros, length, data[at + 16:at + 16 + captured]
        at += 16 + captured


class Pcapng:
    """A section and what follows it, in one byte order."""

    def __init__(self, order="<"):
        self.order = order
        self.data = self.block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))

    def block(self, kind, body):
        body += bytes(-len(body) % 4)
        size = struct.pack(self.order + "I", 12 + len(body))
        return struct.pack(self.order + "I", kind) + size + body + size

    def interface(self, link, snap=0, options=b""):
        self.data += self.block(1, struct.pack(self.order + "HHI", link, 0, snap) + options)

    def packet(self, interface, frame, time=0, length=None):
        length = len(frame) if length is None else length
        self.data += self.block(6, struct.pack(self.order + "IIIII", interface, time >> 32, time & 0xFFFFFFFF, len(frame),
                                               length) + frame)

    def old_packet(self, interface, frame, time=0):
        self.data += self.block(2, struct.pack(self.order + "HHIIII", interface, 0, time >> 32, time & 0xFFFFFFFF,
                                               len(frame), len(frame)) + frame)

    def simple_packet(self, frame, length):
        self.data += self.block(3, struct.pack(self.order + "I", length) + frame)


def as_link(frame, link):
    """An Ethernet frame as another link has it."""
    if link == ETHERNET:
        return frame
    return frame[14:] if link == RAW else struct.pack(">HHH8s", 0, 772, 6, bytes(8)) + frame[12:]


def run(path, *arguments, stdin=None):
    result = subprocess.run([PROGRAM, "-f", "json", "--any-port", *arguments, path], input=stdin, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False, timeout=60)
    if result.returncode not in (0, NOTHING):
        raise AssertionError(f"left with {result.returncode}: {result.stderr.decode()}")
    return result.stdout.decode()


class Interfaces(unittest.TestCase):
    maxDiff = 2000

    def decode(self, data, *arguments):
        with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
            file.write(data)
            file.flush()
            return run(file.name, *arguments)

    def test_each_packet_is_read_as_its_interface_says(self):
        for name in SOME:
            path = ROOT / "captures" / f"{name}.pcap"
            for order in "<>":
                for links in ((ETHERNET, RAW, COOKED), (RAW, ETHERNET), (USB, COOKED, RAW)):
                    with self.subTest(name=name, order=order, links=links):
                        made = Pcapng(order)
                        for i, link in enumerate(links):
                            made.interface(link, snap=(65535, 0, 262144)[i])
                        used = [i for i, link in enumerate(links) if link != USB]
                        for number, (seconds, micros, length, frame) in enumerate(frames_of(path.read_bytes())):
                            which = used[number * number % 7 % len(used)]
                            moved = as_link(frame, links[which])
                            made.packet(which, moved, seconds * 10**6 + micros, length - len(frame) + len(moved))
                        self.assertEqual(self.decode(made.data), run(path))

    def test_filters_know_the_link_of_each(self):
        path = ROOT / "captures" / "query.pcap"
        made = Pcapng()
        made.interface(ETHERNET)
        made.interface(RAW)
        for number, (seconds, micros, length, frame) in enumerate(frames_of(path.read_bytes())):
            made.packet(number % 2, as_link(frame, (ETHERNET, RAW)[number % 2]), seconds * 10**6 + micros)
        self.assertEqual(self.decode(made.data, "--capture-filter", "tcp and not port 1"), run(path))
        self.assertEqual(self.decode(made.data, "--capture-filter", "tcp port 1"), "")

    def test_what_a_filter_is_not_for_does_not_pass(self):
        path = ROOT / "captures" / "query.pcap"
        made = Pcapng()
        made.interface(ETHERNET)
        made.interface(RAW)
        frames = list(frames_of(path.read_bytes()))
        for number, (seconds, micros, _, frame) in enumerate(frames):
            which = int(number > len(frames) // 2)
            made.packet(which, as_link(frame, (ETHERNET, RAW)[which]), seconds * 10**6 + micros)
        only = self.decode(made.data, "--capture-filter", "ether[12:2] = 0x800")
        self.assertIn('"greeting"', only)
        self.assertLess(len(only), len(run(path)))

    def test_sections_have_interfaces_of_their_own(self):
        path = ROOT / "captures" / "query.pcap"
        frames = list(frames_of(path.read_bytes()))
        half = len(frames) // 2
        first, second = Pcapng(), Pcapng()
        first.interface(ETHERNET, 1000)
        first.interface(RAW, 2000)
        second.interface(RAW, 3000)
        for made, some, link in ((first, frames[:half], ETHERNET), (second, frames[half:], RAW)):
            for seconds, micros, _, frame in some:
                made.packet(0, as_link(frame, link), seconds * 10**6 + micros)
        self.assertEqual(self.decode(first.data + second.data), run(path))

    def test_packets_of_old_and_simple_ones(self):
        capture = Dialogue()
        capture.query(b"SELECT 'one'")
        frames = [frame for *_, frame in frames_of(capture.bytes())]
        for snap in (0, 65535, 60):
            with self.subTest(snap=snap):
                plain, simple = Pcapng(), Pcapng()
                for made in (plain, simple):
                    made.interface(ETHERNET, snap)
                    made.interface(RAW, 100)
                for number, frame in enumerate(frames):
                    cut = frame[:snap] if snap else frame
                    plain.packet(0, cut, length=len(frame))
                    if number % 2:
                        simple.simple_packet(cut, len(frame))
                    else:
                        simple.packet(0, cut, length=len(frame))
                    simple.packet(1, b"\x60" + bytes(39))  # IPv6, and no TCP
                    plain.packet(1, b"\x60" + bytes(39))
                self.assertEqual(self.decode(simple.data), self.decode(plain.data))
                self.assertIn("SELECT 'one'" if snap != 60 else '"cut"', self.decode(simple.data))
        old, new = Pcapng(), Pcapng()
        for made in (old, new):
            made.interface(ETHERNET)
            made.interface(RAW)
        for number, frame in enumerate(frames):
            old.old_packet(number % 2, as_link(frame, (ETHERNET, RAW)[number % 2]))
            new.packet(number % 2, as_link(frame, (ETHERNET, RAW)[number % 2]))
        self.assertEqual(self.decode(old.data), self.decode(new.data))
        self.assertIn("SELECT 'one'", self.decode(old.data))

    def test_blocks_may_end_anywhere_in_what_is_read(self):
        path = ROOT / "captures" / "query.pcap"
        for padding in range(0, 64, 4):
            with self.subTest(padding=padding):
                made = Pcapng()
                made.interface(ETHERNET, 65535)
                # An unknown block brings the next interface to the end of a piece of 128 KiB.
                made.data += made.block(0x0BAD, bytes((1 << 17) - len(made.data) - 12 - padding))
                made.interface(RAW, 1000)
                for number, (seconds, micros, _, frame) in enumerate(frames_of(path.read_bytes())):
                    made.packet(number % 2, as_link(frame, (ETHERNET, RAW)[number % 2]), seconds * 10**6 + micros)
                self.assertEqual(self.decode(made.data), run(path))
                self.assertEqual(run("-", stdin=gzip.compress(made.data, 1)), run(path))

    def test_a_file_that_ends_in_a_block_is_cut(self):
        made = Pcapng()
        made.interface(ETHERNET)
        made.interface(RAW)
        with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
            for extra in range(1, 16):
                file.seek(0)
                file.truncate()
                file.write(made.data + made.block(6, bytes(20))[:extra])
                file.flush()
                result = subprocess.run([PROGRAM, file.name], stderr=subprocess.PIPE, check=False, timeout=60)
                self.assertEqual(result.returncode, NOTHING)
                self.assertIn(b"where the file is cut", result.stderr)


class Pipes(unittest.TestCase):
    def setUp(self):
        capture = Dialogue()
        capture.query(b"SELECT 'one'")
        self.first = capture.bytes()
        capture.query(b"SELECT 'two'")
        self.whole = capture.bytes()
        self.assertTrue(self.whole.startswith(self.first))

    def start(self, *arguments):
        program = subprocess.Popen([PROGRAM, *arguments, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.addCleanup(program.wait, 60)
        for stream in (program.stdin, program.stdout, program.stderr):
            self.addCleanup(stream.close)
        self.addCleanup(program.kill)
        return program

    def read_up_to(self, program, words):
        said = b""
        while words not in said:
            more = os.read(program.stdout.fileno(), 1 << 16)
            self.assertTrue(more, said)
            said += more
        return said

    def test_packets_are_shown_as_they_come(self):
        program = self.start("-f", "json")
        program.stdin.write(self.first)
        program.stdin.flush()
        said = self.read_up_to(program, b"SELECT 'one'")
        self.assertNotIn(b"two", said)
        program.stdin.write(self.whole[len(self.first):])
        program.stdin.flush()
        self.read_up_to(program, b"SELECT 'two'")
        program.stdin.close()
        self.assertEqual(program.wait(60), 0)

    def test_an_interrupt_is_the_end_of_the_capture(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                program = self.start("-f", "json")
                program.stdin.write(self.first[:-3])
                program.stdin.flush()
                self.read_up_to(program, b"SELECT 'one'")
                program.send_signal(number)
                said, error = program.stdout.read(), program.stderr.read()
                self.assertEqual(program.wait(60), 0, error)
                self.assertIn(b"connection_end", said)
                self.assertNotIn(b"cut", error)

    def test_a_summary_has_what_came_before_the_interrupt(self):
        program = self.start("-f", "digest")
        program.stdin.write(self.first)
        program.stdin.flush()
        # Nothing tells from outside that all of it has been read but that the pipe is empty, and somebody waits.
        while unread(program.stdin) or not sleeps(program.pid):
            self.assertIsNone(program.poll())
        program.send_signal(signal.SIGINT)
        self.assertIn(b"SELECT ?", program.stdout.read())
        self.assertEqual(program.wait(60), 0)


def unread(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def sleeps(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    options, rest = parser.parse_known_args()
    PROGRAM = options.program
    unittest.main(argv=[sys.argv[0], *rest])
