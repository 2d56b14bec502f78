"""Strangers and misfits. After each, those who behave are served as before, and nothing is left behind."""

import contextlib
import random
import struct
import time

import pytest

from harness import wire
from harness.accounts import APP
from harness.process import wait_until
from harness.wire import Closed, Err, Wire, frame, logged_in


@pytest.fixture
def healthy(server, proxy):
    """The proxy, with a client that was there all along. At the end everything is as it was."""
    settled = server.sessions()
    descriptors = proxy.child.descriptors()
    with logged_in(proxy.port, APP) as bystander:
        bystander.ask("SET @mine = 'kept'")
        yield proxy
        assert bystander.ask("SELECT @mine") == "kept"
    with logged_in(proxy.port, APP) as newcomer:
        assert newcomer.ask("SELECT @mine IS NULL") == "1"
    server.wait_for_sessions(settled)
    # Where connections are lent, some are kept.
    wait_until(lambda: proxy.child.descriptors() - server.sessions() <= descriptors - settled + 1, "the descriptors to be given back")


def reply_or_end(connection):
    """What the proxy says, or None when it only hangs up."""
    try:
        return Err.of(connection.read())
    except (Closed, AssertionError):
        return None


GARBAGE = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(192),
    "zeros": bytes(4096),
    "ones": b"\xff" * 4096,
    "random bytes": random.Random(3).randbytes(65536),
    "a PROXY header": b"PROXY TCP4 10.1.1.1 10.1.1.2 1000 3306\r\n",
    "a PROXY header, version 2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12),
    "a chain of full headers": b"\xff\xff\xff\x01" * 2000,
    "a login of 16 MiB": b"\xff\xff\xff\x01" + bytes(1 << 20),
    "an empty packet": frame(b"", 1),
    "one byte": frame(b"\x01", 1),
    "a query in place of a login": frame(b"\x03SELECT 1", 0),
    "a query with the right sequence id": frame(b"\x03SELECT 1", 1),
    "no capabilities": frame(bytes(40), 1),
    "all capabilities": frame(b"\xff" * 32 + b"app\0\x00", 1),
    "an old login": frame(struct.pack("<HI", 0x0485, 1 << 24)[:5] + b"app\0XXXXXXXX", 1),
    "a wrong sequence id": frame(wire.response_41(b"app", bytes(20)), 7),
    "a name without its end": frame(struct.pack("<IIB23x", wire.USUAL, 1 << 24, 45) + b"app", 1),
    "a name of 64 kB": frame(wire.response_41(b"a" * 65536, bytes(20)), 1),
    "a name of control bytes": frame(wire.response_41(b"\n\r\t\x1b[31mx\x7f", bytes(20)), 1),
    "an answer longer than the packet": frame(struct.pack("<IIB23x", wire.USUAL, 1 << 24, 45) + b"app\0\xff" + bytes(20), 1),
    "a length that lies": frame(struct.pack("<IIB23x", wire.USUAL | wire.LENENC_AUTH, 1 << 24, 45) + b"app\0\xfe"
                                + b"\xff" * 8 + bytes(20), 1),
    "attributes that lie": frame(wire.response_41(b"app", bytes(20), wire.USUAL | wire.CONNECT_ATTRS,
                                                  attributes=b"\xfe" + b"\xff" * 8 + b"abc"), 1),
    "attributes of 70 kB": frame(wire.response_41(b"app", bytes(20), wire.USUAL | wire.CONNECT_ATTRS,
                                                  attributes=b"\xfd\x70\x11\x01" + (b"\x01k\x01v" * 17500)[:70000]), 1),
    "a plugin of nowhere": frame(wire.response_41(b"app", bytes(20), plugin=b"../../%s%n"), 1),
    "a schema of odd bytes": frame(wire.response_41(b"app", bytes(20), schema=b"\xff`'\"\\/.."), 1),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_before_login(server, healthy, name):
    with Wire(healthy.port) as connection:
        connection.greet()
        try:
            connection.send_raw(GARBAGE[name])
            # Whoever waits for the rest of a packet is told so by our end.
            connection.socket.shutdown(1)
        except (Closed, OSError):
            pass
        try:
            connection.closed()
        except OSError:
            pass


