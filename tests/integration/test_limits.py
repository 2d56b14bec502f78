"""What is used up: descriptors, handshakes, memory, statements, results, the disk under the logs; and TLS misused.

LIMITS=long adds what takes minutes and gigabytes.
"""

import contextlib
import os
import resource
import socket
import ssl
import struct
import time

import pytest

from harness import wire
from harness.accounts import APP, OTHER
from harness.plugin_accounts import BY_PLUGIN, by_hash
from harness.plugins import CACHING_SHA2, Login, any_certificate
from harness.process import wait_until
from harness.wire import Closed, Err, Wire, frame, logged_in, response_41

LONG = os.environ.get("LIMITS") == "long"
#: What a proxy may take more than it did, whatever is sent to it: sanitizers take their share.
SOME = 48 << 20


def more_memory(child, before):
    """What it has more than it had. ThreadSanitizer keeps four bytes and more of each that is touched."""
    return (child.resident() - before) // (4 if child.sanitized_by("tsan") else 1)


@pytest.fixture
def both(mariadb, own_proxies):
    """A proxy in front of `mariadb` whose user APP has connections of its own, and OTHER lent ones."""
    return own_proxies(mariadb, tables={"pool.main": {"pooling": "session"},
                                        "pool.lent": {"servers": [mariadb.name], "pooling": "transaction"},
                                        "listen.main": {"max_handshakes": 5000},
                                        f"user.{OTHER.name}": {"pool": "lent"}})


