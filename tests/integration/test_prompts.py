"""Passwords that are asked for on the terminal."""

import os
import pty
import select
import signal
import termios

import pytest

from harness.accounts import Account
from harness.probe import find_executable

WALTER = Account("walter", "his-pass word")


@pytest.mark.parametrize("again", [WALTER.password, "something else"])
def test_user_hash_asks_without_echo(proxy_executable, again):
    """On the terminal itself, whatever standard input and output are."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(proxy_executable, [str(proxy_executable), "user", "hash", "--plugin", "mysql_native_password"])
    seen = b""

    def read_until(text):
        nonlocal seen
        while text not in seen:
            assert select.select([terminal], [], [], 20)[0], seen
            seen += os.read(terminal, 1000)

    read_until(b"Password: ")
    os.write(terminal, WALTER.password.encode() + b"\n")
    read_until(b"Again: ")
    os.write(terminal, again.encode() + b"\n")
    read_until(WALTER.native_hash.encode() if again == WALTER.password else b"differ")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == (0 if again == WALTER.password else 2)
    assert WALTER.password.encode() not in seen and again.encode() not in seen


@pytest.mark.parametrize("arguments", [["user", "hash"], ["login", "127.0.0.1:1", "-u", "app", "-p"]],
                         ids=["mysqlproxy", "mysqlprobe"])
def test_interrupted_prompt_leaves_the_terminal_as_it_was(proxy_executable, arguments):
    program = proxy_executable if arguments[0] == "user" else find_executable()
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a test run in the background has it ignored
        os.execv(program, [str(program), *arguments])
    before = termios.tcgetattr(terminal)[3]
    seen = b""
    while b"assword" not in seen:
        assert select.select([terminal], [], [], 20)[0], seen
        seen += os.read(terminal, 1000)
    assert not termios.tcgetattr(terminal)[3] & termios.ECHO
    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT
    assert termios.tcgetattr(terminal)[3] == before
    os.close(terminal)