def test_old_client(server, healthy):
    """A client of before 4.1 gets a clear ERR in its own form."""
    with Wire(healthy.port) as connection:
        connection.greet()
        connection.send(struct.pack("<H", 0x0005) + b"\0\0\0" + b"app\0XXXXXXXX")
        refusal = Err.of(connection.read())
        assert refusal.code in (1043, 1251)
        assert connection.closed()


def test_login_cut_at_every_byte(server, healthy):
    whole = frame(wire.response_41(b"app", bytes(20)), 1)
    for length in range(0, len(whole), 3):
        with Wire(healthy.port) as connection:
            connection.greet()
            connection.send_raw(whole[:length])


def test_login_that_ends_too_early(server, healthy):
    """Whole packets this time. What the server can't read the proxy can't, in the same words; nobody gets in by half a login."""
    whole = wire.response_41(b"app", bytes(20))
    for length in [0, *range(1, len(whole), 5), 58]:
        seen = []
        for port in (server.port, healthy.port):
            with Wire(port) as connection:
                connection.greet()
                connection.send(whole[:length])
                reply = connection.read()
                if reply[:1] == b"\xfe":
                    connection.send(bytes(20))
                    reply = connection.read()
                seen.append(Err.of(reply))
        # MariaDB does without the NUL behind a schema.
        assert seen[1] == seen[0] or seen[1] == Err(1043, "08S01", "Bad handshake"), length
    assert length == 58 and seen[1].code in (1043, 1045)


@pytest.mark.parametrize("attributes", [b"", b"\x00", b"\x05", b"\x05\x02_o"])
def test_attributes_that_end_too_early(server, healthy, attributes):
    """Whoever says that there are attributes sends their length at least: in a login as in a COM_CHANGE_USER."""
    capabilities = wire.USUAL | wire.CONNECT_ATTRS
    change = b"app\0\0" + b"test\0\x2d\0" + wire.NATIVE + b"\0" + attributes
    seen = []
    for port in (server.port, healthy.port):
        with Wire(port) as connection:
            connection.greet()
            connection.send(wire.response_41(b"app", bytes(20), capabilities, attributes=attributes))
            reply = connection.read()
            if reply[:1] == b"\xfe":
                connection.send(bytes(20))
                reply = connection.read()
            replies = [reply]
        with Wire(port) as connection:
            connection.log_in(APP, capabilities, attributes=b"\0")
            connection.command(wire.COM_CHANGE_USER, change)
            reply = connection.read()
            if reply[:1] == b"\xfe":
                connection.send(bytes(20))
                reply = connection.read()
            replies.append(reply)
        seen.append([Err.of(reply) for reply in replies])
    of_server, of_proxy = seen
    assert of_proxy[0] == of_server[0]
    # MySQL takes such a COM_CHANGE_USER for that of somebody without a password.
    assert of_proxy[1] == of_server[1] or (of_server[1].code, of_proxy[1]) == (1045, Err(1047, "08S01", "Unknown command"))
    assert of_proxy[0].code == (1045 if attributes == b"\x00" else 1043)


def test_answers_of_every_length(server, healthy):
    """An answer that is not 20 bytes is a wrong password, and never a right one."""
    for length in [*range(0, 24), 40, 64, 128, 255]:
        with Wire(healthy.port) as connection:
            connection.greet()
            connection.send(wire.response_41(b"app", bytes(length)))
            reply = connection.read()
            if reply[:1] == b"\xfe":
                connection.send(bytes(length))
                reply = connection.read()
            assert Err.of(reply).code in (1045, 1835, 1043), length


def test_random_answers(server, healthy):
    source = random.Random(5)
    for _ in range(100):
        with Wire(healthy.port) as connection:
            connection.greet()
            connection.send(wire.response_41(b"app", source.randbytes(20)))
            assert Err.of(connection.read()).code == 1045


def test_stored_hash_is_no_password(server, healthy):
    """Who has read the configuration can't log in by what it says."""
    hashed = bytes.fromhex(APP.native_hash[1:])
    for answer in (hashed, APP.native_hash[:20].encode()):
        with Wire(healthy.port) as connection:
            connection.greet()
            connection.send(wire.response_41(b"app", answer))
            assert Err.of(connection.read()).code == 1045


