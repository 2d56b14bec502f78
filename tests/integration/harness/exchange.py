"""Commands and their whole answers, packet by packet, in a form that two connections can be compared by.

An answer is the payloads that the server sent, byte for byte: columns with their types and character sets, rows,
counts, insert ids, status flags, warnings, what session tracking says. Only ids that a server gives to prepared
statements, and the random bytes of a login, are replaced, since they differ from connection to connection.
"""

import re
import struct
from dataclasses import dataclass

from harness import wire
from harness.wire import Err, Wire

MORE_RESULTS = 1 << 3
CURSOR = 1 << 6

#: Of statements that were never prepared. No server gets that far.
NO_STATEMENT = 0x7FFFFF00


def lenenc(data, at=0):
    """A length-encoded integer and the offset behind it; None for NULL."""
    first = data[at]
    if first < 0xFB:
        return first, at + 1
    if first == 0xFB:
        return None, at + 1
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]
    return int.from_bytes(data[at + 1:at + 1 + size], "little"), at + 1 + size


def lenenc_string(data):
    if len(data) < 0xFB:
        return bytes([len(data)]) + data
    if len(data) < 1 << 16:
        return b"\xfc" + struct.pack("<H", len(data)) + data
    return b"\xfd" + struct.pack("<I", len(data))[:3] + data


#: Where errors, and SHOW WARNINGS, name the id of a statement, with the length in front of it; and a function of the server
#: that was asked for one that there isn't.
NAMED_ID = re.compile(rb".(The statement|Unknown prepared statement handler) \(\d+\)( given to \w+)?", re.DOTALL)


def without_ids(packets):
    return [in_order(NAMED_ID.sub(rb"?\1 (<id>)", packet)) for packet in packets]


def in_order(packet):
    """An OK with its session state in an order of ours: MariaDB reports variables as they lie in a table of hashes."""
    if packet[:1] not in (b"\0", b"\xfe") or len(packet) < 8:
        return packet
    try:
        _, at = lenenc(packet, 1)
        _, at = lenenc(packet, at)
        if not struct.unpack_from("<H", packet, at)[0] & 0x4000:
            return packet
        size, begin = lenenc(packet, at + 4)
        size, begin = lenenc(packet, begin + size)
        items, at = [], begin
        while at < len(packet):
            size, data = lenenc(packet, at + 1)
            items.append(packet[at:data + size])
            at = data + size
    except (IndexError, KeyError, TypeError, struct.error):
        return packet  # a row that looks like one
    return packet[:begin] + b"".join(sorted(items)) if at == len(packet) else packet


@dataclass
class Prepared:
    id: int
    parameters: int = 0
    #: Whether the types of its parameters were sent, so that they may be left out.
    bound: bool = False


