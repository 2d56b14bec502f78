"""Rules in front of real servers: every action as a client sees it, and a reload under load."""

import json
import signal
import subprocess
import threading
import time

import pymysql
import pytest

from harness.accounts import APP, OTHER
from harness.process import wait_until
from harness.proxy import Proxy, toml


def rule(name, when=None, then=None, **more):
    return {"name": name, **({"when": when} if when else {}), **({"then": then} if then else {}), **more}


class RuledProxy(Proxy):
    """A proxy with [[rule]] tables behind the others."""

    def __init__(self, *arguments, rules=(), **options):
        super().__init__(*arguments, **options)
        self.rules = list(rules)

    def write_config(self, text=None):
        super().write_config(text)
        lines = []
        for one in self.rules:
            lines += ["", "[[rule]]", *(f"{key} = {toml(value)}" for key, value in one.items())]
        with self.config.open("a") as file:
            file.write("\n".join(lines) + "\n")

    def change_rules(self, *rules):
        self.rules = list(rules)
        self.write_config()
        return self.reload()


@pytest.fixture
def ruled(proxy_executable, tmp_path_factory):
    """ruled(servers, rules=[...]): a running proxy for one test."""
    made = []

    def make(*servers, **options):
        made.append(RuledProxy(proxy_executable, tmp_path_factory.mktemp("rules"), servers, **options))
        return made[-1].start()

    yield make
    for proxy in made:
        proxy.stop_well()


def connect(proxy, account=APP, **options):
    return pymysql.connect(host="127.0.0.1", port=proxy.port, user=account.name, password=account.password,
                           autocommit=True, connect_timeout=30, read_timeout=60, **options)


