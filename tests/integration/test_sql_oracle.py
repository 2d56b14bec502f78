"""What mysqlwire says of statements against what servers do when they run them.

Every statement of sql/statements.txt runs in a transaction, alone in autocommit mode, and in a READ ONLY
transaction. The rule is that mysqlwire never says less than what the server does; where it may say more
stands in may_say_more.
"""

import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from harness.servers import MariaDb, MySql
from harness.sql_oracle import Oracle, describe, program, read_statements

STATEMENTS = read_statements(Path(__file__).parent / "sql/statements.txt")
PARSE_ERROR, READ_ONLY = 1064, 1792
# What commits implicitly: nothing of it is left to learn from running it alone.
DEFINITIONS = {"create", "alter", "drop", "rename", "truncate", "maintain", "account", "admin"}
ANYTHING = {"call", "execute", "unknown"}

# The kinds of the servers' counters, where they are not called as ours are.
COUNTERS = {
    "insert": "insert insert_select", "replace": "replace replace_select", "update": "update update_multi",
    "delete": "delete delete_multi", "load_data": "load", "call": "call_procedure", "handler": "ha_open ha_read ha_close",
    "rename": "rename_table", "maintain": "analyze check checksum optimize repair assign_to_keycache preload_keys",
    "account": "grant grant_role grant_roles revoke revoke_all revoke_role revoke_roles create_user create_role drop_user "
               "drop_role alter_user alter_user_default_role rename_user set_password",
    "savepoint": "savepoint rollback_to_savepoint release_savepoint", "lock_tables": "lock_tables lock_instance",
    "unlock_tables": "unlock_tables unlock_instance", "set": "set_option set_role set_resource_group", "use": "change_db",
    "explain": "explain_other", "prepare": "prepare_sql", "execute": "execute_sql execute_immediate",
    "deallocate": "dealloc_sql", "signal": "signal resignal get_diagnostics", "unknown": "compound_sql",
}
BY_COUNTER = {f"Com_{name}": kind for kind, names in COUNTERS.items() for name in names.split()}
PLAIN = {"select", "do", "truncate", "begin", "commit", "rollback", "help", "kill"}


def kind_of(counter):
    name = counter.removeprefix("Com_")
    if counter in BY_COUNTER:
        return BY_COUNTER[counter]
    if name in PLAIN:
        return name
    first = name.split("_")[0]
    return first if first in ("create", "alter", "drop", "show", "xa") else "admin"


def same_kind(says, kinds):
    """Where the servers count by another name than the statement has."""
    kind = says["kind"]
    if kind in kinds or kind in ANYTHING:
        return True
    if kind == "explain":  # counted as what it explains, and a table's columns as SHOW
        return bool(kinds & {"select", "insert", "replace", "update", "delete", "show", "admin"})
    return (kind, *sorted(kinds)) in {
        ("alter", "create"),  # ALTER VIEW
        ("create", "alter"), ("drop", "alter"),  # tablespaces
        ("account", "set"),  # SET PASSWORD and SET DEFAULT ROLE of MariaDB
        ("show", "select"),  # SHOW COUNT(*) WARNINGS
        ("empty", "admin"), ("maintain", "create"), ("set", "admin"), ("admin", "alter"), ("account", "admin"),
    }


def may_say_more(statement, says):
    """A transaction's end and writing are claimed where only the server's state, or a body, could tell."""
    return (says["kind"] in ANYTHING | {"maintain", "admin", "kill", "unlock_tables", "set", "deallocate"}
            or "calls" in says["effects"] or "several" in says["effects"] or statement.sql.startswith("DROP TEMPORARY SEQUENCE"))


class Judgement:
    """What is wrong with what is said of one statement."""

    def __init__(self, statement, says, flavor):
        self.statement, self.says, self.flavor = statement, says, flavor
        self.effects = set(says["effects"])
        self.several = "several" in self.effects
        self.wrong = []

    def note(self, wrong, what):
        if wrong:
            self.wrong.append(f"{self.statement.sql}: {self.says['kind']} {sorted(self.effects)}: {what}")

    def kind(self, *outcomes):
        counters = {name for outcome in outcomes for name in outcome.coms if not name.startswith("Com_stmt")}
        kinds = {kind_of(name) for name in counters}
        self.note(kinds and not same_kind(self.says, kinds), f"the server counts {sorted(kinds)}")

    def transaction(self, outcome, committed, rolled_back):
        ended = committed or rolled_back
        claimed = bool(self.effects & {"ends_transaction", "implicit_commit"})
        self.note(outcome.lost != ("releases" in self.effects), "whether the connection stays open")
        if self.several:
            return
        self.note(ended and not claimed, "the transaction ended")
        self.note(not ended and claimed and not outcome.error and not may_say_more(self.statement, self.says), "the transaction did not end")
        self.begins(outcome, ended and outcome.in_transaction, ended)

    def begins(self, outcome, began, known=True):
        claimed = "begins_transaction" in self.effects
        self.note(began and not claimed and not self.several, "a transaction began")
        self.note(known and claimed and not began and not outcome.error and not may_say_more(self.statement, self.says), "no transaction began")

    def alone(self, outcome, data_changed):
        self.note(data_changed and self.says["reads_only"], "data changed, and it is said to read only")
        if self.several:
            self.note(not outcome.error and outcome.results != self.says["statements"] and self.says["kind"] not in ANYTHING,
                      f"{outcome.results} results of {self.says['statements']} statements")
            return
        self.note(data_changed and "writes" not in self.effects, "data changed")
        self.begins(outcome, outcome.in_transaction)
        # INSERT with its LAST_INSERT_ID, and what is set for one statement only, are no change to go by.
        for_statement = re.search(r"SET_VAR|SET STATEMENT", self.statement.sql)
        self.note(outcome.state_changed and "changes_session" not in self.effects and not for_statement
                  and not (self.says["kind"] in ("insert", "replace", "update")), "the session's state changed")

    def read_only(self, outcome):
        if self.several:
            return
        refused = outcome.error == READ_ONLY
        for_update = self.says["kind"] in ("select", "explain") and "locks" in self.effects
        self.note(refused and self.says["reads_only"], "refused, and it is said to read only")
        self.note(refused and not (self.effects & {"writes"} or for_update or self.says["kind"] == "prepare"), "refused")
        # What commits has ended the READ ONLY transaction, and temporary tables are allowed in it.
        allowed = "implicit_commit" in self.effects or self.says["kind"] in DEFINITIONS
        self.note(not outcome.error and "writes" in self.effects and not allowed and not may_say_more(self.statement, self.says),
                  "ran in a READ ONLY transaction")


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def oracle(request, build):
    # Every definition waits for the disk: in memory the list takes seconds.
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="mysqlproxy-sql-", dir=memory))
    server = MariaDb(folder) if request.param == "mariadb" else MySql(folder, build / "mysql8")
    try:
        server.create()
        oracle = Oracle(server)
        yield oracle
        oracle.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def chosen(oracle):
    return [statement for statement in STATEMENTS if oracle.flavor in statement.servers]


