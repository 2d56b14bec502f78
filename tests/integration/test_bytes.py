"""What comes over the wire, byte by byte: directly and through the proxy."""

import re
import struct

import pytest

from harness import wire
from harness.accounts import APP, DIRECT_ONLY, GHOST, NOBODY, OTHER, POOR, STALE
from harness.exchange import in_order
from harness.lending import LENT
from harness.wire import Closed, Err, Wire, logged_in

ENOUGH = wire.LONG_PASSWORD | wire.PROTOCOL_41 | wire.SECURE_CONNECTION
CAPABILITIES = {
    "the least": ENOUGH,
    "usual": wire.USUAL,
    "with DEPRECATE_EOF": wire.USUAL | wire.DEPRECATE_EOF,
    "with SESSION_TRACK": wire.USUAL | wire.SESSION_TRACK,
    "with both": wire.USUAL | wire.DEPRECATE_EOF | wire.SESSION_TRACK,
    "without MULTI_RESULTS": ENOUGH | wire.CONNECT_WITH_DB | wire.PLUGIN_AUTH,
    "without PLUGIN_AUTH": wire.USUAL & ~wire.PLUGIN_AUTH,
    "with LENENC_AUTH": wire.USUAL | wire.LENENC_AUTH,
    "with FOUND_ROWS": wire.USUAL | wire.FOUND_ROWS | wire.DEPRECATE_EOF,
}

END = b"the end of it"
#: Stands for the id of the statement that the first command prepares.
THE_STATEMENT = b"\xa5\x5a\xc3\x3c"

STATEMENTS = [
    "SELECT 1", "SELECT NULL, '', 'x'", "SELECT 1 WHERE FALSE", "DO 1", "SELEC", "SELECT * FROM test.nowhere",
    "SET @a = 5", "SELECT @a", "USE test", "CREATE OR REPLACE VIEW v_bytes AS SELECT 1 AS a", "SELECT * FROM v_bytes",
    "DROP VIEW v_bytes", "SELECT 1/0, CAST('x' AS SIGNED)", "SHOW WARNINGS", "START TRANSACTION", "SELECT 2", "ROLLBACK",
    "SELECT 1; SELECT 2; DO 3", "SELECT 1; SELEC", "SELECT REPEAT('x', 250), REPEAT('y', 251), REPEAT('z', 70000)",
    "SET NAMES latin1", "SET NAMES utf8mb4", "SET autocommit = 0", "SET autocommit = 1", "",
]


def until_end(connection):
    """All packets up to the answer to a last question that is asked now, and whether the connection lives."""
    packets = []
    try:
        connection.query(b"SELECT '" + END + b"'")
        # Answers to several commands: each begins anew at sequence id 1.
        while not packets or END not in packets[-1][1] or packets[-1][1][:3] == b"\x03de" or b"\x03def" in packets[-1][1][:5]:
            header = connection.read_raw(4)
            packets.append((header[3], connection.read_raw(int.from_bytes(header[:3], "little"))))
    except Closed:
        return packets, False
    # An EOF, or an OK in its place, closes the result.
    header = connection.read_raw(4)
    packets.append((header[3], connection.read_raw(int.from_bytes(header[:3], "little"))))
    return packets, True


def talk(port, capabilities, commands, account=APP):
    """What is answered to these commands, sent one behind the other without waiting."""
    with Wire(port) as connection:
        reply = connection.log_in(account, capabilities)
        assert reply[:1] == b"\x00", Err.of(reply)
        prepared = []
        try:
            if commands[0][:1] == bytes([wire.COM_STMT_PREPARE]):
                commands, packet = prepare(connection, commands)
                prepared.append(packet)
            for command in commands[len(prepared):]:
                connection.send(command, sequence=0)
        except Closed:
            pass
        packets, alive = until_end(connection)
        return reply, prepared + packets, alive


def prepare(connection, commands):
    """Sends the first command. The others with the statement's id in them, and the first packet without it.

    A server counts statements on from one connection to the next where it uses a thread again.
    """
    connection.send(commands[0], sequence=0)
    header = connection.read_raw(4)
    payload = connection.read_raw(int.from_bytes(header[:3], "little"))
    if payload[:1] != b"\x00":
        return commands, (header[3], payload)
    actual = payload[1:5]
    return [one.replace(THE_STATEMENT, actual) for one in commands], (header[3], payload[:1] + payload[5:])


