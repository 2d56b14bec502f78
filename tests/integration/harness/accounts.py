"""The accounts that every server has and that the proxies know."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    name: str
    password: str
    pool: str = "main"

    @property
    def native_hash(self):
        """SHA1(SHA1(password)) as the servers write it: what the proxy is given."""
        stage1 = hashlib.sha1(self.password.encode()).digest()
        return "*" + hashlib.sha1(stage1).hexdigest().upper()


APP = Account("app", "app-secret")
OTHER = Account("other", "other secret")
NOBODY = Account("nobody", "")
#: The proxy takes the password that it is given; the server has another one for this user.
STALE = Account("stale", "what-it-was")
STALE_ON_SERVER = Account("stale", "what-it-is-now")
#: Known to the proxy, but not to any server.
GHOST = Account("ghost", "boo")
#: Known to the servers, but not to any proxy.
DIRECT_ONLY = Account("direct_only", "past-the-proxy")
#: May log in, but not use any schema.
POOR = Account("poor", "poor-secret")

ON_SERVERS = (APP, OTHER, NOBODY, STALE_ON_SERVER, DIRECT_ONLY, POOR)
ON_PROXIES = (APP, OTHER, NOBODY, STALE, GHOST, POOR)


def write_secret(path, text):
    """A file that its owner alone can read, as the proxy wants it."""
    path.touch(mode=0o600)
    path.write_text(text)
    return path
