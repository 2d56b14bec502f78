"""Child processes, ports and waiting."""

import contextlib
import ctypes
import functools
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path


class Failure(Exception):
    """A program that the tests need does not do what it is for."""


def wait_until(condition, what, timeout=30.0, interval=0.02):
    """Returns the first true value of condition(); fails when there is none in `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"waited {timeout} s for {what}")
        time.sleep(interval)


class Ports:
    """TCP ports of the loopback interface for one process of the tests and its children.

    Below those that the kernel gives to clients, and in a block that no other process of the tests takes
    from: what is free now is still free when a server that was told of it begins to listen.
    """

    FIRST, END, BLOCK = 12000, 32000, 400

    def __init__(self):
        for self.base in range(self.FIRST, self.END, self.BLOCK):
            self.claim = self.bind(self.base)
            if self.claim:
                self.next = self.base
                return
        raise Failure("every block of ports is taken")

    @staticmethod
    def bind(port):
        """A socket that has the port; it is given up with the socket."""
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))
            return probe
        except OSError:
            probe.close()
            return None

    def take(self):
        for _ in range(self.BLOCK - 1):
            self.next = self.next + 1 if self.next + 1 < self.base + self.BLOCK else self.base + 1
            if probe := self.bind(self.next):
                probe.close()
                return self.next
        raise Failure("every port of the block is taken")


@functools.cache
def ports():
    return Ports()


def free_port():
    """A TCP port of the loopback interface that nobody has just now."""
    return ports().take()


def tail(path, lines=20):
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError as error:
        return str(error)


PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def die_with_parent():
    """In a child before it becomes a program: it does not outlive a test run that is killed."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """A process of ours with its output in a file. It is ended with the object, or with the process of the tests."""

    def __init__(self, arguments, log, name, **options):
        self.name = name
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                [str(argument) for argument in arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                # For the kernel the parent is a thread. Others than the first one come and go.
                preexec_fn=die_with_parent if threading.current_thread() is threading.main_thread() else None, **options)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def freeze(self):
        """Stops it where it is, until thaw(). A thread that was not told yet would still answer."""
        self.send(signal.SIGSTOP)
        wait_until(lambda: set(self.states()) == {"T"}, f"{self.name} to stop", 10)

    def thaw(self):
        self.send(signal.SIGCONT)

    def states(self):
        """Of each of its threads a letter, as proc(5) has them."""
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ends
                yield (task / "stat").read_text().rpartition(")")[2].split()[0]

    def wait(self, timeout=30.0):
        """The exit code."""
        return self.process.wait(timeout)

    def wait_until(self, condition, what, timeout=60.0):
        def check():
            if not self.running():
                raise Failure(f"{self.name} ended with {self.process.returncode} before {what}:\n{tail(self.log)}")
            return condition()

        try:
            return wait_until(check, what, timeout)
        except Failure as failure:
            raise Failure(f"{self.name}: {failure}\n{tail(self.log)}") from None

    def stop(self, number=signal.SIGTERM, timeout=20.0):
        """Asks, then insists. Returns the exit code."""
        if self.running():
            if self.process.poll() is None:
                self.send(signal.SIGCONT)
            self.send(number)
            try:
                return self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
        return self.wait(timeout)

    def resident(self):
        """Bytes of memory that the process has in use, VmRSS."""
        return self.status("VmRSS") * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def sanitized(self):
        """Whether it has a sanitizer's run-time library, whose memory is not as other programs'."""
        return self.sanitized_by("(a|t|ub)san")

    def sanitized_by(self, name):
        with open(f"/proc/{self.pid}/maps") as maps:
            return re.search(f"lib{name}", maps.read()) is not None

    def status(self, field):
        with open(f"/proc/{self.pid}/status") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        raise Failure(f"no {field} in the status of {self.name}")