@pytest.mark.parametrize("name", CAPABILITIES)
def test_answers(server, proxy, name):
    """Under each set of capabilities the bytes are the same."""
    commands = [bytes([wire.COM_QUERY]) + sql.encode() for sql in STATEMENTS]
    direct = talk(server.port, CAPABILITIES[name], commands)
    proxied = talk(proxy.port, CAPABILITIES[name], commands)
    assert direct[2], "the server closed the connection"
    assert len(direct[1]) > len(STATEMENTS)
    if LENT:
        direct, proxied = ordered(direct), ordered(proxied)
    assert proxied == direct


def ordered(seen):
    """What changed together, in an order of ours: in the one that MariaDB has it is more that is tracked for lending."""
    reply, packets, alive = seen
    return reply, [(sequence, in_order(payload)) for sequence, payload in packets], alive


def execute(types, values, cursor=0, bitmap=b"\0", bound=1, statement=THE_STATEMENT):
    return bytes([wire.COM_STMT_EXECUTE]) + statement + struct.pack("<BI", cursor, 1) + bitmap + bytes([bound]) + types + values


LONGLONG = b"\x08\x00"
PREPARE = bytes([wire.COM_STMT_PREPARE]) + b"SELECT ? + 1"
PREPARE_2 = bytes([wire.COM_STMT_PREPARE]) + b"SELECT ? AS a, ? AS b"
NONE = struct.pack("<I", 0x7EEEEEEE)  # no statement has this id
ONE = struct.pack("<q", 1)


def cut_executes():
    """A good EXECUTE of two parameters, a text and a moment, and each of its beginnings."""
    whole = execute(b"\xfd\x00\x0c\x00", b"\x03abc" + b"\x07" + struct.pack("<HBBBBB", 2026, 11, 22, 4, 5, 6))
    return [PREPARE_2, *[whole[:length] for length in range(5, len(whole) + 1)]]


def odd_values(code):
    """A date or time of every length, of zeros, ones, and months and hours that no calendar has."""
    values = [bytes([length]) + (fill * 20)[:length]
              for length in range(21) for fill in (b"\0", b"\xff", b"\x01", b"\xea\x07\x0d\x20\x19\x3d\x3d")]
    return [PREPARE, *[execute(bytes([code, 0]), value) for value in values], execute(LONGLONG, ONE)]