def test_query_behind_a_wrong_login(server, healthy):
    """It is never run."""
    with Wire(healthy.port) as connection:
        connection.greet()
        connection.send_raw(frame(wire.response_41(b"app", bytes(20)), 1)
                            + frame(b"\x03CREATE TABLE test.smuggled (a INT)", 0))
        connection.sequence = 2
        assert Err.of(connection.read()).code == 1045
        assert connection.closed()
    assert server.ask("SHOW TABLES FROM test LIKE 'smuggled'") == ()


def test_query_behind_a_right_login(server, healthy):
    """It is answered behind the login's OK."""
    with Wire(healthy.port) as connection:
        connection.greet()
        answer = wire.scramble(APP.password, connection.greeting.salt)
        connection.send_raw(frame(wire.response_41(b"app", answer), 1) + frame(b"\x03DO 1", 0))
        connection.sequence = 2
        assert connection.read()[:1] == b"\x00"
        connection.sequence = 1
        assert connection.read()[:1] == b"\x00"


def test_connects_and_leaves(server, healthy):
    """A load balancer's probe: closed, reset or half-closed, it is no error and no line in the access log."""
    lines = len(healthy.accesses())
    warnings = sum(one["level"] in ("warn", "error") for one in healthy.messages())
    for i in range(60):
        connection = Wire(healthy.port)
        if i % 2:
            connection.greet()
        if i % 3 == 0:
            connection.reset()
        elif i % 3 == 1:
            connection.close()
        else:
            connection.socket.shutdown(1)
            connection.closed()
            connection.close()
    wait_until(lambda: healthy.child.descriptors() < 60, "the connections to be let go")
    assert len(healthy.accesses()) == lines
    assert sum(one["level"] in ("warn", "error") for one in healthy.messages()) == warnings


def test_wrong_sequence_id(server, healthy):
    """As the servers say it, if in fewer words: packets out of order, and the end."""
    with logged_in(healthy.port, APP) as connection:
        connection.send(b"\x03SELECT 1", sequence=5)
        connection.sequence = 0
        refusal = reply_or_end(connection)
        assert refusal is None or refusal.code == 1156
        assert connection.closed()


def test_sequence_ids_wrap(server, healthy):
    """In a long result they run over 255 many times; Wire.read checks each."""
    with logged_in(healthy.port, APP) as connection:
        rows = " UNION ALL ".join(["SELECT 'x'"] * 1500)
        connection.query(rows)
        assert connection.read() == b"\x01"
        connection.read()
        connection.read()
        for _ in range(1500):
            assert connection.read() == b"\x01x"
        assert connection.read()[0] == 0xFE


@pytest.mark.parametrize("size", [(1 << 24) - 3, (1 << 24) - 2, (1 << 24) - 1, 1 << 24, 33 << 20])
def test_sizes(server, healthy, size):
    """Packets around the greatest frame, by what the server makes of them."""
    sql = b"SELECT LENGTH('" + b"x" * (size - 18) + b"')"
    with logged_in(healthy.port, APP) as connection:
        assert connection.ask(sql.decode()) == str(size - 18)
        assert connection.ask("SELECT 'next'") == "next"


def test_above_max_allowed_packet(server, healthy):
    """A clear 1153 as soon as its headers say so, and not 200 MiB taken first."""
    with logged_in(healthy.port, APP) as connection:
        sent = 0
        try:
            for sequence in range(16):
                connection.send_raw(b"\xff\xff\xff" + bytes([sequence]))
                connection.send_raw(b"\x03" + bytes(wire.MAX_FRAME - 1))
                sent += wire.MAX_FRAME
        except Closed:
            pass
        assert sent <= 10 * wire.MAX_FRAME
        connection.sequence = 0
        try:
            header = connection.read_raw(4)
            refusal = Err.of(connection.read_raw(int.from_bytes(header[:3], "little")))
            assert refusal.code == 1153
        except Closed:
            pass  # a reset on the way may take the words with it
    assert healthy.child.resident() < 700 << 20


def test_missing_end_of_a_long_packet(server, healthy):
    """A frame of 2^24-1 bytes goes on in another. The next command in its place is out of order, or is never run."""
    with logged_in(healthy.port, APP) as connection:
        command = b"\x03DO '" + b"x" * (wire.MAX_FRAME - 6) + b"'"
        connection.send_raw(frame(command, 0) + frame(b"\x03CREATE TABLE test.in_place (a INT)", 0))
        refusal = reply_or_end(connection)
        assert refusal is None or refusal.code == 1156
        assert connection.closed()
    assert server.ask("SHOW TABLES FROM test LIKE 'in_place'") == ()