def processor_seconds(child):
    with open(f"/proc/{child.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_descriptors_used_up(both):
    """Who is there is served; who comes waits or is turned away, without a thread running in circles; then all is well."""
    # What UBSan has seen once it believes; else it looks at objects by way of a pipe, for which there is no descriptor later.
    for account in (APP, OTHER):
        with logged_in(both.port, account) as early:
            assert early.ask("SELECT 'there'") == "there"
    with logged_in(both.port, APP) as bystander, logged_in(both.port, OTHER) as borrower:
        limit = resource.prlimit(both.child.pid, resource.RLIMIT_NOFILE)
        descriptors = both.child.descriptors()
        resource.prlimit(both.child.pid, resource.RLIMIT_NOFILE, (descriptors + 12, limit[1]))
        crowd = []
        try:
            for _ in range(40):
                crowd.append(socket.create_connection(("127.0.0.1", both.port), 5))
            both.wait_for_log("can't accept")
            begun, since = processor_seconds(both.child), time.monotonic()
            for _ in range(10):  # a second, in which a thread in circles would take one
                assert bystander.ask("SELECT 'there'") == "there"
                assert borrower.ask("SELECT 'there'") == "there"
                time.sleep(0.1)
            assert processor_seconds(both.child) - begun < 0.7 * (time.monotonic() - since)
        finally:
            for one in crowd:
                one.close()
            wait_until(lambda: both.child.descriptors() <= descriptors + 1, "the crowd to be gone")
        # With hardly any left a login finds none for its server, and says so.
        resource.prlimit(both.child.pid, resource.RLIMIT_NOFILE, (descriptors + 1, limit[1]))
        with Wire(both.port) as last:
            refusal = Err.of(last.log_in(APP))
        assert refusal and refusal.code == 1158, refusal
        resource.prlimit(both.child.pid, resource.RLIMIT_NOFILE, limit)
        wait_until(lambda: logged_in(both.port, APP).close() is None, "logins as ever")
        assert bystander.ask("SELECT 1") == "1"


def test_thousands_of_half_open_handshakes(both):
    """Some silent, some with half a login, some within TLS's first flight: others log in at once, and little memory is used."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(2500, (hard if hard > 0 else 1 << 20) - 400)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 400), hard))
    resource.prlimit(both.child.pid, resource.RLIMIT_NOFILE, (max(soft, count * 2 + 400), hard))
    half = frame(response_41(b"app", bytes(20)), 1)[:50]
    tls = frame(response_41(b"", b"", wire.USUAL | wire.SSL)[:32], 1) + bytes.fromhex("16030100c8010000c40303")
    before, descriptors = both.child.resident(), both.child.descriptors()
    crowd = []
    try:
        for number in range(count):
            one = socket.create_connection(("127.0.0.1", both.port), 20)
            crowd.append(one)
            if number % 3:
                one.sendall(half if number % 3 == 1 else tls)
        begun = time.monotonic()
        for account in (APP, OTHER) * 3:
            with logged_in(both.port, account) as connection:
                assert connection.ask("SELECT 1") == "1"
        assert time.monotonic() - begun < 6
        # About 40 KiB each with TLS; AddressSanitizer doubles it.
        assert more_memory(both.child, before) < count * (100 << 10)
    finally:
        for one in crowd:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    # Connections that were lent stay, idle.
    wait_until(lambda: both.child.descriptors() <= descriptors + 6, "the crowd to be gone")


@pytest.mark.parametrize("account", [APP, OTHER], ids=["session", "transaction"])
def test_slow_writers_of_large_packets(both, account):
    """Long statements that come little by little go on as they come; the others don't wait for them."""
    size, writers, piece = 8 << 20, 6, 256 << 10
    payload = b"\x03SELECT LENGTH('" + b"x" * size + b"')"
    whole = frame(payload, 0)
    before = both.child.resident()
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(logged_in(both.port, account))
        slow = [stack.enter_context(logged_in(both.port, account)) for _ in range(writers)]
        highest = 0
        for at in range(0, len(whole), piece):
            for one in slow:
                one.send_raw(whole[at:at + piece])
            if at % (16 * piece) == 0:
                assert other.ask("SELECT 1") == "1"
                highest = max(highest, more_memory(both.child, before))
        for one in slow:
            one.sequence = 1
            assert one.read() == b"\x01"
            one.read(), one.read()
            assert one.read()[1:] == str(size).encode()
            one.read()
    assert highest < SOME


@pytest.mark.parametrize("account", [APP, OTHER], ids=["session", "transaction"])
def test_slow_readers(both, mariadb, account):
    """50 MB each that nobody takes stay at the server, whoever's its connection is."""
    before = both.child.resident()
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(logged_in(both.port, account))
        for _ in range(6):
            reader = stack.enter_context(logged_in(both.port, account))
            reader.query("SELECT REPEAT('x', 1000000) /* slow */ FROM information_schema.columns a LIMIT 50")
        blocked = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%/* slow */%' AND state = 'Writing to net'"
        wait_until(lambda: mariadb.ask(blocked)[0][0] == 6, "the server to wait for all of them")
        assert other.ask("SELECT 1") == "1"
        assert more_memory(both.child, before) < SOME


def prepare_many(connection, count):
    """How many statements could be prepared; the first refusal."""
    made, refusal = 0, None
    while made < count and not refusal:
        batch = min(200, count - made)
        connection.send_raw(b"".join(frame(b"\x16SELECT %d" % (made + number), 0) for number in range(batch)))
        for _ in range(batch):
            connection.sequence = 1
            reply = connection.read()
            if reply[:1] == b"\xff":
                refusal = refusal or Err.of(reply)
                continue
            made += 1
            connection.read(), connection.read()
    return made, refusal


def test_prepared_statements_without_end(both, mariadb):
    """Lent connections have few of a client's statements, so that the limit is the proxy's: the servers' own number and words."""
    with logged_in(both.port, OTHER) as connection, logged_in(both.port, OTHER) as other:
        before = both.child.resident()
        made, refusal = prepare_many(connection, 100_000)
        assert made == 16_382
        assert (refusal.code, refusal.state) == (1461, "42000")
        assert "max_prepared_stmt_count" in refusal.message
        assert connection.ask("SELECT 'goes on'") == "goes on"
        assert prepare_many(other, 1) == (1, None)
        on_server = int(mariadb.ask("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")[0][1])
        assert on_server < 300, "few at a time, or nobody else could have any"
        assert more_memory(both.child, before) < SOME
        # One closed makes room for one.
        connection.command(wire.COM_STMT_CLOSE, struct.pack("<I", 0x1000_0001))
        assert prepare_many(connection, 5)[0] == 1


@pytest.mark.skipif(not LONG, reason="LIMITS=long")
def test_as_many_prepared_statements_as_the_server_takes(both, mariadb):
    """Of a session with a server connection of its own the proxy keeps nothing for them; who else has the server does not suffer."""
    count = 100_000
    mariadb.ask(f"SET GLOBAL max_prepared_stmt_count = {count + 100}")
    try:
        with logged_in(both.port, APP) as connection, logged_in(both.port, OTHER) as other:
            before = both.child.resident()
            assert prepare_many(connection, count) == (count, None)
            assert int(mariadb.ask("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")[0][1]) >= count
            made, refusal = prepare_many(connection, 200)
            assert made <= 100 and refusal.code == 1461
            assert other.ask("SELECT 'goes on'") == connection.ask("SELECT 'goes on'") == "goes on"
            assert more_memory(both.child, before) < SOME
    finally:
        mariadb.ask("SET GLOBAL max_prepared_stmt_count = DEFAULT")


@pytest.mark.parametrize("account", [APP, OTHER], ids=["session", "transaction"])
def test_many_results(both, account):
    """Thousands in answer to one command."""
    count = 5000
    with logged_in(both.port, account) as connection:
        connection.query("SELECT 7;" * count)
        for number in range(count):
            assert connection.read() == b"\x01"
            connection.read(), connection.read()
            assert connection.read() == b"\x017"
            end = connection.read()
            assert (end[3] & 8 != 0) == (number < count - 1)
        assert connection.ask("SELECT 1") == "1"


@pytest.mark.parametrize("account", [APP, OTHER], ids=["session", "transaction"])
@pytest.mark.parametrize("count", [4096, 4097])
def test_rows_of_4096_columns(server, own_proxies, account, count):
    """As text and from a prepared statement, and one more than a table can have: each packet as without a proxy."""
    proxy = own_proxies(server, tables={"pool.main": {"pooling": "session"},
                                        "pool.lent": {"servers": [server.name], "pooling": "transaction"},
                                        f"user.{OTHER.name}": {"pool": "lent"}})
    sql = b"SELECT " + b",".join(b"%d" % number for number in range(count))
    seen = []
    for port in (server.port, proxy.port):
        with logged_in(port, account) as connection:
            connection.query(sql)
            answers = [whole_answer(connection)]
            connection.command(wire.COM_STMT_PREPARE, sql)
            prepared = connection.read()
            answers.append([connection.read() for _ in range(count + 1)])
            connection.command(wire.COM_STMT_EXECUTE, prepared[1:5] + b"\0\1\0\0\0")
            answers.append(whole_answer(connection))
            assert connection.ask("SELECT 1") == "1"
            seen.append(answers)
    assert [len(one) for one in seen[0]] == [count + 4, count + 1, count + 4]
    assert seen[0] == seen[1]


def whole_answer(connection):
    """The packets of one result, with the EOF behind its columns."""
    packets = [connection.read()]
    ends = 0
    while ends < 2 and packets[-1][:1] != b"\xff":
        packets.append(connection.read())
        ends += packets[-1][:1] == b"\xfe" and len(packets[-1]) < 9
    return packets


@pytest.mark.parametrize("account", [APP, OTHER], ids=["session", "transaction"])
def test_long_data(both, account):
    """Pieces of 16 MiB and a little, for a parameter; a megabyte for a statement that is none; the next is as ever."""
    size = (16 << 20) + 3
    before = both.child.resident()
    with logged_in(both.port, account) as connection:
        connection.send(b"\x18" + b"\xee\xee\xee\x7e\0\0" + b"y" * (1 << 20), sequence=0)
        connection.command(wire.COM_STMT_PREPARE, b"SELECT LENGTH(?)")
        statement = connection.read()[1:5]
        for _ in range(4):
            connection.read()
        for _ in range(2):
            connection.send(bytes([wire.COM_STMT_SEND_LONG_DATA]) + statement + b"\0\0" + b"x" * size, sequence=0)
        connection.command(wire.COM_STMT_EXECUTE, statement + b"\0\1\0\0\0" + b"\0\1\xfc\0")
        assert connection.read() == b"\x01"
        connection.read(), connection.read()
        assert int.from_bytes(connection.read()[2:], "little") == 2 * size
        connection.read()
        assert more_memory(both.child, before) < SOME
        assert connection.ask("SELECT 1") == "1"


def test_parameters_by_the_thousand(both, mariadb):
    """65,535 are the most; with one more the server says no, by the same words as without a proxy."""
    for account in (APP, OTHER):
        for count in (65535, 65536):
            seen = []
            for port in (mariadb.port, both.port):
                with logged_in(port, account) as connection:
                    connection.command(wire.COM_STMT_PREPARE, b"SELECT " + b",".join([b"?"] * count))
                    reply = connection.read()
                    seen.append(Err.of(reply) or reply[5:9])
                    if not Err.of(reply):
                        for _ in range(2 * count + 2):
                            connection.read()
                        assert connection.ask("SELECT 1") == "1"
            assert seen[0] == seen[1]


def test_disk_full_under_the_logs(mariadb, own_proxies):
    """Lines are lost; clients notice nothing."""
    proxy = own_proxies(mariadb, tables={"log": {"access": "/dev/full"}})
    for _ in range(20):
        with logged_in(proxy.port, APP) as connection:
            assert connection.ask("SELECT 1") == "1"
    proxy.reload()
    logged_in(proxy.port, APP).close()


def limit_memory(child, more):
    """What the process may have is what it has, and `more` bytes."""
    now = child.status("VmData") * 1024
    resource.prlimit(child.pid, resource.RLIMIT_DATA, (now + more, now + more))


def test_out_of_memory(both):
    """The proxy ends, with a line that says why, and without a core; the next one serves."""
    if both.child.sanitized():
        pytest.skip("sanitizers' allocators end it in their own way")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(logged_in(both.port, OTHER)) for _ in range(12)]
        limit_memory(both.child, 4 << 20)
        with contextlib.suppress(Closed, OSError):
            for client in clients:
                prepare_many(client, 16_000)
    assert both.child.wait(60) == 1
    assert "mysqlproxy: out of memory" in both.log.read_text(errors="replace").splitlines()
    since = len(both.messages())
    both.start(wait=False)
    both.wait_for_log("ready", timeout=60.0, since=since)
    with logged_in(both.port, APP) as connection:
        assert connection.ask("SELECT 'as ever'") == "as ever"


