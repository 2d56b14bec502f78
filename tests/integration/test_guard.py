"""The guard with real servers: an application is learnt, then held to what was learnt."""

import json
import shutil
import signal
import subprocess
import time

import peewee
import pymysql
import pytest

from harness import wire
from harness.accounts import APP, OTHER
from harness.exchange import Session
from harness.injections import SAME_SHAPE, injections, usual
from harness.proxy import Proxy, read_json_lines
from harness.wire import Err

REFUSED = (1148, 1175)


@pytest.fixture
def start(proxy_executable, tmp_path_factory):
    """start(server, guard, **tables): a proxy for one test."""
    made = []

    def make(server, guard, **tables):
        folder = tmp_path_factory.mktemp("guard")
        made.append(Proxy(proxy_executable, folder, [server],
                          tables={"guard": {"audit_log": folder / "audit.log", **guard}, **tables}))
        return made[-1].start()

    yield make
    for proxy in made:
        proxy.stop_well()


def connect(proxy, account=APP, **more):
    return pymysql.connect(host="127.0.0.1", port=proxy.port, user=account.name, password=account.password,
                           database="test", autocommit=True, **more)


def error_of(connection, sql):
    """The server's or the proxy's error of a statement, (0, "") without one."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            cursor.fetchall()
        return 0, ""
    except pymysql.err.MySQLError as error:
        return error.args[0], str(error.args[1])


def audit(proxy):
    return read_json_lines(proxy.folder / "audit.log")


def wait_for_audit(proxy, count):
    return proxy.child.wait_until(lambda: audit(proxy) if len(audit(proxy)) >= count else None, "the audit log", 10)


class Note(peewee.Model):
    author = peewee.IntegerField(default=0, index=True)
    title = peewee.CharField(default="")
    body = peewee.TextField(null=True)
    password = peewee.CharField(null=True)

    class Meta:
        table_name = "notes"


def use_orm(proxy):
    """What programs do by such a library: rows, joins, aggregates, transactions."""
    database = peewee.MySQLDatabase("test", host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password)
    with database.bind_ctx([Note]), database.connection_context():
        Note.delete().where(Note.author >= 0).execute()
        with database.atomic():
            for i in range(20):
                Note.create(author=i % 5, title=f"it's note {i}", body="b" * i)
            Note.insert_many([{"author": 7, "title": "x"}, {"author": 8, "title": "y"}]).execute()
        other = Note.alias()
        assert Note.select().where(Note.author == 3).count() == 4
        assert Note.select().where((Note.author == 3) | (Note.title.contains("note 1"))).count() > 4
        assert list(Note.select(Note.author, peewee.fn.COUNT(Note.id).alias("c")).group_by(Note.author)
                    .having(peewee.fn.COUNT(Note.id) > 1).order_by(peewee.SQL("c").desc()).tuples())
        assert Note.select().join(other, on=(Note.author == other.author)).where(other.title == "x").count() == 1
        assert Note.select().where(Note.id.in_(Note.select(Note.id).where(Note.author < 2))).exists()
        assert list((Note.select(Note.title).where(Note.author == 1)) | (Note.select(Note.title).where(Note.author == 2)))
        note = Note.get(Note.title == "x")
        note.body = None
        note.save()
        Note.update(author=Note.author + 1).where(Note.id == note.id).execute()
        Note.delete().where(Note.title == "y").execute()
        try:
            with database.atomic():
                Note.create(title="gone")
                raise RuntimeError
        except RuntimeError:
            pass
        list(Note.select().order_by(Note.id.desc()).paginate(2, 5))
    database.close()


def use_sysbench(proxy, *more):
    for prepared in ("auto", "disable"):
        subprocess.run(["sysbench", "oltp_read_write", "--mysql-host=127.0.0.1", f"--mysql-port={proxy.port}",
                        f"--mysql-user={APP.name}", f"--mysql-password={APP.password}", "--mysql-db=test", "--tables=1",
                        "--table-size=100", f"--db-ps-mode={prepared}", "--threads=2", "--events=40", "--time=60",
                        "--mysql-ignore-errors=1062,1213", *more, "run"], check=True, capture_output=True, text=True)


def use_application(proxy):
    use_orm(proxy)
    with connect(proxy) as connection:
        for sql in usual():
            assert error_of(connection, sql)[0] == 0, sql
    use_sysbench(proxy)


@pytest.fixture
def application_tables(server):
    server.ask("DROP TABLE IF EXISTS test.notes, test.sbtest1")
    server.ask("CREATE TABLE test.notes (id INT AUTO_INCREMENT PRIMARY KEY, author INT, title VARCHAR(255), body TEXT, "
               "password VARCHAR(255), KEY (author))")
    server.ask("CREATE TABLE test.sbtest1 (id INT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL DEFAULT 0, c CHAR(120) NOT NULL "
               "DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '', KEY (k))")
    for i in range(1, 101):
        server.ask(f"INSERT INTO test.sbtest1 VALUES ({i}, {i}, 'c', 'p')")
    yield
    server.ask("DROP TABLE IF EXISTS test.notes, test.sbtest1")


def test_injections_into_a_learnt_application(server, start, application_tables):
    """Nothing of the application's own is refused, and every injection is."""
    allow_file = "app.digests"
    proxy = start(server, {"learn": True, "allow_file": allow_file})
    use_application(proxy)
    proxy.wait_for_log("learnt statements were written")
    proxy.tables["guard"] |= {"learn": False, "unknown_digest": "enforce", "comment": "enforce", "version_comment": "enforce"}
    proxy.write_config()
    assert proxy.reload()["message"] == "the configuration was reloaded"  # which writes what is left
    learnt = len([line for line in (proxy.folder / allow_file).read_text().splitlines() if line.startswith(f"{APP.name}\t")])

    use_application(proxy)
    assert audit(proxy) == []

    passed = []
    all_of_them = injections()
    with connect(proxy) as connection:
        for sql in all_of_them:
            code, message = error_of(connection, sql)
            if code not in REFUSED or "guard refuses" not in message:
                passed.append((sql, code, message))
        assert error_of(connection, SAME_SHAPE)[0] == 0  # of this nothing can be said
        assert error_of(connection, usual()[0])[0] == 0  # the connection is as good as before
    print(f"\n{server.name}: {learnt} digests learnt, 0 statements of the application refused, "
          f"{len(all_of_them) - len(passed)} of {len(all_of_them)} injections refused")
    assert len(all_of_them) >= 500
    assert passed == []
    lines = wait_for_audit(proxy, len(all_of_them))
    assert len(lines) == len(all_of_them)
    assert len({line["request"] for line in lines}) == len(lines)
    use_application(proxy)


