"""mysqlprobe against real servers, compared with what they and other programs say."""

import re
import shutil
import signal
import subprocess
import time

import pytest

from harness.accounts import APP, NOBODY
from harness.certificates import Authority
from harness.probe import OK, TOP, FakeServer, greeting
from harness.process import Child, free_port
from harness.servers import MariaDb, version_of
from harness.wire import Wire, scramble

PCAPDECODE = "cli/pcapdecode/pcapdecode"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def tls_mariadb(work, authority):
    """A MariaDB with TLS by a certificate for localhost."""
    certificate, key = authority.issue("server")
    server = MariaDb(work / "tls", "tls")
    options = [f"--ssl-cert={certificate}", f"--ssl-key={key}", f"--ssl-ca={authority.certificate}", "--ssl"]
    plain = server.settings()
    server.settings = lambda: [each for each in plain if each != "--skip-ssl"] + options
    try:
        server.create()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def haproxy(mariadb, mysql, work):
    """One address in front of two servers, taken in turn."""
    if not shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/bin"):
        pytest.fail("haproxy is missing: apt-get install haproxy")
    port = free_port()
    config = work / "haproxy.cfg"
    config.write_text(f"""global
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen db
  bind 127.0.0.1:{port}
  balance roundrobin
  server a {mariadb.address}
  server b {mysql.address}
""")
    child = Child(["/usr/sbin/haproxy", "-db", "-f", config], work / "haproxy.log", "haproxy")

    def answers():
        try:
            Wire(port).close()
            return True
        except OSError:
            return False

    child.wait_until(answers, "it listens")
    yield f"127.0.0.1:{port}"
    child.stop()



def test_every_option_is_documented(probe):
    documentation = (TOP / "docs/mysqlprobe.md").read_text()
    commands = re.findall(r"^  (\w+) ", probe.text("--help").out.split("Subcommands:")[1], re.M)
    assert len(commands) == 9
    for command in commands:
        assert f"\n## {command}" in documentation or f" and {command}\n" in documentation
        text = subprocess.run([probe.executable, command, "--help"], capture_output=True, text=True).stdout
        for names in re.findall(r"^  (-[-\w,]+)", text, re.M):
            assert any(f"`{name}`" in documentation or f"`{name} " in documentation for name in names.split(",")
                       if name != "-h") or "--help" in names, f"{command} {names}"


# greet


def test_greet_says_what_the_server_sent(probe, server):
    found = probe("greet", server.address).found
    with Wire(server.port) as other:
        other.greet()
        theirs = other.greeting
    assert found["server_version"] == theirs.version
    assert found["version"] == version_of(server)
    assert found["product"] == {"mariadb": "MariaDB", "mysql": "MySQL"}[server.flavor]
    assert int(found["capability_bits"], 16) & 0xFFFFFFFF == theirs.capabilities
    assert found["plugin"] == theirs.plugin.decode()
    assert found["tls"] == bool(theirs.capabilities & (1 << 11))
    assert found["salt"] == {"announced_length": 21, "bytes": 20, "closing_nul": True,
                             "printable": found["salt"]["printable"], "seven_bit": True, "repeated": False, "weak": False,
                             "hints": []}
    assert found["servers"] == 1
    assert not found["proxy"], found["proxy_hints"]
    assert found["latency_ms"]["greeting"] > 0


def test_greet_names_mariadbs_capabilities(probe, mariadb):
    assert "MARIADB_CLIENT_STMT_BULK_OPERATIONS" in probe("greet", mariadb.address).found["mariadb_capabilities"]


def test_greet_sees_two_servers_behind_haproxy(probe, haproxy):
    found = probe("greet", haproxy, "-c", "6").found
    assert found["servers"] == 2
    assert found["proxy"]


def test_greet_does_not_count_as_an_error(probe, server):
    before = server.ask("SHOW GLOBAL STATUS LIKE 'Aborted_clients'")[0][1]
    assert probe("greet", server.address, "-c", "5").code == 0
    assert server.ask("SHOW GLOBAL STATUS LIKE 'Aborted_clients'")[0][1] == before
    assert server.sessions() == 0


@pytest.mark.parametrize("arguments", [["--help"], ["greet", "--json"], ["greet"], ["login", "-u", "x", "--json"],
                                       ["tls"], ["ping"], ["ping", "--nagios"], ["conform", "--list"],
                                       ["hash", "--password-env", "HOME"]])