@pytest.mark.skipif(not LONG, reason="LIMITS=long")
@pytest.mark.parametrize("account", [APP, OTHER], ids=["session", "transaction"])
def test_values_of_a_gigabyte(mariadb, own_proxies, account):
    """Both ways, through a proxy that never has much of them."""
    size = (1 << 30) - (1 << 20)
    mariadb.ask("SET GLOBAL max_allowed_packet = 1 << 30")
    try:
        proxy = own_proxies(mariadb, tables={"proxy": {"max_allowed_packet": "1GiB"},
                                             "pool.lent": {"servers": [mariadb.name], "pooling": "transaction"},
                                             f"user.{OTHER.name}": {"pool": "lent"}})
        with logged_in(proxy.port, account) as connection:
            connection.socket.settimeout(600)
            before = proxy.child.resident()
            connection.query(f"SELECT REPEAT('x', {size})")
            connection.read(), connection.read(), connection.read()
            left = size
            while left > 0:
                header = connection.read_raw(4)
                length = int.from_bytes(header[:3], "little")
                left -= len(connection.read_raw(length))
                assert more_memory(proxy.child, before) < SOME
            connection.sequence = (header[3] + 1) & 0xFF
            connection.read()
            connection.command(wire.COM_QUERY, b"SELECT LENGTH('" + b"x" * size + b"')")
            assert connection.read() == b"\x01"
            connection.read(), connection.read()
            assert connection.read()[1:] == str(size).encode()
            assert more_memory(proxy.child, before) < SOME
    finally:
        mariadb.ask("SET GLOBAL max_allowed_packet = 128 << 20")


