"""Servers that have names: what a name leads to changes, and now and then it leads nowhere."""

import os
import subprocess

import pytest

from harness.accounts import APP
from harness.process import wait_until
from harness.proxy import Proxy
from harness.wire import Err, Wire, logged_in

NAME = "db.mysqlproxy.test"


class Names:
    """An /etc/hosts of the proxy's own. Whatever is not in it is asked of DNS, which does not know it, or does not answer."""

    def __init__(self, folder, executable):
        self.hosts = folder / "hosts"
        self.executable = folder / "mysqlproxy-with-names"
        self.lead_to(None)
        self.executable.write_text("#!/bin/sh\n"
                                   f"exec unshare -m sh -c 'mount --bind {self.hosts} /etc/hosts && exec \"$@\"' sh {executable} \"$@\"\n")
        self.executable.chmod(0o755)

    def lead_to(self, address):
        # In place: another file of that name would not be the one that is mounted.
        with open(self.hosts, "w") as hosts:
            hosts.write("127.0.0.1 localhost\n" + (f"{address} {NAME}\n" if address else ""))


@pytest.fixture
def named(mariadb, proxy_executable, tmp_path):
    """start(address): a proxy whose server has a name that leads there, and the names."""
    names = Names(tmp_path, proxy_executable)
    if os.geteuid() != 0 or subprocess.run([names.executable, "--version"], capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted here")
    def start(address):
        names.lead_to(address)
        tables = {"server.mariadb": {"address": f"{NAME}:{mariadb.port}"}, "proxy": {"connect_timeout": "2s"},
                  "health": {"interval": "200ms"}}
        made.append(Proxy(names.executable, tmp_path / "proxy", [mariadb], tables=tables))
        return made[-1].start(), names

    made = []
    yield start
    for proxy in made:
        proxy.stop_well()


def refusal(proxy):
    with Wire(proxy.port) as connection:
        return Err.of(connection.log_in(APP))


def test_dns_gone(named):
    """Who is there stays, who comes is served: the address is the one that it was."""
    proxy, names = named("127.0.0.1")
    with logged_in(proxy.port, APP) as early:
        names.lead_to(None)
        since = len(proxy.messages())
        proxy.reload()
        assert early.ask("SELECT 'there'") == "there"
        for _ in range(3):
            with logged_in(proxy.port, APP) as late:
                assert late.ask("SELECT 'too'") == "too"
        assert not [one for one in proxy.messages()[since:] if one["level"] == "error"]


@pytest.mark.parametrize("before", [None, "127.0.0.2"], ids=["nowhere", "a dead address"])
def test_name_that_leads_elsewhere(named, before):
    """The proxy starts all the same, says what is wrong, and finds the server when its name does."""
    proxy, names = named(before)
    told = refusal(proxy)
    assert told.code == 1158 and "no server for pool main: mariadb down" in told.message, told
    names.lead_to("127.0.0.1")
    # It asks every two seconds; DNS that does not answer takes its time to fail.
    wait_until(lambda: refusal(proxy) is None, "the server to be found", 60, interval=0.2)
    with logged_in(proxy.port, APP) as connection:
        assert connection.ask("SELECT 'found'") == "found"