def test_a_full_disk_is_noticed(probe, arguments):
    # Whatever is found: what nobody can read is not good.
    with FakeServer(lambda peer: (peer.send(greeting(), 0), peer.read(), peer.send(OK, 2), peer.drain())) as server:
        alone = {"--help", "hash", "--list"} & set(arguments)
        whole = [probe.executable, *arguments, *([] if alone else [server.address, "--timeout", "300ms", "--no-defaults"])]
        with open("/dev/full", "w") as full:
            done = subprocess.run(whole, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == (3 if "--nagios" in arguments else max(2, done.returncode)), done.stderr
        assert "mysqlprobe: standard output: No space left on device\n" in done.stderr
        quiet = [*whole, "--quiet"] if "--help" not in arguments and "--json" not in arguments else None
        if quiet and "--nagios" not in arguments:
            with open("/dev/full", "w") as full:
                assert "standard output" not in subprocess.run(quiet, stdout=full, stderr=subprocess.PIPE, text=True).stderr


def test_several_targets_in_order(probe, mariadb, mysql, tmp_path):
    listed = tmp_path / "targets"
    listed.write_text(f"# servers\n{mysql.address}\n\nunix:{mariadb.socket}\n")
    said = probe("greet", f"[::1]:{free_port()}", "--targets", listed)
    assert [each["ok"] for each in said.reports] == [False, True, True]
    assert [each["found"].get("product") for each in said.reports] == [None, "MySQL", "MariaDB"]
    assert said.code == 3


# login


def test_login(probe, server):
    said = probe.login(server.address, APP, "-D", "test")
    found = said.found
    assert said.code == 0
    assert found["current_user"] == "app@%"
    assert found["database"] == "test"
    assert found["full_version"] == server.ask("SELECT VERSION()")[0][0]
    assert found["read_only"] is False
    assert found["tls"] == (server.flavor == "mysql")
    assert [each["name"] for each in said.report["steps"]][:3] == ["resolve", "connect", "greeting"]
    assert all(each["ms"] >= 0 for each in said.report["steps"])
    if found["tls"]:
        assert found["server_tls_cipher"] == found["tls_cipher"]


def test_login_through_the_proxy(probe, server, proxy):
    said = probe.login(proxy.address, APP, "-D", "test")
    assert said.code == 0, said.out
    assert said.found["current_user"] == "app@%"
    assert said.found["tls"] and said.found["server_tls_cipher"] in (None, said.found["server_tls_cipher"])


def test_login_through_haproxy(probe, haproxy):
    assert {probe.login(haproxy, APP).found["product"] for _ in range(4)} == {"MariaDB", "MySQL"}


def test_login_by_a_unix_socket(probe, server):
    assert probe.login(f"unix:{server.socket}", APP).code == 0
    assert probe.login(f"mysql://app@/test?socket={server.socket}", APP).found["database"] == "test"


def test_a_user_without_a_password(probe, server):
    assert probe("login", server.address, "-u", NOBODY.name).code == 0


def test_compression(probe, server):
    said = probe.login(server.address, APP, "--compress", "zlib")
    assert said.found["compression"] == "zlib"
    assert "CLIENT_COMPRESS" in said.found["capabilities"]


def test_capabilities_are_forced(probe, server):
    plain = probe.login(server.address, APP, "--capabilities", "-DEPRECATE_EOF,+FOUND_ROWS").found["capabilities"]
    assert "CLIENT_DEPRECATE_EOF" not in plain and "CLIENT_FOUND_ROWS" in plain
    assert probe.login(server.address, APP, "--plugin", "caching_sha2_password").found["plugin"] == "mysql_native_password"


def test_grants_without_hashes(probe, server):
    grants = probe.login(server.address, APP, "--grants").found["grants"]
    assert any("`test`" in grant for grant in grants)
    assert "*" + "A" not in "".join(grants) and "IDENTIFIED" not in "".join(grants)


def test_the_trace_has_pcapdecodes_words(probe, server, tmp_path):
    capture = tmp_path / "login.pcapng"
    said = probe.text("login", server.address, "-u", APP.name, "--trace", "--write", capture, password=APP.password)
    assert capture.stat().st_mode & 0o777 == 0o600
    decoder = probe.executable.parents[2] / PCAPDECODE
    decoded = subprocess.run([decoder, "--any-port", capture], capture_output=True, text=True, check=True).stdout

    def words(text):
        # Without time and number of the connection; TLS is named by the one as OpenSSL does, by the other as IANA does.
        lines = [re.sub(r"^\S+ \S+  #\d+ ", "", line) for line in text.splitlines() if re.match(r"\d{4}-\d\d-", line)]
        return [line for line in lines if not re.match(r"\s+(TLS|connection|end) ", line)]

    assert words(said.out) == words(decoded)
    assert len(words(decoded)) > 6


def test_explain(probe, mysql):
    text = probe.text("login", mysql.address, "-u", APP.name, "--explain", password=APP.password).out
    assert "The server greets" in text and "Logged in." in text


def test_option_files(probe, server, tmp_path):
    options = tmp_path / "my.cnf"
    options.write_text(f"[client]\nuser = app\npassword = \"{APP.password}\"\n[mysqlprobe]\nhost=127.0.0.1\nport={server.port}\n"
                       "database=test\n")
    options.chmod(0o600)
    said = probe("login", "--defaults-file", options)
    assert said.code == 0 and said.found["database"] == "test"
    options.chmod(0o666)
    said = probe("login", "--defaults-file", options)
    assert said.code == 2 and "everybody may write" in said.err


def test_a_password_of_the_command_line_is_wiped(probe, server):
    said = probe("login", server.address, "-u", APP.name, f"--password={APP.password}")
    assert said.code == 0 and "can be seen by others" in said.err
    assert APP.password not in said.out + said.err


def test_password_from_standard_input_and_file(probe, server, tmp_path):
    file = tmp_path / "password"
    file.write_text(APP.password + "\n")
    assert probe("login", server.address, "-u", "app", "--password-file", file).code == 0
    assert probe("login", server.address, "-u", "app", "--password-stdin", stdin=APP.password.encode()).code == 0


def test_expectations_and_nagios(probe, server):
    version = version_of(server)
    good = probe.login(server.address, APP, "--expect", f"version={version}", "--expect", "read_only=off", "--expect",
                       "plugin=mysql_native_password")
    assert good.code == 0
    bad = probe.login(server.address, APP, "--expect", "version=1.0")
    assert bad.code == 1 and "version=1.0" in bad.report["unmet"][0]
    line = probe.text("login", server.address, "-u", "app", "--nagios", password=APP.password)
    assert line.code == 0 and re.match(r"MYSQLPROBE OK - login .* \| time=[\d.]+ms\n$", line.out)
    assert probe.text("login", server.address, "-u", "app", "--nagios", "--expect", "version=1", password=APP.password).code == 1
    assert probe.text("login", server.address, "-u", "app", "--nagios", password="wrong").code == 2
    assert probe.text("login", f"127.0.0.1:{free_port()}", "-u", "app", "--nagios").code == 2


# tls


def test_tls_says_what_openssl_says(probe, tls_mariadb, authority):
    said = probe("tls", f"localhost:{tls_mariadb.port}", "--ca", authority.certificate, "--tls", "verify-identity")
    assert said.code == 0, said.out
    found = said.found
    theirs = subprocess.run(["openssl", "s_client", "-starttls", "mysql", "-connect", tls_mariadb.address, "-CAfile",
                             str(authority.certificate)], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    assert f"Protocol  : {found['tls_version']}" in theirs or f"New, {found['tls_version']}" in theirs
    assert found["cipher"] in theirs
    assert "Verify return code: 0 (ok)" in theirs and found["verified"] and found["host_matches"]
    fingerprint = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256"], input=theirs, capture_output=True,
                                 text=True).stdout
    assert fingerprint.split("=")[1].strip().replace(":", "").lower() == found["chain"][0]["sha256"]
    assert found["chain"][0]["names"] == ["127.0.0.1", "localhost"]
    assert 28 <= found["days_left"] <= 30
    accepted = {each["version"] for each in found["versions"] if each["accepted"]}
    assert {"TLSv1.2", "TLSv1.3"} <= accepted
    assert probe("tls", f"localhost:{tls_mariadb.port}", "--warn-days", "60").code == 1


def test_tls_of_mysql(probe, mysql):
    found = probe("tls", mysql.address).found
    assert found["tls"] and found["verified"] is False
    assert found["chain"][0]["subject"].startswith("CN=MySQL_Server_8.0.15")
    by_default = mysql.ask("SHOW GLOBAL VARIABLES LIKE 'tls_version'")[0][1].split(",")
    assert [each["version"] for each in found["versions"] if each["accepted"]] == by_default


# verify, hash


def test_hashes_agree_with_the_servers(probe, mariadb, mysql):
    with mariadb.admin() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT PASSWORD('it''s')")
        theirs = cursor.fetchone()[0]
    assert probe("hash", "--plugin", "mysql_native_password", password="it's").found["hash"] == theirs
    made = bytes.fromhex(probe("hash", "--plugin", "caching_sha2_password", password="it's").found["hex"]).decode()
    with mysql.admin() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER hashed@'%%' IDENTIFIED WITH caching_sha2_password AS %s", (made,))
    try:
        assert probe("login", mysql.address, "-u", "hashed", password="it's").code == 0
    finally:
        mysql.ask("DROP USER hashed@'%'")


def test_verify_a_captured_login(probe, server, tmp_path):
    capture = tmp_path / "login.pcapng"
    assert probe.login(server.address, APP, "--write", capture).code == 0
    said = probe("verify", "--capture", capture, password=APP.password)
    assert said.code == 0 and said.found["logins"][0]["user"] == "app"
    assert probe("verify", "--capture", capture, password="wrong").code == 1


def test_verify_an_answer_to_a_salt(probe):
    salt = bytes(range(0x30, 0x44))
    answer = scramble("it's", salt)
    given = ["--salt", salt.hex(), "--response", answer.hex()]
    assert probe("verify", *given, password="it's").code == 0
    assert probe("verify", *given, password="its").code == 1
    assert probe("verify", *given, "--plugin", "caching_sha2_password", password="it's").code in (1, 2)
    assert probe("verify", "--salt", "zz", "--response", "00", password="x").code == 2


# ping, matrix, storm, conform


def test_ping(probe, server):
    said = probe("ping", server.address, "-u", "app", "-c", "3", "-i", "1ms", password=APP.password)
    found = said.found
    assert said.code == 0 and found["sent"] == 3 and found["lost"] == 0
    assert 0 < found["min_ms"] <= found["mean_ms"] <= found["max_ms"]
    assert probe("ping", server.address, "-u", "app", "--login", password=APP.password).found["measured"] == "login"
    # Without an account: alive all the same.
    assert probe("ping", server.address).code == 0
    assert probe.text("ping", server.address, "-q").out == ""


def test_matrix(probe, server):
    found = probe("matrix", server.address, "-u", "app", password=APP.password).found
    assert found["working"] == found["tried"] > 10
    assert {cell["compression"] for cell in found["cells"]} == {None, "zlib"}
    assert {cell["tls"] for cell in found["cells"]} == ({False, True} if server.flavor == "mysql" else {False})


def test_storm_has_limits(probe, server):
    assert probe("storm", server.address, "-u", "app", password=APP.password).code == 2
    said = probe("storm", server.address, "-u", "app", "--connections", "4", "--count", "40", "--tls", "disabled",
                 password=APP.password)
    assert said.code == 0 and said.found["good"] == 40 and said.found["bad"] == 0
    server.wait_for_sessions(0)
    slow = probe("storm", server.address, "-u", "app", "--connections", "4", "--rate", "10", "--duration", "1s", "--tls",
                 "disabled", password=APP.password).found
    assert 5 <= slow["good"] <= 11


def test_conform_finds_servers_conforming(probe, server):
    said = probe("conform", server.address, "-u", "app", "-D", "test", password=APP.password, timeout=300)
    failed = [each for each in said.found["checks"] if each["outcome"] == "fail"]
    assert not failed
    assert said.found["passed"] > 180


def test_conform_against(probe, server, proxy):
    said = probe("conform", proxy.address, "--against", server.address, "-u", "app", "-D", "test", password=APP.password,
                 timeout=600)
    assert said.found["compared"] > 190
    # What no proxy that logs in by itself can have as the server has it.
    differing = {each["name"] for each in said.found["differences"] if each["target"]["outcome"] == "fail"}
    assert not differing


def test_ctrl_c_is_clean(probe, server):
    child = subprocess.Popen([probe.executable, "ping", server.address, "-c", "1000", "--no-defaults", "--json"],
                             stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=10)
    assert '"command":"ping"' in out
    assert child.returncode == 0