MISUSE = {
    "an empty packet": [b""],
    **{f"command {code}": [bytes([code])] for code in (0, 5, 6, 7, 11, 13, 15, 16, 19, 20, 21, 29, 30, 33, 34, 99,
                                                     128, 250, 255)},
    "INIT_DB without a name": [bytes([wire.COM_INIT_DB])],
    "INIT_DB of an unknown schema": [bytes([wire.COM_INIT_DB]) + b"no_such_schema"],
    "FIELD_LIST": [bytes([wire.COM_QUERY]) + b"CREATE TABLE IF NOT EXISTS fields (a INT DEFAULT 5, b TEXT)",
                   bytes([wire.COM_FIELD_LIST]) + b"fields\0", bytes([wire.COM_FIELD_LIST]) + b"fields\0a%",
                   bytes([wire.COM_FIELD_LIST]) + b"nowhere\0", bytes([wire.COM_QUERY]) + b"DROP TABLE fields"],
    "FIELD_LIST cut short": [bytes([wire.COM_FIELD_LIST])],
    "SET_OPTION": [bytes([wire.COM_SET_OPTION, 1, 0]), bytes([wire.COM_QUERY]) + b"SELECT 1; SELECT 2",
                   bytes([wire.COM_SET_OPTION, 0, 0]), bytes([wire.COM_SET_OPTION, 9, 9])],
    "SET_OPTION cut short": [bytes([wire.COM_SET_OPTION, 1])],
    "RESET_CONNECTION": [bytes([wire.COM_QUERY]) + b"SET @x = 1", bytes([wire.COM_RESET_CONNECTION]),
                         bytes([wire.COM_QUERY]) + b"SELECT @x"],
    "RESET_CONNECTION with more": [bytes([wire.COM_RESET_CONNECTION]) + b"more"],
    "PING with more": [bytes([wire.COM_PING]) + b"more"],
    "PROCESS_KILL of nobody": [bytes([wire.COM_PROCESS_KILL]) + b"\xff\xff\xff\x7f"],
    "PROCESS_KILL cut short": [bytes([wire.COM_PROCESS_KILL]) + b"\x01"],
    "bytes that are no text": [bytes([wire.COM_QUERY]) + b"SELECT '\xff\xfe\x00\x80'"],
    "a zero byte in SQL": [bytes([wire.COM_QUERY]) + b"SELECT 1\0, 2"],
    "prepare and execute": [PREPARE, execute(LONGLONG, ONE), execute(LONGLONG, ONE, cursor=1),
                            bytes([wire.COM_STMT_FETCH]) + THE_STATEMENT + struct.pack("<I", 10)],
    "fetches past the end": [PREPARE, execute(LONGLONG, ONE, cursor=1),
                             *[bytes([wire.COM_STMT_FETCH]) + THE_STATEMENT + struct.pack("<I", 1)] * 3],
    "a fetch without a cursor": [PREPARE, execute(LONGLONG, ONE), bytes([wire.COM_STMT_FETCH]) + THE_STATEMENT + struct.pack("<I", 1)],
    "fetches astray": [bytes([wire.COM_STMT_FETCH]) + NONE + b"\1\0\0\0", bytes([wire.COM_STMT_FETCH]) + b"\x01"],
    "statements that do not exist": [execute(LONGLONG, ONE, statement=NONE), bytes([wire.COM_STMT_RESET]) + NONE,
                                     bytes([wire.COM_STMT_CLOSE]) + NONE,
                                     bytes([wire.COM_STMT_SEND_LONG_DATA]) + NONE + b"\0\0" + b"data"],
    "a statement after its end": [PREPARE, bytes([wire.COM_STMT_CLOSE]) + THE_STATEMENT, execute(LONGLONG, ONE)],
    "long data": [PREPARE_2, bytes([wire.COM_STMT_SEND_LONG_DATA]) + THE_STATEMENT + b"\0\0" + b"part 1 ",
                  bytes([wire.COM_STMT_SEND_LONG_DATA]) + THE_STATEMENT + b"\0\0" + b"part 2",
                  execute(b"\xfc\x00\x08\x00", ONE), bytes([wire.COM_STMT_RESET]) + THE_STATEMENT],
    "long data for no parameter": [PREPARE, bytes([wire.COM_STMT_SEND_LONG_DATA]) + THE_STATEMENT + b"\x09\0" + b"data",
                                   execute(LONGLONG, ONE)],
    "EXECUTE cut short": [PREPARE, bytes([wire.COM_STMT_EXECUTE]) + THE_STATEMENT],
    "EXECUTE without values": [PREPARE, execute(LONGLONG, b"")],
    "EXECUTE without types": [PREPARE, execute(b"", ONE, bound=0)],
    "EXECUTE of an unknown type": [PREPARE, execute(b"\x55\x00", ONE)],
    "EXECUTE with a length that lies": [PREPARE, execute(b"\xfd\x00", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xffabc")],
    "EXECUTE with NULLs": [PREPARE_2, execute(LONGLONG * 2, ONE, bitmap=b"\x02"), execute(LONGLONG * 2, b"", bitmap=b"\x03")],
    "EXECUTE with an odd cursor": [PREPARE, execute(LONGLONG, ONE, cursor=0x7E)],
    "PREPARE of nonsense": [bytes([wire.COM_STMT_PREPARE]) + b"SELEC ?", bytes([wire.COM_STMT_PREPARE]),
                            bytes([wire.COM_STMT_PREPARE]) + b"SELECT 1; SELECT 2"],
    "EXECUTE cut at every byte": cut_executes(),
    "EXECUTE with more than there is": [PREPARE_2, execute(LONGLONG * 2, ONE * 2 + b"more"), execute(LONGLONG * 3, ONE * 3)],
    "EXECUTE with NULLs that are none": [PREPARE_2, execute(LONGLONG * 2, ONE * 2, bitmap=b"\xfc"), execute(LONGLONG * 2, ONE, bitmap=b"\xff")],
    **{f"EXECUTE with odd {name}": odd_values(code) for name, code in {"dates": 10, "times": 11, "moments": 12, "timestamps": 7}.items()},
    "many commands at once": [bytes([wire.COM_PING])] * 300,
}
#: What no server knows, but for 32, which MySQL clones by, and 250, by which MariaDB executes in bulk (above).
MISUSE["every unknown command"] = [bytes([code]) + b"\0\0\0\0" for code in range(35, 250)]


@pytest.mark.parametrize("name", MISUSE)
def test_misuse(server, proxy, name):
    """Commands that are odd, wrong, or sent without waiting: the same answers, or the same silence."""
    direct = talk(server.port, wire.USUAL, MISUSE[name])
    proxied = talk(proxy.port, wire.USUAL, MISUSE[name])
    assert words(proxied) == words(direct)


def words(seen):
    """Packets, with errors written out: what a failing test shows is then readable."""
    _, packets, alive = seen
    return [(sequence, error_of(payload) or payload) for sequence, payload in packets], alive


def error_of(payload):
    """The ERR, without the id of a statement that some name."""
    error = Err.of(payload)
    return error and Err(error.code, error.state, re.sub(r"\(\d+\)", "(id)", error.message))


def test_clone(mysql, shared_proxies):
    """Nobody clones a server through the proxy, which says so and goes on."""
    packets, alive = words(talk(shared_proxies(mysql).port, wire.USUAL, [b"\x20"]))
    assert packets[0] == (1, Err(1047, "08S01", "Unknown command"))
    assert alive


LOGINS = {
    "right": (APP, {}),
    "no schema": (APP, {"schema": b""}),
    "unknown schema": (APP, {"schema": b"no_such_schema"}),
    "forbidden schema": (POOR, {"schema": b"secret"}),
    "wrong password": (APP, {"password": "wrong"}),
    "no password": (APP, {"password": ""}),
    "password where none is": (NOBODY, {"password": "x"}),
    "without a password": (NOBODY, {}),
    "unknown to both": (type(APP)("stranger", "x"), {}),
    "another collation": (OTHER, {"collation": 8}),
    "an unknown collation": (OTHER, {"collation": 1}),
}


@pytest.mark.parametrize("name", LOGINS)
def test_login(server, proxy, name):
    """The last packet of the login is the same, down to its wording."""
    account, more = LOGINS[name]
    seen = []
    for port in (server.port, proxy.port):
        with Wire(port) as connection:
            reply = connection.log_in(account, **more)
            after = connection.ask("SELECT @@collation_connection") if reply[:1] == b"\0" else None
            seen.append((Err.of(reply) or reply, after, connection.sequence))
    assert seen[1] == seen[0]


def test_greeting(server, proxy):
    """The proxy shows what its server shows, but for what it does not do."""
    with Wire(server.port) as connection:
        connection.greet()
        direct = connection.greeting
    with Wire(proxy.port) as connection:
        connection.greet()
        proxied = connection.greeting
    assert proxied.version == direct.version
    assert (proxied.collation, proxied.status) == (direct.collation, direct.status)
    # TLS and compression are its own with each side.
    its_own = wire.SSL | wire.COMPRESS | wire.ZSTD
    assert proxied.capabilities & ~direct.capabilities & ~its_own == 0
    assert len(proxied.salt) == 20 and 0 not in proxied.salt


def test_salts(server, proxy):
    """Every greeting has a salt of its own, without zeros."""
    salts = set()
    for _ in range(50):
        with Wire(proxy.port) as connection:
            connection.greet()
            assert 0 not in connection.greeting.salt and 0x24 not in connection.greeting.salt
            salts.add(connection.greeting.salt)
    assert len(salts) == 50


def test_replayed_answer(server, proxy):
    """An answer to one salt is none to another."""
    with Wire(proxy.port) as first, Wire(proxy.port) as second:
        first.greet()
        second.greet()
        second.send(wire.response_41(b"app", wire.scramble(APP.password, first.greeting.salt)))
        assert Err.of(second.read()).code == 1045


def test_server_refuses(server, proxy):
    """What a server says against a user is passed on as it is, and does not count against the server."""
    for account in (STALE, GHOST):
        with Wire(proxy.port) as connection:
            refusal = Err.of(connection.log_in(account))
        assert (refusal.code, refusal.state) == (1045, "28000")
        assert refusal.message == f"Access denied for user '{account.name}'@'localhost' (using password: YES)"
    logged_in(proxy.port, APP).close()


def test_user_of_the_server_only(server, proxy):
    """The proxy does not let in whom it does not know, in the words that it has for a wrong password."""
    with Wire(proxy.port) as connection:
        refusal = Err.of(connection.log_in(DIRECT_ONLY))
    assert refusal == Err(1045, "28000", "Access denied for user 'direct_only'@'localhost' (using password: YES)")