class Session:
    """One connection. Each method sends a command and gives its answer, a list of payloads."""

    def __init__(self, port, account, capabilities=wire.USUAL, schema=b"test", timeout=60.0):
        self.capabilities = capabilities
        self.wire = Wire(port, timeout)
        self.login = self.wire.log_in(account, capabilities, schema)
        #: What is prepared, and the ids of what was.
        self.slots = {}
        self.gone = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.wire.close()

    def quit(self):
        self.wire.command(wire.COM_QUIT)
        self.wire.closed()
        self.wire.close()

    # What a result consists of

    @property
    def eof_deprecated(self):
        return bool(self.capabilities & wire.DEPRECATE_EOF)

    def status_of(self, payload):
        """The status flags of an OK or an EOF."""
        if payload[0] == 0xFE and not (self.eof_deprecated and len(payload) > 5):
            return struct.unpack_from("<H", payload, 3)[0]
        _, at = lenenc(payload, 1)
        _, at = lenenc(payload, at)
        return struct.unpack_from("<H", payload, at)[0]

    @staticmethod
    def ends_rows(payload, limit):
        return payload[0] == 0xFE and len(payload) < limit

    def read_rows(self, packets):
        """Up to the end of the rows. The status flags, or None after an ERR."""
        limit = wire.MAX_FRAME if self.eof_deprecated else 9
        while True:
            packets.append(self.wire.read())
            if packets[-1][0] == 0xFF:
                return None
            if self.ends_rows(packets[-1], limit):
                return self.status_of(packets[-1])

    def read_results(self, prepared=False):
        packets = []
        self.read_all(packets, prepared)
        return without_ids(packets)

    def read_all(self, packets, prepared):
        while True:
            first = self.wire.read()
            packets.append(first)
            if first[0] == 0xFF:
                return
            if first[0] == 0:
                status = self.status_of(first)
            else:
                for _ in range(lenenc(first)[0]):
                    packets.append(self.wire.read())
                status = 0
                if not self.eof_deprecated:
                    packets.append(self.wire.read())
                    status = self.status_of(packets[-1])
                if not (prepared and status & CURSOR):
                    status = self.read_rows(packets)
                if status is None:
                    return
            if not status & MORE_RESULTS:
                return

    # Commands

    def simple(self, code, argument=b""):
        self.wire.command(code, argument)
        return without_ids([self.wire.read()])

    def query(self, sql):
        self.wire.command(wire.COM_QUERY, sql)
        return self.read_results()

    def init_db(self, schema):
        return self.simple(wire.COM_INIT_DB, schema)

    def ping(self):
        return self.simple(wire.COM_PING)

    def set_option(self, multi):
        return self.simple(wire.COM_SET_OPTION, struct.pack("<H", 0 if multi else 1))

    def reset_connection(self):
        answer = self.simple(wire.COM_RESET_CONNECTION)
        if answer[0][0] == 0:
            self.forget()
        return answer

    def change_user(self, account, schema):
        self.wire.command(wire.COM_CHANGE_USER, account.name.encode() + b"\0" + b"\0" + schema + b"\0"
                          + struct.pack("<H", 45) + wire.NATIVE + b"\0")
        reply = self.wire.read()
        if reply[0] == 0xFE:
            self.wire.send(wire.scramble(account.password, reply.split(b"\0", 1)[1][:20]))
            reply = self.wire.read()
        if reply[0] == 0:
            self.forget()
        return [reply]

    def forget(self):
        """The ids that statements had are good for nothing any more, but may be sent."""
        self.gone.update({slot: one.id for slot, one in self.slots.items()})
        self.slots.clear()

    def prepare(self, slot, sql):
        self.wire.command(wire.COM_STMT_PREPARE, sql)
        packets = [self.wire.read()]
        if packets[0][0] != 0:
            return packets
        number, columns, parameters = struct.unpack_from("<IHH", packets[0], 1)
        for count in (parameters, columns):
            if count:
                packets += [self.wire.read() for _ in range(count + (0 if self.eof_deprecated else 1))]
        self.slots[slot] = Prepared(number, parameters)
        packets[0] = packets[0][:1] + b"<id>" + packets[0][5:]
        return packets

    def id_of(self, slot):
        return self.slots[slot].id if slot in self.slots else self.gone.get(slot, NO_STATEMENT)

    def execute(self, slot, values, cursor=0, rebind=True):
        """`values` are (type, bytes as the binary protocol has them) or None; as many are sent as it has parameters."""
        statement = self.slots.get(slot)
        count = statement.parameters if statement else 0
        sent = [values[i % len(values)] if values else None for i in range(count)]
        command = struct.pack("<IBI", self.id_of(slot), cursor, 1)
        if count:
            bitmap = bytearray((count + 7) // 8)
            for i, value in enumerate(sent):
                if value is None:
                    bitmap[i // 8] |= 1 << i % 8
            rebind = rebind or not statement.bound
            command += bytes(bitmap) + bytes([rebind])
            if rebind:
                command += b"".join(struct.pack("<H", value[0] if value else 6) for value in sent)
                statement.types = [value[0] if value else 6 for value in sent]
            elif [value[0] if value else None for value in sent] != [
                    kind if value else None for kind, value in zip(statement.types, sent)]:
                return self.execute(slot, values, cursor, True)
            statement.bound = True
            command += b"".join(value[1] for value in sent if value)
        self.wire.command(wire.COM_STMT_EXECUTE, command)
        return self.read_results(prepared=True)

    def execute_in_bulk(self, slot, rows, types=()):
        """`rows` are of bytes as the binary protocol has them; without `types` the last ones hold."""
        command = struct.pack("<IH", self.id_of(slot), 128 if types else 0)
        command += b"".join(struct.pack("<H", one) for one in types)
        command += b"".join(b"\0" + value for row in rows for value in row)
        self.wire.command(wire.COM_STMT_BULK_EXECUTE, command)
        return self.read_results()

    def fetch(self, slot, rows):
        self.wire.command(wire.COM_STMT_FETCH, struct.pack("<II", self.id_of(slot), rows))
        packets = []
        self.read_rows(packets)
        return without_ids(packets)

    def long_data(self, slot, parameter, data):
        self.wire.command(wire.COM_STMT_SEND_LONG_DATA, struct.pack("<IH", self.id_of(slot), parameter) + data)
        return []

    def reset_statement(self, slot):
        return self.simple(wire.COM_STMT_RESET, struct.pack("<I", self.id_of(slot)))

    def close_statement(self, slot):
        self.wire.command(wire.COM_STMT_CLOSE, struct.pack("<I", self.id_of(slot)))
        if slot in self.slots:
            self.gone[slot] = self.slots.pop(slot).id
        return []


def described(packet):
    """A packet for people."""
    error = Err.of(packet)
    if error:
        return f"ERR {error.code} {error.state} {error.message}"
    if packet[:1] == b"\xfe" and len(packet) == 5:
        warnings, status = struct.unpack_from("<HH", packet, 1)
        return f"EOF warnings={warnings} status={status:#06x}"
    shown = "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in packet[:160])
    return shown + ("…" if len(packet) > 160 else "")
