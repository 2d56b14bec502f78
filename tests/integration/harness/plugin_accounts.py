"""Servers with TLS, and on them an account for each plugin and for each state that an account can be in."""

import subprocess
from dataclasses import dataclass

from harness.accounts import Account
from harness.plugins import CACHING_SHA2, ED25519, NATIVE, SHA256
from harness.servers import MariaDb, MySql


@dataclass(frozen=True)
class PluginAccount(Account):
    """`plugin` is what its clients begin with; `clause` is the end of its CREATE USER."""

    plugin: bytes = NATIVE
    clause: str = ""

    def create(self, flavor):
        named = self.plugin.decode().removeprefix("client_")
        if flavor == "mariadb":
            how = f"VIA {named} USING PASSWORD('{self.password}')"
        else:
            how = f"WITH {named} BY '{self.password}'"
        return f"CREATE USER '{self.name}'@'%' IDENTIFIED {how} {self.clause}"


#: Passwords that nothing else contains, and that no buffer has a reason to hold.
BY_PLUGIN = {
    "mariadb": [PluginAccount("by_native", "Nat1ve#ünderstood!97", plugin=NATIVE),
                PluginAccount("by_ed25519", "Ed25519#ünderstood!98", plugin=ED25519)],
    "mysql": [PluginAccount("by_native", "Nat1ve#ünderstood!97", plugin=NATIVE),
              PluginAccount("by_caching_sha2", "Cach1ng#ünderstood!99", plugin=CACHING_SHA2),
              PluginAccount("by_sha256", "Sha256#ünderstood!96", plugin=SHA256)],
}

IN_STATES = [PluginAccount("is_locked", "l0cked-out", clause="ACCOUNT LOCK"),
             PluginAccount("is_expired", "exp1red", clause="PASSWORD EXPIRE"),
             PluginAccount("needs_tls", "t1s-please", clause="REQUIRE SSL"),
             PluginAccount("needs_certificate", "c3rtificate", clause="REQUIRE X509")]


def make_certificate(folder, name):
    """A self-signed certificate and its key, once."""
    key, certificate = folder / f"{name}-key.pem", folder / f"{name}.pem"
    if not certificate.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", f"/CN={name}", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
    return certificate, key


class SecureMariaDb(MariaDb):
    def settings(self):
        certificate, key = make_certificate(self.folder, "localhost")
        return [*super().settings(), "--ssl", f"--ssl-cert={certificate}", f"--ssl-key={key}",
                f"--ssl-ca={certificate}", "--plugin-load-add=auth_ed25519"]

    def accounts(self):
        yield from super().accounts()
        for account in [*BY_PLUGIN[self.flavor], *IN_STATES]:
            yield account.create(self.flavor)


class SecureMySql(MySql):
    """As MySQL 8 is after its installation: it greets with caching_sha2_password."""

    def __init__(self, folder, base):
        super().__init__(folder, base, plugin=CACHING_SHA2.decode())

    def accounts(self):
        yield from super().accounts()
        for account in [*BY_PLUGIN[self.flavor], *IN_STATES]:
            yield account.create(self.flavor)

    def stored(self, user):
        """What mysql.user has, in digits."""
        return self.ask(f"SELECT HEX(authentication_string) FROM mysql.user WHERE user = '{user}'")[0][0]


def stored_hash(server, account):
    """What the proxy is given of the account."""
    if account.plugin == NATIVE:
        return account.native_hash
    if server.flavor == "mysql":
        return server.stored(account.name)
    return server.ask(f"SELECT authentication_string FROM mysql.user WHERE user = '{account.name}'")[0][0]


def by_hash(server, accounts):
    """Tables of the configuration for users whose hash is stored."""
    return {f"user.{one.name}": {"pool": "main", "hash": stored_hash(server, one)} for one in accounts}


def by_server(accounts):
    """The same for users whom the server decides about."""
    return {f"user.{one.name}": {"pool": "main", "passthrough": True} for one in accounts}
