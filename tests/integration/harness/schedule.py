"""Which process runs which tests, when there are several (pytest -n).

Each process has servers and proxies of its own. What shares them, a file as a rule, stays together; the
longest goes first, so that none is left alone at the end.
"""

import re

from xdist.scheduler import LoadScopeScheduling

from harness import clients

#: Files that are taken apart, by the part of a test's id that tells which tests belong together.
PARTS = {
    "test_conversation": r"\[\w+-(" + "|".join(sorted((client.name for client in clients.ALL), key=len, reverse=True)) + ")-",
    "test_probe_passwords": r"\[(.+?)\]",
}

#: The groups that take long, in seconds. Only their order matters; what is not named goes last.
SECONDS = {
    "test_pooling": 90, "test_pooling_connections": 30, "test_users": 100, "test_operations": 35, "test_several_servers": 45, "test_roles": 70, "test_probe": 70, "test_compression": 60, "test_sql_corpus": 60,
    "test_sql_oracle": 60, "test_logins": 50, "test_pooling_model": 50, "test_secrets": 50, "test_galera": 40, "test_failover_load": 40,
    "test_conversation mariadb": 50,
    "test_proofs": 40, "test_conversation connector-j": 30, "test_conversation connector-python": 30, "test_conversation mysql2": 30,
    "test_conversation go": 30, "test_conversation pymysql": 30, "test_conversation connector-python-c": 30, "test_probe_unreachable": 20, "test_probe_refused": 20, "test_probe_tls": 20,
    "test_probe_hostile": 10,
    "test_abuse": 30, "test_faults": 60, "test_server_faults": 70, "test_hostile_servers": 40, "test_limits": 50, "test_rules": 20, "test_soak": 70, "test_login_errors": 20, "test_guard": 10,
}


def group_of(nodeid):
    """"test_users", or "test_conversation mysql2"."""
    file = re.search(r"(\w+)\.py", nodeid)[1]
    part = re.search(PARTS[file], nodeid) if file in PARTS else None
    return f"{file} {part[1]}" if part else file


def longest_first(items):
    items.sort(key=lambda item: -SECONDS.get(group_of(item.nodeid), 0))


class Schedule(LoadScopeScheduling):
    def __init__(self, config, log):
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid):
        return group_of(nodeid)
