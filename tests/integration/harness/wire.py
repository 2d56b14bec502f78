"""A client that speaks the protocol byte by byte, as a test wants it: also wrongly.

https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
"""

import hashlib
import socket
import struct
from dataclasses import dataclass

LONG_PASSWORD = 1
FOUND_ROWS = 1 << 1
CONNECT_WITH_DB = 1 << 3
COMPRESS = 1 << 5
LOCAL_FILES = 1 << 7
IGNORE_SPACE = 1 << 8
PROTOCOL_41 = 1 << 9
INTERACTIVE = 1 << 10
SSL = 1 << 11
TRANSACTIONS = 1 << 13
SECURE_CONNECTION = 1 << 15
MULTI_STATEMENTS = 1 << 16
MULTI_RESULTS = 1 << 17
PS_MULTI_RESULTS = 1 << 18
PLUGIN_AUTH = 1 << 19
CONNECT_ATTRS = 1 << 20
LENENC_AUTH = 1 << 21
SESSION_TRACK = 1 << 23
DEPRECATE_EOF = 1 << 24
ZSTD = 1 << 26
#: MariaDB's, for clients without LONG_PASSWORD.
BULK_OPERATIONS = 1 << 34

USUAL = (LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | TRANSACTIONS | CONNECT_WITH_DB | MULTI_STATEMENTS
         | MULTI_RESULTS | PS_MULTI_RESULTS)

COM_QUIT, COM_INIT_DB, COM_QUERY, COM_FIELD_LIST = 1, 2, 3, 4
COM_STATISTICS, COM_PROCESS_KILL, COM_PING, COM_CHANGE_USER = 9, 12, 14, 17
COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_SEND_LONG_DATA, COM_STMT_CLOSE, COM_STMT_RESET = 22, 23, 24, 25, 26
COM_STMT_BULK_EXECUTE = 0xFA  # MariaDB's
COM_SET_OPTION, COM_STMT_FETCH, COM_RESET_CONNECTION = 27, 28, 31

NATIVE = b"mysql_native_password"
MAX_FRAME = (1 << 24) - 1


class Closed(Exception):
    """The other side has closed or reset the connection."""


@dataclass(frozen=True)
class Err:
    code: int
    state: str
    message: str

    @staticmethod
    def of(payload):
        """The ERR packet, or None. Without a SQLSTATE it is one from before the greeting was answered."""
        if not payload or payload[0] != 0xFF:
            return None
        code, = struct.unpack_from("<H", payload, 1)
        rest = payload[3:]
        state = rest[1:6].decode() if rest[:1] == b"#" else ""
        return Err(code, state, rest[6:].decode() if state else rest.decode())


@dataclass(frozen=True)
class Greeting:
    version: str
    connection_id: int
    salt: bytes
    capabilities: int
    collation: int
    status: int
    plugin: bytes
    payload: bytes

    @staticmethod
    def of(payload):
        end = payload.index(0, 1)
        at = end + 1
        connection_id, = struct.unpack_from("<I", payload, at)
        low, collation, status, high, _ = struct.unpack_from("<HBHHB", payload, at + 13)
        salt = payload[at + 4:at + 12] + payload[at + 31:at + 43]
        return Greeting(payload[1:end].decode(), connection_id, salt, low | high << 16, collation, status,
                        payload[at + 44:].rstrip(b"\0"), payload)


def scramble(password, salt):
    """What mysql_native_password answers."""
    if not password:
        return b""
    stage1 = hashlib.sha1(password.encode()).digest()
    stage2 = hashlib.sha1(stage1).digest()
    return bytes(a ^ b for a, b in zip(stage1, hashlib.sha1(salt + stage2).digest()))