def ask(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def refused(connection, sql):
    with pytest.raises(pymysql.MySQLError) as caught:
        ask(connection, sql)
    return caught.value.args


# What is refused and answered


def test_refusals_have_their_code_and_text_and_the_session_goes_on(server, ruled):
    proxy = ruled(server, rules=[
        rule("careless", {"kind": ["delete", "update"]}, {"refuse": {"code": 1175, "sqlstate": "HY000", "text": "WHERE is missing"}},
             unless={"effect": "has_where"}),
        rule("plain", {"match": "secret_table"}, {"refuse": True}),
    ])
    with connect(proxy) as connection:
        assert refused(connection, "DELETE FROM test.nothing") == (1175, "WHERE is missing")
        assert refused(connection, "SELECT * FROM Secret_Table") == (1148, 'Refused by the rule "plain" of the proxy')
        assert ask(connection, "SELECT 1") == ((1,),)


def test_a_refused_statement_can_not_be_prepared(server, ruled):
    proxy = ruled(server, rules=[rule("no sleep", {"match": r"\bsleep\b"}, {"refuse": "no"})])
    import mysql.connector
    connection = mysql.connector.connect(host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password,
                                         use_pure=True, ssl_disabled=True)
    with connection.cursor(prepared=True) as cursor:
        with pytest.raises(mysql.connector.Error) as caught:
            cursor.execute("SELECT SLEEP(?)", (0,))
        assert caught.value.errno == 1148
        cursor.execute("SELECT ? + 1", (5,))
        assert [int(value) for row in cursor.fetchall() for value in row] == [6]
    connection.close()


def test_fixed_answers_reach_text_and_prepared_statements(server, ruled):
    answer = {"columns": ["name", "value"], "rows": [["proxy", 1], ["ünï", {}]]}
    proxy = ruled(server, rules=[
        rule("answer", {"match": "what are you"}, {"answer": answer}),
        rule("set", {"kind": "set", "match": "made_up"}, {"answer": "ok"}),
        rule("count", {"kind": "insert"}, {"answer": {"affected_rows": 3}}),
    ])
    expected = (("proxy", "1"), ("ünï", None))
    with connect(proxy, charset="utf8mb4") as connection:
        assert ask(connection, "SELECT 'what are you'") == expected
        ask(connection, "SET made_up = 1")
        with connection.cursor() as cursor:
            assert cursor.execute("INSERT INTO nowhere VALUES (1)") == 3
        assert ask(connection, "SELECT 2") == ((2,),)
    import mysql.connector
    connection = mysql.connector.connect(host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password,
                                         use_pure=True, ssl_disabled=True)
    with connection.cursor(prepared=True) as cursor:
        cursor.execute("SELECT 'what are you', ?", (1,))
        assert tuple(tuple(row) for row in cursor.fetchall()) == expected
    connection.close()


def test_statements_are_rewritten(server, ruled):
    proxy = ruled(server, rules=[rule("rename", {"match": r"'old-(\w+)'"}, {"rewrite_all": r"'new-\1'"})])
    with connect(proxy) as connection:
        assert ask(connection, "SELECT 'old-a', 'old-b', 'c'") == (("new-a", "new-b", "c"),)
        assert ask(connection, "SELECT 'c'") == (("c",),)


def test_prepared_statements_are_rewritten(server, ruled):
    proxy = ruled(server, rules=[rule("rename", {"match": r"\+ 1"}, {"rewrite": "+ 2"})])
    import mysql.connector
    connection = mysql.connector.connect(host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password,
                                         use_pure=True, ssl_disabled=True)
    with connection.cursor(prepared=True) as cursor:
        for value in (5, 6):
            cursor.execute("SELECT ? + 1", (value,))
            assert [int(one) for row in cursor.fetchall() for one in row] == [value + 2]
    connection.close()


# Limits


def test_a_delay_delays(server, ruled):
    proxy = ruled(server, rules=[rule("slow", {"match": "slowly"}, {"delay": "600ms"})])
    with connect(proxy) as connection:
        began = time.monotonic()
        assert ask(connection, "SELECT 'slowly'") == (("slowly",),)
        assert time.monotonic() - began >= 0.5
        began = time.monotonic()
        ask(connection, "SELECT 'quickly'")
        assert time.monotonic() - began < 0.5


def test_a_rate_refuses_what_comes_too_soon(server, ruled):
    proxy = ruled(server, rules=[
        rule("rate", {"match": "limited"}, {"rate": {"per_second": 1, "burst": 3, "by": "user"}})])
    with connect(proxy) as connection, connect(proxy, OTHER) as other:
        outcomes = []
        for _ in range(6):
            try:
                ask(connection, "SELECT 'limited'")
                outcomes.append(0)
            except pymysql.MySQLError as error:
                outcomes.append(error.args[0])
        assert outcomes[:3] == [0, 0, 0]
        assert 1226 in outcomes[3:]
        ask(other, "SELECT 'limited'")  # has a limit of its own
        ask(connection, "SELECT 'free'")


def test_concurrency_lets_some_wait_and_refuses_others(server, ruled):
    proxy = ruled(server, rules=[
        rule("one", {"match": "wait"}, {"concurrency": {"max": 1, "wait": "20s"}}),
        rule("none", {"match": "turn away"}, {"concurrency": {"max": 1}}),
    ])

    def work(outcomes, sql):
        with connect(proxy) as connection:
            try:
                outcomes.append(ask(connection, sql)[0][1])
            except pymysql.MySQLError as error:
                outcomes.append(error.args[0])

    for sql, expected in [("SELECT SLEEP(0.3), 'wait'", ["wait"] * 4), ("SELECT SLEEP(2), 'turn away'", None)]:
        outcomes = []
        began = time.monotonic()
        threads = [threading.Thread(target=work, args=(outcomes, sql)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if expected:
            assert outcomes == expected
            assert time.monotonic() - began >= 1.1  # one after the other
        else:
            assert 1226 in outcomes and "turn away" in outcomes


def test_one_that_leaves_while_it_waits_gives_its_place_up(server, ruled):
    proxy = ruled(server, rules=[rule("one", {"match": "busy"}, {"concurrency": {"max": 1, "wait": "30s"}})])
    with connect(proxy) as first, connect(proxy) as third:
        blocker = threading.Thread(target=ask, args=(first, "SELECT SLEEP(2), 'busy'"))
        blocker.start()
        time.sleep(0.5)
        second = connect(proxy)
        second._execute_command(3, "SELECT 'busy'")
        second._sock.close()
        assert ask(third, "SELECT 'busy'") == (("busy",),)
        blocker.join()


# Routes


def port_of(connection, hint=""):
    return ask(connection, f"SELECT {hint} COUNT(*) - COUNT(*) + MAX(VARIABLE_VALUE) FROM "
                           "information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME = 'PORT'")[0][0]


def split(ruled, pair, *rules, **tables):
    return ruled(*pair, rules=rules, tables={"pool.main": {"servers": ["db1"]}, "pool.replicas": {"servers": ["db2"]},
                                             "pool.both": {"servers": ["db1", "db2"]}, **tables})


def ports(pair):
    return [float(server.port) for server in pair]


def test_a_rule_of_the_connection_chooses_the_pool(pair, ruled):
    proxy = split(ruled, pair, rule("other", {"user": OTHER.name}, {"pool": "replicas"}, stage="connection"))
    first, second = ports(pair)
    with connect(proxy) as app, connect(proxy, OTHER) as other:
        assert port_of(app) == first
        assert port_of(other) == second
    assert proxy.wait_for_access(lambda one: one["user"] == OTHER.name)["pool"] == "replicas"


def test_a_rule_of_the_connection_refuses(pair, ruled):
    proxy = split(ruled, pair, rule("no", {"user": OTHER.name, "client": "127.0.0.0/8"}, {"refuse": "not from here"},
                                    stage="connection"))
    with pytest.raises(pymysql.MySQLError) as caught:
        connect(proxy, OTHER)
    assert caught.value.args == (1045, "not from here")
    connect(proxy).close()


def test_statements_go_to_another_pool_and_back(pair, ruled):
    proxy = split(ruled, pair, rule("reads", {"effect": "reads_only"}, {"pool": "replicas"}, unless={"hint": "fresh"}))
    first, second = ports(pair)
    with connect(proxy, database="test", init_command="SET @@sort_buffer_size = 262144") as connection:
        for _ in range(3):
            assert port_of(connection) == second
            assert port_of(connection, "/* fresh=1 */") == first
        # The session's settings and schema are there too.
        assert ask(connection, "SELECT COUNT(*) FROM information_schema.SESSION_VARIABLES WHERE VARIABLE_NAME = "
                               "'sort_buffer_size' AND VARIABLE_VALUE = 262144") == ((1,),)
        # What needs its session stays: variables, transactions.
        assert ask(connection, "SELECT @@port") == ((int(first),),)
        connection.begin()
        assert port_of(connection) == first
        connection.commit()
        assert port_of(connection) == second
        ask(connection, "SET autocommit = 0")
        assert port_of(connection) == first
        connection.rollback()
        ask(connection, "SET autocommit = 1")
        assert port_of(connection) == second
        ask(connection, "CREATE TEMPORARY TABLE test.hidden (a INT)")
        assert port_of(connection) == first


def test_errors_of_the_other_server_are_the_clients(pair, ruled):
    proxy = split(ruled, pair, rule("reads", {"effect": "reads_only"}, {"pool": "replicas"}))
    with connect(proxy) as connection:
        assert refused(connection, "SELECT * FROM test.not_there")[0] == 1146
        assert port_of(connection) == ports(pair)[1]


def test_hints_choose_a_server(pair, ruled):
    proxy = split(ruled, pair, rule("hint", {"hint": "server"}, {"server_from_hint": "server"}))
    first, second = ports(pair)
    with connect(proxy) as connection:
        assert port_of(connection) == first
        assert port_of(connection, "/* server=db2 */") == second
        assert port_of(connection, "/* server=db1 */") == first
        assert port_of(connection, "/* server=db9 */") == first


def test_values_choose_a_server_and_keep_it(pair, ruled):
    proxy = split(ruled, pair, rule("shard", {"match": r"customer_id"}, {"hash": {"pool": "both", "column": "customer_id"}}))

    def where(connection, value):
        return ask(connection, "SELECT MAX(VARIABLE_VALUE) + 0 FROM information_schema.GLOBAL_VARIABLES, "
                               "(SELECT 7 AS customer_id UNION SELECT 8 UNION SELECT 9) AS c WHERE VARIABLE_NAME = 'PORT' "
                               f"AND (customer_id = {value} OR TRUE)")[0][0]

    def plain(connection, value):
        return ask(connection, "SELECT MAX(VARIABLE_VALUE) + 0 FROM information_schema.GLOBAL_VARIABLES JOIN "
                               f"(SELECT {value} AS customer_id) AS c WHERE VARIABLE_NAME = 'PORT' AND customer_id = {value}")[0][0]

    with connect(proxy) as connection, connect(proxy) as another:
        places = {value: plain(connection, value) for value in range(40)}
        assert set(places.values()) == set(ports(pair))
        assert {value: plain(another, value) for value in range(40)} == places
        # A value that is not the only one decides nothing.
        assert where(connection, 7) == ports(pair)[0]


def test_a_pool_that_can_not_be_reached_leaves_statements_where_they_are(pair, ruled):
    proxy = split(ruled, pair, rule("reads", {"effect": "reads_only"}, {"pool": "lost"}),
                  **{"server.gone": {"address": "127.0.0.1:1"}, "pool.lost": {"servers": ["gone"]}})
    with connect(proxy) as connection:
        assert port_of(connection) == ports(pair)[0]


def test_mirrors_get_statements_too(pair, ruled):
    for server in pair:
        server.ask("CREATE OR REPLACE TABLE test.mirrored (a INT)")
    proxy = split(ruled, pair, rule("mirror", {"table": "mirrored"}, {"mirror": "replicas"}))
    with connect(proxy, database="test") as connection:
        for value in range(20):
            ask(connection, f"INSERT INTO mirrored VALUES ({value})")
        assert ask(connection, "SELECT COUNT(*) FROM mirrored") == ((20,),)
        ask(connection, "INSERT INTO mirrored SELECT LAST_INSERT_ID()")  # needs its session
    # Also when the session is over.
    wait_until(lambda: pair[1].ask("SELECT COUNT(*) FROM test.mirrored") == ((20,),), "the rows in the mirror")
    time.sleep(0.3)
    assert pair[1].ask("SELECT COUNT(*) FROM test.mirrored") == ((20,),)


def test_a_mirror_that_is_not_there_holds_nobody_up(pair, ruled):
    proxy = split(ruled, pair, rule("mirror", {"kind": "select"}, {"mirror": "lost"}),
                  **{"server.gone": {"address": "127.0.0.1:1"}, "pool.lost": {"servers": ["gone"]}})
    with connect(proxy) as connection:
        began = time.monotonic()
        for _ in range(400):
            ask(connection, "SELECT 1")
        assert time.monotonic() - began < 20


# Reload and explain


def test_a_reload_swaps_rules_at_once_and_whole(server, ruled):
    """Each set of rules answers both questions in its own way; nobody ever sees half of one."""
    def rules_of(version):
        return [rule(f"a{version}", {"match": "first"}, {"answer": {"columns": ["v"], "rows": [[version]]}}),
                rule(f"b{version}", {"match": "second"}, {"answer": {"columns": ["v"], "rows": [[version]]}})]

    proxy = ruled(server, rules=rules_of(0))
    stop, seen, faults = threading.Event(), set(), []

    def work():
        try:
            with connect(proxy) as connection:
                last = 0
                while not stop.is_set():
                    first = int(ask(connection, "SELECT 'first'")[0][0])
                    second = int(ask(connection, "SELECT 'second'")[0][0])
                    # Never back to an older set.
                    if not last <= first <= second:
                        faults.append((last, first, second))
                    last = second
                    seen.add(second)
        except Exception as error:  # pylint: disable=broad-except
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in range(1, 6):
        assert "not" not in proxy.change_rules(*rules_of(version))["message"]
        time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert 5 in seen


def test_rules_that_come_and_go_with_a_reload_hold_for_old_sessions(server, ruled):
    proxy = ruled(server)
    no = rule("no", {"match": "forbidden"}, {"refuse": True})
    with connect(proxy) as connection:
        ask(connection, "SELECT 'forbidden'")
        proxy.change_rules(no)
        assert refused(connection, "SELECT 'forbidden'")[0] == 1148
        proxy.change_rules()
        ask(connection, "SELECT 'forbidden'")
        # A bad rule changes nothing.
        proxy.change_rules(no)
        said = proxy.change_rules(rule("bad", {"match": "(("}, {"refuse": True}))
        assert "not reloaded" in said["message"]
        assert refused(connection, "SELECT 'forbidden'")[0] == 1148


def test_a_rule_that_logs_tells_the_digest_and_no_value(server, ruled):
    proxy = ruled(server, rules=[rule("watch", {"kind": "select", "match": "4711"}, {"log": True})])
    with connect(proxy) as connection:
        ask(connection, "SELECT 4711 + 1")
    said = proxy.wait_for_log("rule watch")
    assert said["digest"] == "SELECT ? + ?"
    assert said["user"] == APP.name
    assert "4711" not in json.dumps(said)


def test_what_rules_did_stands_in_the_statistics(server, ruled):
    proxy = ruled(server, tables={"statistics": {"file": "statistics.json"}}, rules=[
        rule("no", {"match": "forbidden"}, {"refuse": True}),
        rule("fixed", {"match": "what are you"}, {"answer": {"columns": ["a"], "rows": [["proxy"]]}}),
        rule("seldom", {"match": "seldom"}, {"rate": {"per_second": 1, "burst": 1}}),
        rule("never", {"match": "nobody says that"}, {"refuse": True}),
    ])
    with connect(proxy) as connection:
        for _ in range(3):
            assert refused(connection, "SELECT 'forbidden'")[0] == 1148
        assert ask(connection, "SELECT 'what are you', 1") == (("proxy",),)
        ask(connection, "SELECT 'seldom', 1, NULL")
        assert refused(connection, "SELECT 'seldom', 1, NULL")[0] == 1226
        ask(connection, "SELECT 1 + 1")
    proxy.child.send(signal.SIGUSR1)
    proxy.wait_for_log("statistics were written")
    report = json.loads((proxy.folder / "statistics.json").read_text())
    rules = {one.pop("name"): one for one in report["rules"]}
    nothing = {"hits": 0, "limited": 0, "kept": 0, "mirrored": 0, "mirror_lost": 0}
    assert rules == {"no": nothing | {"hits": 3}, "fixed": nothing | {"hits": 1},
                     "seldom": nothing | {"hits": 2, "limited": 1}, "never": nothing}
    # Statements that no server has seen are counted as others are.
    lines = {line["digest_text"]: line for line in report["statements"]}

    def figures(digest):
        line = lines[digest]
        return line["count"], line["errors"], line["refused"], sum(count for _, count in line["latency"]["buckets_us"])

    assert figures("SELECT ?") == (3, 3, 3, 0)
    assert figures("SELECT ?, ...") == (3, 1, 1, 2)
    assert figures("SELECT ? + ?") == (1, 0, 0, 1)


def test_explain_says_what_the_proxy_does(proxy_executable, pair, ruled):
    proxy = split(ruled, pair, rule("careless", {"kind": "delete"}, {"refuse": "no"}, unless={"effect": "has_where"}),
                  rule("reads", {"effect": "reads_only"}, {"pool": "replicas"}))

    def explain(sql):
        done = subprocess.run([str(proxy_executable), "explain", "-c", str(proxy.config), "--user", APP.name, "--json",
                               "--sql", sql], capture_output=True, text=True, timeout=60)
        return done.returncode, json.loads(done.stdout)["result"]

    code, result = explain("DELETE FROM t")
    assert (code, result["refused"]) == (1, True)
    code, result = explain("SELECT a FROM t")
    assert (code, result["rule"], result["servers"]) == (0, "reads", ["db2"])
    code, result = explain("SELECT @@port")
    assert (code, result["servers"], result["tied_by"]) == (0, ["db1"], "reads_session")