def test_command_byte_by_byte(server, healthy):
    with logged_in(healthy.port, APP) as connection:
        for byte in frame(b"\x03SELECT 'slow'", 0):
            connection.send_raw(bytes([byte]))
            time.sleep(0.002)
        connection.sequence = 1
        assert connection.read() == b"\x01"


def test_command_cut_short(server, healthy):
    for length in range(1, 13):
        with logged_in(healthy.port, APP) as connection:
            connection.send_raw(frame(b"\x03DO SLEEP(0)", 0)[:length])


def test_query_behind_quit(server, healthy):
    """Nothing runs after COM_QUIT."""
    with logged_in(healthy.port, APP) as connection:
        connection.send_raw(frame(b"\x01", 0) + frame(b"\x03CREATE TABLE test.late (a INT)", 0))
        assert connection.closed()
    assert server.ask("SHOW TABLES FROM test LIKE 'late'") == ()


def test_half_close(server, healthy):
    """Who has only closed its sending side still gets its answer."""
    with logged_in(healthy.port, APP) as connection:
        connection.query("SELECT SLEEP(0.2), 'answer'")
        connection.socket.shutdown(1)
        assert connection.read() == b"\x02"
        for _ in range(3):
            connection.read()
        assert connection.read().endswith(b"answer")


def test_lost_in_a_big_result(server, healthy):
    """Clients that reset while rows stream to them."""
    for _ in range(10):
        connection = logged_in(healthy.port, APP)
        connection.query("SELECT REPEAT('x', 50000) FROM information_schema.columns a LIMIT 2000")
        connection.read()
        connection.reset()


def test_client_lost_in_a_query(server, healthy):
    """The server connection of a client that has gone is closed too."""
    connection = logged_in(healthy.port, APP)
    connection.query("SELECT SLEEP(1) /* abandoned */")
    time.sleep(0.05)
    connection.reset()


def test_slow_reader(server, healthy):
    """200 MB that the client does not fetch stay at the server; others are served meanwhile."""
    with logged_in(healthy.port, APP) as other:
        before = healthy.child.resident()
        with contextlib.ExitStack() as stack:
            readers = [stack.enter_context(logged_in(healthy.port, APP)) for _ in range(4)]
            for reader in readers:
                reader.query("SELECT REPEAT('x', 1000000) FROM information_schema.columns a LIMIT 50")
            for _ in range(20):
                assert other.ask("SELECT 1") == "1"
                time.sleep(0.02)
            assert healthy.child.resident() - before < 40 << 20
            for reader in readers:
                assert reader.read() == b"\x01"
                reader.read(), reader.read()
                for _ in range(50):
                    assert len(reader.read()) == 1000004
                last = reader.read()
                assert last[0] == 0xFE, Err.of(last)


def test_slow_server(server, healthy):
    """LOCAL INFILE data that the server does not take yet does not pile up in the proxy."""
    server.ask("CREATE TABLE IF NOT EXISTS test.slow_load (a LONGTEXT)")
    blocker = server.admin()
    try:
        with logged_in(healthy.port, APP, wire.USUAL | wire.LOCAL_FILES) as connection:
            before = healthy.child.resident()
            blocker.cursor().execute("LOCK TABLES test.slow_load WRITE")
            connection.query("LOAD DATA LOCAL INFILE 'any' INTO TABLE slow_load")
            connection.socket.settimeout(0.5)
            pushed = 0
            with pytest.raises(TimeoutError):
                request = connection.read()  # comes when the lock is had
                assert request[0] == 0xFB
                while pushed < 200 << 20:
                    connection.send(bytes(1 << 20))
                    pushed += 1 << 20
            assert healthy.child.resident() - before < 40 << 20
            blocker.cursor().execute("UNLOCK TABLES")
    finally:
        blocker.close()
        server.wait_for_sessions(1)
        server.ask("DROP TABLE test.slow_load")