def response_41(user, answer, capabilities=USUAL, schema=b"test", plugin=NATIVE, collation=45, attributes=b"",
                max_packet=1 << 30):
    """HandshakeResponse41."""
    out = struct.pack("<IIB19xI", capabilities & 0xFFFFFFFF, max_packet, collation, capabilities >> 32) + user + b"\0"
    out += bytes([len(answer)]) + answer if capabilities & (SECURE_CONNECTION | LENENC_AUTH) else answer + b"\0"
    if capabilities & CONNECT_WITH_DB:
        out += schema + b"\0"
    if capabilities & PLUGIN_AUTH:
        out += plugin + b"\0"
    return out + attributes


def frame(payload, sequence):
    return struct.pack("<I", len(payload))[:3] + bytes([sequence & 0xFF]) + payload


class Wire:
    """One connection. Packets are payloads; `sequence` is the id that the next one has."""

    def __init__(self, port=None, timeout=20.0, path=None):
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(path))
        else:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sequence = 0
        self.greeting = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send_raw(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed(str(error)) from None

    def read_raw(self, size):
        data = bytearray()
        while len(data) < size:
            try:
                more = self.socket.recv(min(size - len(data), 1 << 20))
            except ConnectionResetError as error:
                raise Closed(str(error)) from None
            if not more:
                raise Closed(f"after {len(data)} of {size} bytes")
            data += more
        return bytes(data)

    def closed(self):
        """Waits for the other side's end; what came before it is thrown away."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return True

    def send(self, payload, sequence=None):
        """A packet, split where it is long."""
        if sequence is not None:
            self.sequence = sequence
        while True:
            part, payload = payload[:MAX_FRAME], payload[MAX_FRAME:]
            self.send_raw(frame(part, self.sequence))
            self.sequence = (self.sequence + 1) & 0xFF
            if len(part) < MAX_FRAME:
                return

    def read(self):
        """The next packet, joined where it was split. Its sequence id has to be the right one."""
        payload = b""
        while True:
            header = self.read_raw(4)
            length = int.from_bytes(header[:3], "little")
            assert header[3] == self.sequence, f"packet {header[3]} where {self.sequence} was due"
            self.sequence = (self.sequence + 1) & 0xFF
            payload += self.read_raw(length)
            if length < MAX_FRAME:
                return payload

    def greet(self):
        payload = self.read()
        if payload[:1] != b"\xff":
            self.greeting = Greeting.of(payload)
        return payload

    def log_in(self, account, capabilities=USUAL, schema=b"test", password=None, **more):
        """Logs in, with an AuthSwitchRequest answered. The last packet of the server."""
        if not self.greeting:
            payload = self.greet()
            if not self.greeting:
                return payload
        password = account.password if password is None else password
        answer = scramble(password, self.greeting.salt)
        self.send(response_41(account.name.encode(), answer, capabilities, schema, **more))
        reply = self.read()
        if reply[:1] == b"\xfe":
            plugin, _, salt = reply[1:].partition(b"\0")
            assert plugin == NATIVE, plugin
            self.send(scramble(password, salt[:20]))
            reply = self.read()
        return reply

    def command(self, code, argument=b""):
        self.send(bytes([code]) + argument, sequence=0)

    def query(self, sql):
        self.command(COM_QUERY, sql if isinstance(sql, bytes) else sql.encode())

    def ask(self, sql):
        """The first value of a statement with a text result, or its Err. Nothing else may be due."""
        self.query(sql)
        first = self.read()
        if first[:1] in (b"\xff", b"\x00"):
            return Err.of(first)
        for _ in range(first[0] + 1):  # column definitions and their EOF
            self.read()
        value = None
        while True:
            row = self.read()
            if row[:1] == b"\xfe" and len(row) < 9:
                return value
            if row[:1] == b"\xff":
                return Err.of(row)
            value = row[1:1 + row[0]].decode() if row[0] < 0xFB else row
            # Only one row is asked for.


def logged_in(port, account, capabilities=USUAL, **more):
    wire = Wire(port)
    reply = wire.log_in(account, capabilities, **more)
    assert reply[:1] == b"\x00", f"login refused: {Err.of(reply)}"
    return wire