# --- TLS

REQUEST = frame(response_41(b"", b"", wire.USUAL | wire.SSL)[:32], 1)


@pytest.fixture
def secure(secure_mysql, own_proxies):
    account = next(one for one in BY_PLUGIN["mysql"] if one.plugin == CACHING_SHA2)
    return own_proxies(secure_mysql, tables={**by_hash(secure_mysql, [account]), "proxy": {"handshake_timeout": "3s"}}), account


def ends(proxy, data, timeout=8):
    """Sends this in place of a login's rest; the proxy lets go of it."""
    with Wire(proxy.port, timeout=timeout) as connection:
        connection.greet()
        connection.send_raw(REQUEST)
        if data:
            with contextlib.suppress(Closed):
                connection.send_raw(data)
        return connection.closed()


def test_tls_misused(secure):
    """Garbage, a login in clear behind the request, the request twice, half a hello: all end, at once or by the deadline."""
    proxy, account = secure
    descriptors = proxy.child.descriptors()
    login = frame(response_41(account.name.encode(), bytes(20)), 2)
    assert ends(proxy, b"GET / HTTP/1.1\r\n\r\n" * 20)
    assert ends(proxy, bytes(5000))
    assert ends(proxy, login)
    assert ends(proxy, REQUEST)
    assert ends(proxy, bytes.fromhex("16030100c8010000c40303"))
    # In one piece with the request: what is behind it was put there by somebody else.
    with Wire(proxy.port) as connection:
        connection.greet()
        connection.send_raw(REQUEST + login)
        assert connection.closed()
    with Wire(proxy.port) as connection:
        wire_, last = Login(account.name, account.password, CACHING_SHA2, any_certificate()).run(proxy.port)
        assert last[:1] == b"\x00"
        assert wire_.ask("SELECT 'as ever'") == "as ever"
        wire_.close()
    wait_until(lambda: proxy.child.descriptors() <= descriptors, "descriptors to be given back")