def test_what_is_refused_says_so_in_both_places(server, start):
    proxy = start(server, {"no_where": "enforce", "ddl": "observe"})
    with connect(proxy) as connection:
        assert error_of(connection, "CREATE TABLE g (a INT, b VARCHAR(9))")[0] == 0
        code, message = error_of(connection, "DELETE FROM g WHERE 'secret' = 'secret' OR a = 5")
        assert code == 1175
        assert error_of(connection, "INSERT INTO g VALUES (1, 'x')")[0] == 0
        assert error_of(connection, "DELETE FROM g WHERE a = 1")[0] == 0
        assert error_of(connection, "DROP TABLE g")[0] == 0
    first, second, third = wait_for_audit(proxy, 3)
    assert (first["action"], first["checks"]) == ("observed", ["ddl"])
    assert (second["action"], second["checks"]) == ("refused", ["no_where"])
    assert second["request"] in message
    assert second["user"] == APP.name and second["schema"] == "test" and second["server"] == server.name
    assert "secret" not in json.dumps(second)
    assert second["statement"] == "DELETE FROM g WHERE ? = ? OR a = ?"
    assert third["checks"] == ["ddl"]


def test_prepared_statements(server, start):
    proxy = start(server, {"ddl": "enforce", "prepare_from_variable": "enforce"})
    with connect(proxy) as connection:
        assert error_of(connection, "PREPARE s FROM 'SELECT 1'")[0] == 0
        assert error_of(connection, "EXECUTE s")[0] == 0
        assert error_of(connection, "PREPARE s FROM 'DROP TABLE x'")[0] == 1148
        assert error_of(connection, "SET @q = 'DROP TABLE x'")[0] == 0
        assert error_of(connection, "PREPARE s FROM @q")[0] == 1148


def test_users_have_their_own_settings(server, start):
    proxy = start(server, {"ddl": "enforce"}, **{"guard.others": {"users": [OTHER.name], "ddl": "off", "sleep": "enforce"}})
    with connect(proxy) as connection, connect(proxy, OTHER) as other:
        assert error_of(connection, "DROP TABLE no_such")[0] == 1148
        assert error_of(connection, "SELECT SLEEP(0)")[0] == 0
        assert error_of(other, "DROP TABLE no_such")[0] == 1051
        assert error_of(other, "SELECT SLEEP(0)")[0] == 1148


def test_long_statements(server, start):
    proxy = start(server, {"ddl": "enforce", "max_statement_size": "4MiB"})
    with connect(proxy) as connection:
        assert error_of(connection, "SELECT '" + "x" * 500_000 + "'")[0] == 0
        # Longer than what is inspected.
        assert error_of(connection, "SELECT '" + "x" * 2_000_000 + "'")[0] == 1148
        assert error_of(connection, "SELECT 1")[0] == 0


