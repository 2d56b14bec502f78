"""A relay between two programs that speak the protocol, which does harm at a chosen packet.

It passes whole packets on (behind a request for TLS: whole records) and numbers those of each direction, so
that a fault can be put at every boundary that a first, undisturbed run has shown.
"""

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass

from harness.process import free_port

#: Towards the server and towards the client.
UP, DOWN = "up", "down"
DELAY_SECONDS = 0.15

#: What can happen to a packet.
DELAY = "delay"            # it comes late
CUT = "cut"                # both connections are closed in front of it
TRUNCATE = "truncate"      # half of it comes, then both are closed
DUPLICATE = "duplicate"    # it comes twice
HALF_CLOSE = "half-close"  # its receiver is told that nothing more comes; the other direction goes on
RESET = "reset"            # both connections are reset in front of it
STALL = "stall"            # neither it nor anything else comes any more, and nobody is told
KINDS = (DELAY, CUT, TRUNCATE, DUPLICATE, HALF_CLOSE, RESET)

SSL_REQUEST_SIZE = 32
CLIENT_SSL = 1 << 11


@dataclass(frozen=True)
class Fault:
    kind: str
    direction: str
    #: which packet of this direction, from 0, since the fault was set
    at: int

    def __str__(self):
        return f"{self.kind} at packet {self.at} {self.direction}"


class Passage:
    """One connection through the relay."""

    def __init__(self, relay, near, far):
        self.relay = relay
        self.ends = {UP: (near, far), DOWN: (far, near)}
        self.secure = False
        self.stalled = threading.Event()
        self.over = threading.Event()
        self._open = {UP, DOWN}
        self._lock = threading.Lock()
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.threads = [threading.Thread(target=self._run, args=(direction,), daemon=True) for direction in (UP, DOWN)]
        for thread in self.threads:
            thread.start()

    def _read(self, source, size):
        data = bytearray()
        while len(data) < size:
            more = source.recv(size - len(data))
            if not more:
                break
            data += more
        return bytes(data)

    def _packet(self, source, direction, first):
        """The next one, whole, or what there is of it."""
        header = self._read(source, 5 if self.secure else 4)
        if self.secure:
            # The direction that slept in read() while the request for TLS went the other way is in time, too:
            # who waits for the request says nothing.
            return header + self._read(source, int.from_bytes(header[3:5], "big")) if len(header) == 5 else header
        if len(header) < 4:
            return header
        size = int.from_bytes(header[:3], "little")
        if direction == DOWN and self.secure:
            # A record, of which four bytes were taken for a header.
            header += self._read(source, 1)
            return header + self._read(source, int.from_bytes(header[3:5], "big"))
        packet = header + self._read(source, size)
        if direction == UP and first and size == SSL_REQUEST_SIZE and struct.unpack_from("<I", packet, 4)[0] & CLIENT_SSL:
            self.secure = True
        return packet

    def _run(self, direction):
        source, target = self.ends[direction]
        first = True
        try:
            while packet := self._packet(source, direction, first):
                first = False
                if not self._pass(packet, direction, target):
                    break
        except OSError:
            pass
        self._ended(direction)

    def _pass(self, packet, direction, target):
        """False when nothing more is to come this way."""
        kind = self.relay.take(direction, len(packet))
        if self.stalled.is_set() or kind == STALL:
            self.stalled.set()
            self.over.wait()
            return False
        if kind in (CUT, RESET):
            self.close(reset=kind == RESET)
            return False
        if kind == TRUNCATE:
            target.sendall(packet[:max(2, len(packet) // 2)])
            self.close()
            return False
        if kind == HALF_CLOSE:
            target.shutdown(socket.SHUT_WR)
            source, _ = self.ends[direction]
            while source.recv(65536):
                pass
            return False
        if kind == DELAY:
            self.over.wait(DELAY_SECONDS)
        target.sendall(packet * 2 if kind == DUPLICATE else packet)
        return True

    def _ended(self, direction):
        if self.over.is_set():
            return
        if self.stalled.is_set():
            # Nobody is told before the other side has given up as well, or the relay mends.
            self.over.wait(60)
        _, target = self.ends[direction]
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
        with self._lock:
            self._open.discard(direction)
            if self._open:
                return
        self.close()

    def close(self, reset=False):
        self.over.set()
        for end in self.ends[UP]:
            with contextlib.suppress(OSError):
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # The thread that reads from it has to wake: until then it is not closed. Of this one half nobody is told.
                end.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
            end.close()
        self.relay.gone(self)


class FaultRelay:
    """Listens on `port` and passes on to `target`, another one."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.trace = []
        self.passages = set()
        self._fault = None
        self._counts = {UP: 0, DOWN: 0}
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def set(self, fault=None):
        """From here on packets are counted, and the fault's is harmed. The trace begins anew."""
        with self._lock:
            self._fault = fault
            self._counts = {UP: 0, DOWN: 0}
            self.trace = []

    def pending(self):
        """The fault has not happened."""
        return self._fault is not None

    def take(self, direction, size):
        """Counts a packet; what is to be done with it, or None."""
        with self._lock:
            number = self._counts[direction]
            self._counts[direction] += 1
            self.trace.append((direction, number, size))
            fault = self._fault
            if fault is None or (fault.direction, fault.at) != (direction, number):
                return None
            self._fault = None
            return fault.kind

    def drop(self):
        """Ends what goes through, also what is stalled."""
        for passage in list(self.passages):
            passage.close()

    def gone(self, passage):
        with self._lock:
            self.passages.discard(passage)

    def stop(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            with self._lock:
                self.passages.add(Passage(self, near, far))