def test_infile_data_stays_data(server, healthy):
    """What a file holds is never taken for commands, and an empty packet ends it."""
    server.ask("CREATE OR REPLACE TABLE test.loaded (a LONGTEXT)" if server.flavor == "mariadb"
               else "CREATE TABLE IF NOT EXISTS test.loaded (a LONGTEXT)")
    with logged_in(healthy.port, APP, wire.USUAL | wire.LOCAL_FILES) as connection:
        connection.query("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE loaded")
        assert connection.read() == b"\xfb/etc/hostname"
        connection.send(b"\x01\n\x03KILL 5\n\x11app\n\x0c\x01\0\0\0\n")
        connection.send(b"\x01")
        connection.send(b"")
        assert connection.read()[:2] == b"\x00\x05"
        assert connection.ask("SELECT COUNT(*) FROM loaded") == "5"
    server.ask("DROP TABLE test.loaded")


def test_many_prepared_statements(server, healthy):
    """Statements by the thousand cost the proxy little; the server has its own limit."""
    with logged_in(healthy.port, APP) as connection:
        before = healthy.child.resident()
        for i in range(3000):
            connection.command(wire.COM_STMT_PREPARE, b"SELECT 1")
            reply = connection.read()
            assert reply[0] == 0
            connection.read()
            connection.read()
        assert healthy.child.resident() - before < 10 << 20


def test_statements_of_another_session(server, healthy):
    """Their ids are worth nothing to others, who are told as for any that does not exist."""
    with logged_in(healthy.port, APP) as owner, logged_in(healthy.port, APP) as thief:
        owner.command(wire.COM_STMT_PREPARE, b"SELECT 'mine'")
        statement = owner.read()[1:5]
        owner.read(), owner.read()
        for code, rest in ((wire.COM_STMT_EXECUTE, b"\0\1\0\0\0"), (wire.COM_STMT_RESET, b""), (wire.COM_STMT_FETCH, b"\1\0\0\0")):
            thief.command(code, statement + rest)
            assert Err.of(thief.read()).code == 1243
        thief.command(wire.COM_STMT_CLOSE, statement)
        assert thief.ask("SELECT 'goes on'") == "goes on"
        owner.command(wire.COM_STMT_EXECUTE, statement + b"\0\1\0\0\0")
        assert owner.read() == b"\x01"
        owner.read(), owner.read()
        assert owner.read().endswith(b"\x04mine")
        owner.read()


def test_compression_agreed_and_not_used(server, healthy):
    """Plain packets in place of frames are the connection's end, and no command."""
    for packet in (frame(b"\x03CREATE TABLE test.plain (a INT)", 0), frame(b"\x0e", 0) * 8, frame(b"\x03SELECT '" + b"x" * 5000 + b"'", 0)):
        with logged_in(healthy.port, APP, wire.USUAL | wire.COMPRESS) as connection:
            connection.send_raw(packet)
            connection.socket.shutdown(1)
            assert connection.closed()
    assert server.ask("SHOW TABLES FROM test LIKE 'plain'") == ()


def test_crowd_of_strangers(server, healthy):
    """Hundreds who say nothing keep nobody from logging in at once."""
    strangers = [Wire(healthy.port) for _ in range(300)]
    try:
        begun = time.monotonic()
        for _ in range(5):
            logged_in(healthy.port, APP).close()
        assert time.monotonic() - begun < 5
    finally:
        for one in strangers:
            one.close()


def test_churn(server, healthy):
    """Logins and queries by the hundred: each answer goes to its asker."""
    for i in range(200):
        with logged_in(healthy.port, APP) as connection:
            assert connection.ask(f"SELECT {i}") == str(i)
            if i % 3 == 0:
                connection.command(wire.COM_QUIT)


def test_nothing_is_inherited(server, healthy):
    """A new client finds nothing of the one before."""
    with logged_in(healthy.port, APP) as first:
        for sql in ("SET @secret = 1", "CREATE TEMPORARY TABLE private (a INT)", "SET SESSION sort_buffer_size = 400000",
                    "SELECT GET_LOCK('inherited', 1)", "USE test2", "START TRANSACTION", "SET NAMES latin1"):
            first.ask(sql)
    with logged_in(healthy.port, APP) as second:
        assert second.ask("SELECT @secret IS NULL") == "1"
        assert second.ask("SELECT * FROM private").code == 1146
        assert second.ask("SELECT DATABASE()") == "test"
        assert second.ask("SELECT @@character_set_client") == "utf8mb4"
        wait_until(lambda: second.ask("SELECT IS_FREE_LOCK('inherited')") == "1", "the lock to be free")