def test_limits_of_results(server, start):
    proxy = start(server, {"max_result_rows": 1000, "max_result_bytes": "1MiB"})
    numbers = " UNION ALL ".join(f"SELECT {i} a" for i in range(50))
    with connect(proxy) as connection:
        many = f"SELECT x.a, REPEAT('r', 100) FROM ({numbers}) x, ({numbers}) y, ({numbers}) z"
        assert error_of(connection, many)[0] == 1415
        assert error_of(connection, "SELECT REPEAT('x', 500000)")[0] == 0
        assert error_of(connection, f"SELECT REPEAT('x', 50000) FROM ({numbers}) x")[0] == 1415
        assert error_of(connection, "SELECT 1")[0] == 0
    checks = [line["checks"][0] for line in wait_for_audit(proxy, 2)]
    assert checks == ["result_rows", "result_bytes"]


def test_running_time(server, start):
    proxy = start(server, {"max_running_time": "500ms"})
    with connect(proxy) as connection:
        began = time.monotonic()
        code, message = error_of(connection, "SELECT COUNT(*), SLEEP(20) FROM information_schema.tables")
        assert code == (1969 if server.flavor == "mariadb" else 3024)
        assert "request" in message
        assert time.monotonic() - began < 10
        assert error_of(connection, "SELECT 5")[0] == 0
        time.sleep(1)  # at rest nothing runs
        assert error_of(connection, "SELECT 5")[0] == 0
    assert [line["checks"] for line in wait_for_audit(proxy, 1)] == [["running_time"]]


def test_running_time_without_an_eof(server, start):
    """The ERR of KILL QUERY may come in one piece with the definitions, and nothing between them."""
    proxy = start(server, {"max_running_time": "500ms"})
    with Session(proxy.port, APP, wire.USUAL | wire.DEPRECATE_EOF) as session:
        error = Err.of(session.query(b"SELECT COUNT(*), SLEEP(20) FROM information_schema.tables")[-1])
        assert error.code == (1969 if server.flavor == "mariadb" else 3024)


def test_each_statement_has_its_own_running_time(server, start):
    proxy = start(server, {"max_running_time": "2s"})
    with connect(proxy) as connection:
        # Together they take longer than one of them may.
        for _ in range(4):
            assert error_of(connection, "SELECT SLEEP(0.8)")[0] == 0
        began = time.monotonic()
        error_of(connection, "SELECT COUNT(*), SLEEP(20) FROM information_schema.tables")
        assert 1.5 < time.monotonic() - began < 10
    assert [line["checks"] for line in wait_for_audit(proxy, 1)] == [["running_time"]]


def test_statistics_and_the_slow_log(server, start):
    proxy = start(server, {"ddl": "enforce"},
                  statistics={"file": "statistics.json", "slow_log": "slow.log", "slow_time": "200ms"})
    with connect(proxy) as connection:
        for i in range(7):
            error_of(connection, f"SELECT {i} FROM (SELECT 1 UNION SELECT 2) x")
        error_of(connection, "SELECT * FROM no_such_table WHERE a = 'secret'")
        error_of(connection, "DROP TABLE x")
        error_of(connection, "SELECT SLEEP(0.3), 'secret'")
    path = proxy.folder / "statistics.json"
    proxy.child.send(signal.SIGUSR1)
    proxy.wait_for_log("statistics were written")
    text = path.read_text()
    report = json.loads(text)
    lines = {line["digest_text"]: line for line in report["statements"]}
    seven = lines["SELECT ? FROM ( SELECT ? UNION SELECT ? ) `x`"]
    assert (seven["count"], seven["rows"], seven["errors"]) == (7, 14, 0)
    assert (seven["user"], seven["schema"], seven["server"]) == (APP.name, "test", server.name)
    assert sum(count for _, count in seven["latency"]["buckets_us"]) == 7
    assert lines["SELECT * FROM `no_such_table` WHERE `a` = ?"]["errors"] == 1
    assert lines["DROP TABLE `x`"]["refused"] == 1
    assert report["guard"] == {"ddl": {"observed": 0, "refused": 1}}
    assert lines["SELECT `SLEEP` (?) , ?"]["latency"]["max_us"] > 250_000
    slow = proxy.folder / "slow.log"
    assert "secret" not in text + slow.read_text()
    assert "SELECT SLEEP(?), ?;" in slow.read_text()
    if shutil.which("pt-query-digest"):
        said = subprocess.run(["pt-query-digest", slow], capture_output=True, text=True, check=True).stdout
        assert "1 unique" in said and "SELECT" in said