def test_a_second_request_for_tls_within_tls(secure):
    proxy, _ = secure
    with Wire(proxy.port) as connection:
        connection.greet()
        connection.send_raw(REQUEST)
        connection.socket = any_certificate().wrap_socket(connection.socket)
        connection.send(response_41(b"", b"", wire.USUAL | wire.SSL)[:32], sequence=2)
        try:
            assert Err.of(connection.read())
        except Closed:
            pass


def test_close_notify_in_the_middle_of_a_result(secure):
    """A client that ends TLS, and not TCP, has ended."""
    proxy, account = secure
    descriptors = proxy.child.descriptors()
    for _ in range(5):
        connection, last = Login(account.name, account.password, CACHING_SHA2, any_certificate()).run(proxy.port)
        assert last[:1] == b"\x00"
        connection.query("SELECT REPEAT('x', 100000) FROM information_schema.columns a LIMIT 300")
        connection.read()
        connection.socket.settimeout(0.01)
        with contextlib.suppress(OSError, ssl.SSLError):
            connection.socket.unwrap()
        connection.close()
    wait_until(lambda: proxy.child.descriptors() <= descriptors, "descriptors to be given back")


def test_no_renegotiation(secure):
    """OpenSSL's client asks for it by "R"; the proxy does not."""
    import subprocess
    proxy, _ = secure
    client = subprocess.Popen(["openssl", "s_client", "-starttls", "mysql", "-tls1_2", "-connect", proxy.address],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
    assert any(b"Verify return code" in line for line in client.stdout), "the handshake's end"
    said, _ = client.communicate(b"R\n", timeout=20)
    assert b"no renegotiation" in said or b"alert" in said.lower() or b"error" in said.lower(), said[-500:]


def test_states_of_caching_sha2_out_of_order(secure):
    """The key asked for twice, before its time, a password before the key: none lets anybody in, or hangs."""
    proxy, account = secure
    name = account.name.encode()
    for sent in ([b"\x02", b"\x02", b"\x02"], [b"\x04"], [b"\x03"], [account.password.encode() + b"\0"], [b""], [bytes(256)],
                 [b"\x02", account.password.encode() + b"\0"], [b"\x02", bytes(256)], [b"\x02", bytes(100)]):
        with Wire(proxy.port, timeout=10) as connection:
            connection.greet()
            connection.send(response_41(name, bytes(32), plugin=CACHING_SHA2))
            last = b""
            try:
                for one in sent:
                    last = connection.read()
                    if last[:1] in (b"\xff", b"\x00"):
                        break
                    if last[:1] == b"\xfe":
                        connection.send(bytes(32))
                        last = connection.read()
                    connection.send(one)
                while last[:1] not in (b"\xff", b"\x00"):
                    last = connection.read()
            except Closed:
                continue
            assert Err.of(last), (sent, last)
    connection, last = Login(account.name, account.password, CACHING_SHA2).run(proxy.port)
    with connection:
        assert last[:1] == b"\x00"


# --- logins and users


def test_every_collation(server, proxy):
    """A client may begin with any; what it gets is what the server gives it."""
    for collation in [*range(0, 256, 3), 255]:
        seen = []
        for port in (server.port, proxy.port):
            with Wire(port) as connection:
                reply = connection.log_in(APP, collation=collation)
                seen.append((reply[:1], connection.ask("SELECT @@collation_connection") if reply[:1] == b"\0" else Err.of(reply)))
        assert seen[0] == seen[1], collation


@pytest.mark.parametrize("account", [APP, OTHER], ids=["session", "transaction"])
def test_changes_of_user_that_fail(both, account):
    """Cut at every byte, with a wrong answer: the connection ends, or goes on as it was, and nobody has become somebody else."""
    other = APP if account is OTHER else OTHER
    whole = other.name.encode() + b"\0\x14" + bytes(20) + b"test\0" + b"\x2d\0" + wire.NATIVE + b"\0"
    for length in [*range(0, len(whole), 2), len(whole)]:
        with logged_in(both.port, account) as connection:
            connection.ask("CREATE TEMPORARY TABLE mine (a INT)")
            connection.command(wire.COM_CHANGE_USER, whole[:length])
            try:
                reply = connection.read()
                if reply[:1] == b"\xfe":
                    connection.send(bytes(20))
                    reply = connection.read()
                assert Err.of(reply), length
                assert connection.ask("SELECT CURRENT_USER()") == f"{account.name}@%"
            except Closed:
                pass
    with logged_in(both.port, account) as connection:
        assert connection.ask("SELECT CURRENT_USER()") == f"{account.name}@%"
        assert connection.ask("SELECT * FROM mine").code == 1146


def test_commands_of_replicas(server, proxy):
    """From who may not: the same refusals as without a proxy."""
    commands = {"BINLOG_DUMP": b"\x12" + struct.pack("<IHI", 4, 0, 99), "BINLOG_DUMP, all ones": b"\x12" + b"\xff" * 14,
                "BINLOG_DUMP, short": b"\x12\x04", "REGISTER_SLAVE": b"\x15" + struct.pack("<I", 99) + b"\0\0\0" + bytes(10),
                "BINLOG_DUMP_GTID": b"\x1e" + struct.pack("<HII", 0, 99, 0) + bytes(12), "TABLE_DUMP": b"\x13\x04test\x01a"}
    for name, command in commands.items():
        seen = []
        for port in (server.port, proxy.port):
            with logged_in(port, APP) as connection:
                connection.send(command, sequence=0)
                try:
                    seen.append(Err.of(connection.read()))
                except Closed:
                    seen.append("closed")
        # One that speaks for itself in front of the server's words is as good.
        assert (seen[0] == "closed") == (seen[1] == "closed") and (seen[0] == seen[1] or seen[1].code), name
