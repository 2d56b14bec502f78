"""A piece of network between two programs, which can be cut."""

import selectors
import socket
import threading

from harness.process import free_port


class Link:
    """Forwards connections to `target`, a port. While it is cut nothing passes, and nobody is told."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._whole = threading.Event()
        self._whole.set()
        self._stopped = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def cut(self):
        self._whole.clear()

    def mend(self):
        self._whole.set()

    def stop(self):
        self._stopped = True
        self.mend()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def _run(self):
        while not self._stopped:
            for key, _ in self._selector.select(timeout=0.1):
                self._whole.wait()
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj.fileno() >= 0:
                    self._pass(key.fileobj, key.data)

    def _accept(self):
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            near.close()
            return
        for one, other in ((near, far), (far, near)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(one, selectors.EVENT_READ, other)

    def _pass(self, one, other):
        try:
            data = one.recv(65536)
            other.sendall(data)
        except OSError:
            data = b""
        if not data:
            for end in (one, other):
                self._selector.unregister(end)
                end.close()
