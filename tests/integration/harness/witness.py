"""An onlooker between a client and what it connects to: what a connection really was, whatever the client says.

TLS: https://www.rfc-editor.org/rfc/rfc8446#section-4.1.3 (ServerHello), section 5.1 (records).
"""

import select
import socket
import struct
import threading
import time
from dataclasses import dataclass

from harness import wire

SUPPORTED_VERSIONS = 43
VERSIONS = {0x0303: "1.2", 0x0304: "1.3"}
#: of caching_sha2_password, in an AuthMoreData
FAST_ENOUGH, FULL = b"\x01\x03", b"\x01\x04"


@dataclass(frozen=True)
class Facts:
    """What was seen of one connection."""

    #: "none", "1.2", "1.3" or what else a ServerHello said
    tls: str
    #: without TLS, what both capabilities and the client's answer say: "uncompressed", "zlib", "zstd"; else None
    compression: str
    #: without TLS, how caching_sha2_password went: "fast", "full" or ""; else None
    sha2: str
    bytes_to_client: int
    to_client: bytes
    to_server: bytes


def packets(data):
    """The payloads of whole packets, as long as there are some."""
    at = 0
    while at + 4 <= len(data):
        length = int.from_bytes(data[at:at + 3], "little")
        if at + 4 + length > len(data):
            return
        yield bytes(data[at + 4:at + 4 + length])
        at += 4 + length


def version_of_hello(records):
    """The version that a server's first TLS record chose."""
    if len(records) < 45 or records[0] != 22 or records[5] != 2:
        return "broken"
    version, = struct.unpack_from(">H", records, 9)
    at = 9 + 2 + 32
    at += 1 + records[at]  # session id
    at += 3  # cipher suite, compression
    end = min(len(records), 5 + struct.unpack_from(">H", records, 3)[0])
    at += 2
    while at + 4 <= end:
        kind, size = struct.unpack_from(">HH", records, at)
        if kind == SUPPORTED_VERSIONS:
            version, = struct.unpack_from(">H", records, at + 4)
        at += 4 + size
    return VERSIONS.get(version, hex(version))


def compression_of(offered, wanted):
    common = offered & wanted
    if common & wire.COMPRESS:
        return "zlib"
    return "zstd" if common & wire.ZSTD else "uncompressed"


def facts_of(to_client, to_server, total):
    greeting = next(packets(to_client), b"")
    answer = next(packets(to_server), b"")
    if not greeting or greeting[0] == 0xFF or len(answer) < 32:
        return Facts("none", None, None, total, to_client, to_server)
    offered = wire.Greeting.of(greeting).capabilities
    wanted, = struct.unpack_from("<I", answer)
    if wanted & wire.SSL and len(answer) == 32:
        return Facts(version_of_hello(to_client[4 + len(greeting):]), None, None, total, to_client, to_server)
    sha2 = ""
    for payload in list(packets(to_client))[1:]:
        if payload[:1] in (b"\x00", b"\xff"):
            break  # the login's end
        if payload in (FAST_ENOUGH, FULL):
            sha2 = "fast" if payload == FAST_ENOUGH else "full"
    return Facts("none", compression_of(offered, wanted), sha2, total, to_client, to_server)


class Witness:
    """Passes connections on to 127.0.0.1:`target`, and tells of them. One cell at a time."""

    #: bytes kept of each direction: logins are shorter
    KEPT = 16384

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = None
        self.running = []
        self.seen = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def watch(self, target):
        self.target, self.running, self.seen = target, [], []

    def facts(self, timeout=5.0):
        """Of the connections since watch() that have ended. All have some time for that."""
        end = time.monotonic() + timeout
        for thread in self.running:
            thread.join(max(0, end - time.monotonic()))
        return list(self.seen)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._relay, args=(client, self.target, self.seen), daemon=True)
            self.running.append(thread)
            thread.start()

    def _relay(self, client, target, seen):
        server = socket.create_connection(("127.0.0.1", target))
        kept = {client: bytearray(), server: bytearray()}
        total = {client: 0, server: 0}
        other = {client: server, server: client}
        for one in other:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        open_ends = {client, server}
        while open_ends:
            for one in select.select(list(open_ends), [], [])[0]:
                try:
                    data = one.recv(1 << 17)
                    if data:
                        other[one].sendall(data)
                except OSError:
                    data = b""
                total[one] += len(data)
                kept[one] += data[:max(0, self.KEPT - len(kept[one]))]
                if not data:
                    open_ends.discard(one)
                    try:
                        other[one].shutdown(socket.SHUT_WR)
                    except OSError:
                        open_ends.discard(other[one])
        seen.append(facts_of(bytes(kept[server]), bytes(kept[client]), total[server]))
        client.close()
        server.close()
