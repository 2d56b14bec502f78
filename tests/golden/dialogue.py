"""A capture of one connection, made by hand: a login, then what a test has both sides say."""

import struct

from html_test import Capture


def packet(sequence_id, body):
    return len(body).to_bytes(3, "little") + bytes([sequence_id]) + body


def lenenc(text):
    return bytes([len(text)]) + text


def ok(sequence_id=1):
    return packet(sequence_id, b"\0\0\0\2\0\0\0")


def error(message, sequence_id=1):
    return packet(sequence_id, b"\xff\x26\x04#23000" + message)


def result(name, values):
    """A result set of one column."""
    definition = b"".join(map(lenenc, (b"def", b"", b"", b"", name, b"")))
    definition += b"\x0c" + struct.pack("<HIBHBH", 45, 1000, 253, 0, 0, 0)
    bodies = [b"\1", definition, b"\xfe\0\0\2\0", *map(lenenc, values), b"\xfe\0\0\2\0"]
    return b"".join(packet(number, body) for number, body in enumerate(bodies, 1))


class Dialogue(Capture):
    def __init__(self, schema=b"shop", micros=None):
        super().__init__()
        if micros is not None:
            self.micros = micros
        self.at = {True: 1001, False: 5001}
        capabilities = 0x0008a28f  # with LOCAL_FILES
        self.segment(40000, True, 1000, 0, 0x02)
        self.segment(40000, False, 5000, 1001, 0x12)
        self.send(False, packet(0, b"\x0a8.0.36\0" + struct.pack("<I", 7) + b"12345678\0" +
                                struct.pack("<HBHH", capabilities & 0xffff, 45, 2, capabilities >> 16) +
                                b"\x15" + b"\0" * 10 + b"123456789012\0mysql_native_password\0"))
        self.send(True, packet(1, struct.pack("<IIB23x", capabilities, 1 << 24, 45) + b"app\0\0" +
                               schema + b"\0mysql_native_password\0"))
        self.send(False, ok(2))

    def send(self, to_server, data, captured=None):
        """`captured`: how many bytes of the data a snap length left."""
        self.segment(40000, to_server, self.at[to_server], self.at[not to_server], 0x18, data)
        self.at[to_server] += len(data)
        if captured is None:
            return
        whole = self.parts[-1]
        size = len(whole) - 16 - len(data) + captured
        self.parts[-1] = whole[:8] + struct.pack("<I", size) + whole[12:16 + size]

    def command(self, body, answer=None, captured=None):
        self.send(True, packet(0, body), captured)
        self.send(False, ok() if answer is None else answer)

    def query(self, statement, answer=None, captured=None):
        self.command(b"\3" + statement, answer, captured)
