"""Logins by every authentication plugin, packet by packet: what each side said can be looked at afterwards."""

import hashlib
import ssl
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from pymysql import _auth

from harness.wire import NATIVE, SSL, USUAL, Wire, response_41, scramble

CACHING_SHA2 = b"caching_sha2_password"
SHA256 = b"sha256_password"
ED25519 = b"client_ed25519"
CLEAR = b"mysql_clear_password"

FAST_AUTH_SUCCESS, PERFORM_FULL_AUTHENTICATION = b"\x03", b"\x04"


def any_certificate():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def sha2_scramble(password, salt):
    if not password:
        return b""
    stage1 = hashlib.sha256(password.encode()).digest()
    stage2 = hashlib.sha256(stage1).digest()
    return bytes(a ^ b for a, b in zip(stage1, hashlib.sha256(stage2 + salt).digest()))


def xored(password, salt):
    clear = password.encode() + b"\0"
    return bytes(c ^ salt[i % len(salt)] for i, c in enumerate(clear))


def encrypted(password, salt, pem):
    key = serialization.load_pem_public_key(pem)
    oaep = padding.OAEP(mgf=padding.MGF1(algorithm=hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
    return key.encrypt(xored(password, salt), oaep)


@dataclass
class Login:
    """One login of one client, which begins by `plugin`."""

    user: str
    password: str
    plugin: bytes = CACHING_SHA2
    tls: ssl.SSLContext | None = None
    capabilities: int = USUAL
    schema: bytes = b""
    #: what was asked and said: plugins, "fast", "full", "key"
    story: list = field(default_factory=list)
    #: the salts that were answered
    salts: list = field(default_factory=list)

    def run(self, port=None, path=None):
        """Logs in: the connection, and the server's last packet."""
        wire = Wire(port, path=path)
        last = wire.greet()
        if not wire.greeting:
            return wire, last
        self.secure = self.tls is not None or path is not None
        self.salt = wire.greeting.salt
        capabilities = self.capabilities
        if self.tls:
            capabilities |= SSL
            wire.send(response_41(b"", b"", capabilities)[:32])
            wire.socket = self.tls.wrap_socket(wire.socket)
        # As libmysql: without a salt for its plugin a client has nothing to say yet.
        fits = self.plugin == wire.greeting.plugin or self.plugin in (NATIVE, CACHING_SHA2)
        wire.send(response_41(self.user.encode(), self.first() if fits else b"", capabilities, self.schema, self.plugin))
        return wire, self.go_on(wire)

    def change_user(self, wire, tls=False):
        """The same on a connection that is logged in, by COM_CHANGE_USER."""
        self.secure = tls
        self.salt = wire.greeting.salt
        wire.command(17, self.user.encode() + b"\0\0" + self.schema + b"\0" + b"\x2d\0" + self.plugin + b"\0")
        return self.go_on(wire)

    def go_on(self, wire):
        while True:
            packet = wire.read()
            if packet[:1] == b"\xfe":
                self.plugin, _, data = packet[1:].partition(b"\0")
                self.story.append(self.plugin.decode())
                self.salt = data[:20] if len(data) == 21 else data
                wire.send(self.first())
            elif packet[:1] == b"\x01":
                answer = self.more(packet[1:])
                if answer is not None:
                    wire.send(answer)
            else:
                return packet

    def first(self):
        """The answer to a salt."""
        self.salts.append(self.salt)
        if self.plugin == NATIVE:
            return scramble(self.password, self.salt)
        if self.plugin == CACHING_SHA2:
            return sha2_scramble(self.password, self.salt)
        if self.plugin == SHA256:
            return self.full(b"\x01") if self.password else b"\0"
        if self.plugin == ED25519:
            return _auth.ed25519_password(self.password.encode(), self.salt) if len(self.salt) == 32 else b""
        if self.plugin == CLEAR:
            return self.password.encode() + b"\0"
        raise AssertionError(f"asked for {self.plugin}")

    def more(self, data):
        if data == FAST_AUTH_SUCCESS:
            self.story.append("fast")
            return None
        if data == PERFORM_FULL_AUTHENTICATION:
            self.story.append("full")
            return self.full(b"\x02")
        assert data.startswith(b"-----BEGIN PUBLIC KEY-----"), data
        self.story.append("key")
        return encrypted(self.password, self.salt, data)

    def full(self, key_request):
        return self.password.encode() + b"\0" if self.secure else key_request