def said(oracle, build, statements):
    return describe(program(build), [(oracle.flavor, oracle.version, statement.sql_mode, "utf8mb4", statement.sql.encode())
                                     for statement in statements])


def judge(oracle, statement, says):
    """None for a statement that the server can't parse."""
    judgement = Judgement(statement, says, oracle.flavor)
    outcome, committed, rolled_back = oracle.in_transaction(statement.sql, statement.sql_mode)
    defines = says["kind"] in DEFINITIONS
    anything = defines or says["kind"] in ANYTHING or judgement.several
    restore = oracle.rebuild if anything else oracle.restore_rows
    restore()
    if outcome.error == PARSE_ERROR:
        return None
    judgement.transaction(outcome, committed, rolled_back)
    if defines:
        judgement.kind(outcome)
    else:
        alone, changed = oracle.alone(statement.sql, statement.sql_mode)
        judgement.kind(outcome, alone)
        judgement.alone(alone, changed)
        restore()
    judgement.read_only(oracle.read_only(statement.sql, statement.sql_mode))
    if anything:
        restore()
    return judgement


def test_nothing_is_less_than_what_the_server_does(oracle, build):
    wrong, kinds, unparsed = [], Counter(), []
    statements = chosen(oracle)
    for statement, says in zip(statements, said(oracle, build, statements), strict=True):
        judgement = judge(oracle, statement, says)
        if judgement is None:
            unparsed.append(statement.sql)
        else:
            kinds[says["kind"]] += 1
            wrong += judgement.wrong
    print(f"\n{oracle.server.title}: {sum(kinds.values())} of {len(statements)} statements ran as {len(kinds)} kinds: "
          f"{dict(kinds.most_common())}; no statement there: {unparsed}")
    assert not wrong, "\n".join(wrong)
    assert sum(kinds.values()) >= 900
    assert len(unparsed) < 20, unparsed


def test_the_list_is_long_and_of_every_kind(build):
    assert len({statement.sql for statement in STATEMENTS}) >= 1000
    kinds = {says["kind"] for says in describe(program(build), [
        (statement.servers[0], 101100 if statement.servers[0] == "mariadb" else 80015, statement.sql_mode, "utf8mb4",
         statement.sql.encode()) for statement in STATEMENTS])}
    assert len(kinds) >= 36, kinds


def test_digests_are_those_of_mysql(oracle, build):
    if oracle.flavor != "mysql":
        pytest.skip("MariaDB has no STATEMENT_DIGEST_TEXT()")
    statements = chosen(oracle)
    wrong, ours_of, compared, mode = [], {}, 0, None
    for statement, says in zip(statements, said(oracle, build, statements), strict=True):
        if statement.sql_mode != mode:
            session, mode = oracle.fresh(statement.sql_mode), statement.sql_mode
        quoted = "X'" + statement.sql.encode().hex() + "'"
        outcome = session.judge(f"SET @digest = STATEMENT_DIGEST_TEXT(CONVERT({quoted} USING utf8mb4))", count=False)
        if outcome.error or "several" in says["effects"]:
            continue
        theirs = session.text("SELECT @digest")[0][0]
        if theirs is None:
            continue  # nothing but a comment
        theirs = theirs.decode() if isinstance(theirs, bytes) else theirs
        theirs = re.sub(r" ?; ?$", "", theirs.rstrip()).replace("||", "|")
        ours = says["digest"].replace("||", "|")
        compared += 1
        if ours != theirs:
            wrong.append(f"{statement.sql}\n  {theirs}\n  {ours}")
        if ours_of.setdefault(theirs, ours) != ours:
            wrong.append(f"{statement.sql}: grouped otherwise than by the server")
    print(f"\n{compared} digests compared, {len(ours_of)} different ones")
    assert not wrong, "\n".join(wrong)
    assert compared >= 900
