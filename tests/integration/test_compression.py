"""The compressed protocol, with clients and with servers, each by itself; and whose connection a server is told it is."""

import struct
import subprocess
import zlib

import mysql.connector
import pytest

from harness import wire
from harness.accounts import APP, OTHER
from harness.wire import Err, Wire

COMPRESS = 1 << 5
#: Towards the server. Those at hand know zlib only; for zstd another proxy stands in for one.
LINKS = ["uncompressed", "zlib", "zstd"]


class Behind:
    """A proxy in the role of a server."""

    def __init__(self, proxy, name="inner"):
        self.name = name
        self.address = proxy.address


@pytest.fixture(scope="module")
def linked(module_proxies):
    """get(server, link): a proxy whose connections to its server are compressed like that."""
    made = {}

    def get(server, link):
        if (server.name, link) not in made:
            behind = server
            if link == "zstd":
                behind = Behind(module_proxies(server, tables={"listen.main": {"compression": "zstd"}}))
            made[server.name, link] = module_proxies(behind, tables={f"server.{behind.name}": {"compression": link}})
        return made[server.name, link]

    return get


# --- what programs see ---

def connect(port, account=APP, **more):
    return mysql.connector.connect(host="127.0.0.1", port=port, user=account.name, password=account.password,
                                   database="test", use_pure=True, ssl_disabled=True, allow_local_infile=True, **more)


def ask(connection, sql, parameters=(), **options):
    with connection.cursor(**options) as cursor:
        try:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.with_rows else cursor.rowcount
        except mysql.connector.Error as error:
            return error.errno, error.sqlstate


def converse(port, folder, compress):
    """What a program gets to see, in a form that can be compared."""
    infile = folder / "rows.csv"
    infile.write_text("".join(f"{i}\t{'x' * (i % 300)}\n" for i in range(10, 20000)))
    hardly_compressible = "".join(chr(33 + (i * i + i // 7) % 90) for i in range(1 << 20)) * 17
    connection = connect(port, compress=compress)
    prepared = {"prepared": True}
    seen = [
        ask(connection, "SELECT 1, 'two', NULL"),
        ask(connection, "SELECT REPEAT('wire', 100000)"),
        ask(connection, "CREATE TABLE t (a INT PRIMARY KEY, b LONGTEXT)"),
        ask(connection, "INSERT INTO t VALUES (%s, %s)", (1, hardly_compressible)),
        ask(connection, "SELECT b, MD5(b) FROM t"),
        ask(connection, "SELECT a, b FROM t WHERE a = %s", (1,), **prepared),
        ask(connection, "DELETE FROM t"),
        ask(connection, "INSERT INTO t VALUES (%s, %s), (%s, %s)", (2, "two", 3, ""), **prepared),
        ask(connection, f"LOAD DATA LOCAL INFILE '{infile}' INTO TABLE t"),
        ask(connection, "SELECT COUNT(*), SUM(a), MIN(LENGTH(b)), MAX(LENGTH(b)) FROM t"),
        ask(connection, "SELECT * FROM t ORDER BY a"),
        ask(connection, "SELECT * FROM t WHERE a < %s ORDER BY a", (5000,), **prepared),
        ask(connection, "SELECT nothing FROM t"),
        connection.cmd_statistics()["Threads"] > 0,
    ]
    connection.cmd_reset_connection()
    connection.ping(reconnect=False)
    seen.append(ask(connection, "DROP TABLE t"))
    connection.close()
    return seen


@pytest.fixture(scope="session")
def direct(tmp_path_factory):
    """get(server): what programs see without a proxy."""
    made = {}

    def get(server):
        if server.name not in made:
            server.clean()
            made[server.name] = converse(server.port, tmp_path_factory.mktemp("direct"), compress=False)
        return made[server.name]

    return get


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("compress", [False, True], ids=["uncompressed client", "zlib client"])
def test_programs_see_no_difference(server, linked, link, compress, direct, tmp_path):
    expected = direct(server)
    assert expected[-1] == 0 and expected[1] == [("wire" * 100000,)]
    through = converse(linked(server, link).port, tmp_path, compress)
    assert [one == other for one, other in zip(through, expected)] == [True] * len(expected)


@pytest.mark.parametrize("link", ["uncompressed", "zlib"])
def test_the_mariadb_client(server, linked, link):
    script = "SELECT 1; SELECT LENGTH(REPEAT('x', 100000)); SHOW STATUS LIKE 'Compression';"
    said = {}
    for option in ("--compress", "--skip-compress"):
        done = subprocess.run(
            ["mariadb", "--no-defaults", "--host=127.0.0.1", f"--port={linked(server, link).port}", "--skip-ssl", option,
             f"--user={APP.name}", f"--password={APP.password}", "--batch", "--skip-column-names", "-e", script],
            capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        said[option] = done.stdout
    # The status is that of the link to the server, whatever the client does.
    status = "ON" if link == "zlib" else "OFF"
    assert said["--compress"] == said["--skip-compress"] == f"1\n100000\nCompression\t{status}\n"


def test_compressed_traffic_is_small(server, linked):
    proxy = linked(server, "uncompressed")
    sizes = []
    for compress in (False, True):
        since = len(proxy.accesses())
        connection = connect(proxy.port, compress=compress)
        assert ask(connection, "SELECT REPEAT('wire', 250000)") == [("wire" * 250000,)]
        connection.close()
        sizes.append(proxy.wait_for_access(since=since)["bytes_to_client"])
    assert sizes[0] > 1_000_000
    assert sizes[1] < sizes[0] / 50


# --- what is allowed ---

def test_a_listener_that_wants_compression(server, own_proxies):
    proxy = own_proxies(server, tables={"listen.main": {"compression": ["zlib"]}})
    assert ask(connect(proxy.port, compress=True), "SELECT 1") == [(1,)]
    with Wire(proxy.port) as connection:
        error = Err.of(connection.log_in(APP))
        assert (error.code, error.state) == (3922, "HY000")


def test_a_listener_that_has_none(server, own_proxies):
    proxy = own_proxies(server, tables={"listen.main": {"compression": "uncompressed"}})
    with Wire(proxy.port) as connection:
        connection.greet()
        assert connection.greeting.capabilities & COMPRESS == 0


def test_a_server_without_the_compression_that_it_has_to_have(server, own_proxies):
    proxy = own_proxies(server, tables={f"server.{server.name}": {"compression": "zstd"}})
    with Wire(proxy.port) as connection:
        error = Err.of(connection.log_in(APP))
        assert error.code == 1158
        assert f"{server.name} offers no compression that its configuration allows" in error.message


# --- frames, by hand ---

class CompressedWire(Wire):
    """Packets in compressed frames. `frames` is the id of the next frame."""

    def __init__(self, port):
        super().__init__(port)
        self.frames = 0
        self.unread = b""
        reply = self.log_in(APP, wire.USUAL | COMPRESS)
        assert reply[:1] == b"\x00", Err.of(reply)

    def send_frame(self, body, number=None, uncompressed=0):
        if number is not None:
            self.frames = number
        self.send_raw(struct.pack("<I", len(body))[:3] + bytes([self.frames & 0xFF]) +
                      struct.pack("<I", uncompressed)[:3] + body)
        self.frames += 1

    def send_query(self, sql, split=None):
        packet = wire.frame(b"\x03" + sql.encode(), 0)
        self.frames = 0
        for piece in [packet[:split], packet[split:]] if split else [packet]:
            self.send_frame(piece)

    def read_frame(self):
        header = self.read_raw(7)
        body = self.read_raw(int.from_bytes(header[:3], "little"))
        assert header[3] == self.frames & 0xFF, f"frame {header[3]} where {self.frames} was due"
        self.frames += 1
        return zlib.decompress(body) if header[4:] != b"\0\0\0" else body

    def read_packet(self):
        """Sequence id and payload of the next packet."""
        while len(self.unread) < 4 or len(self.unread) < 4 + int.from_bytes(self.unread[:3], "little"):
            self.unread += self.read_frame()
        length = int.from_bytes(self.unread[:3], "little")
        number, payload = self.unread[3], self.unread[4:4 + length]
        self.unread = self.unread[4 + length:]
        return number, payload

    def answer(self):
        """The packets of a result of one row, with their ids."""
        packets = [self.read_packet()]
        if packets[0][1][0] in (0x00, 0xFF):
            return packets
        while len(packets) < 5:
            packets.append(self.read_packet())
        return packets


@pytest.fixture(params=["direct", *LINKS])
def compressed(request, server, linked):
    port = server.port if request.param == "direct" else linked(server, request.param).port
    with CompressedWire(port) as connection:
        yield connection


def test_replies_go_on_counting_from_the_command(compressed):
    """As the servers themselves number frames and packets."""
    compressed.send_query("SELECT 7")
    assert [number for number, _ in compressed.answer()] == [1, 2, 3, 4, 5]
    compressed.send_query("SELECT 'in two frames'", split=8)
    assert [number for number, _ in compressed.answer()] == [2, 3, 4, 5, 6]
    compressed.send_query("SELECT 'the header too'", split=2)
    assert compressed.answer()[3][1].endswith(b"the header too")


def test_commands_in_a_row(compressed):
    """Each in a frame of its own and none waited for: answered one by one."""
    for i in range(5):
        compressed.send_query(f"SELECT {i}")
    for i in range(5):
        compressed.frames = 1
        assert compressed.answer()[3][1] == b"\x01" + str(i).encode()


def test_an_empty_frame_counts(compressed):
    packet = wire.frame(b"\x03SELECT 1", 0)
    compressed.send_frame(packet[:6], number=0)
    compressed.send_frame(b"")
    compressed.send_frame(packet[6:])
    assert [number for number, _ in compressed.answer()] == [3, 4, 5, 6, 7]


def test_ids_of_packets_do_not_matter(compressed):
    compressed.send_frame(wire.frame(b"\x03SELECT 1", 9), number=0)
    assert compressed.answer()[3][1] == b"\x011"


def test_ids_of_frames_do(compressed):
    compressed.send_frame(wire.frame(b"\x03SELECT 1", 0), number=4)
    # The ERR says it in plain words whatever it is numbered.
    received = compressed.read_raw(7)
    body = compressed.read_raw(int.from_bytes(received[:3], "little"))
    assert Err.of(body[4:]).code == 1156
    assert compressed.closed()


def test_a_long_command_and_its_answer(compressed):
    text = "SELECT '" + "y" * 300000 + "'"
    packet = wire.frame(b"\x03" + text.encode(), 0)
    compressed.frames = 0
    for start in range(0, len(packet), 100000):
        piece = packet[start:start + 100000]
        compressed.send_frame(zlib.compress(piece), uncompressed=len(piece))
    packets = compressed.answer()
    assert packets[0][0] == 4
    assert packets[3][1].endswith(b"y" * 300000)


LIES = {
    "no zlib at all": (b"garbage that is no zlib stream at all, long enough", 100),
    "too short": (zlib.compress(wire.frame(b"\x03SELECT 1", 0)), 100),
    "too long": (zlib.compress(wire.frame(b"\x03SELECT 1", 0)), 5),
    "a bomb": (zlib.compress(b"\0" * (64 << 20)), 1000),
    "cut": (zlib.compress(wire.frame(b"\x03SELECT 'of many letters'", 0))[:-6], 27),
}


@pytest.mark.parametrize("body, uncompressed", LIES.values(), ids=LIES.keys())
def test_bodies_that_lie(server, linked, body, uncompressed):
    proxy = linked(server, "uncompressed")
    since = len(proxy.accesses())
    with CompressedWire(proxy.port) as connection:
        connection.send_frame(body, number=0, uncompressed=uncompressed)
        assert connection.closed()
    proxy.wait_for_access(lambda one: "client sent what can't be followed" in one["end"], since=since)
    assert ask(connect(proxy.port, compress=True), "SELECT 1") == [(1,)]


@pytest.mark.parametrize("link", LINKS)
def test_a_client_that_leaves_in_a_query(server, linked, link):
    """It is noticed, though none of its frames is read meanwhile."""
    proxy = linked(server, link)
    since = len(proxy.accesses())
    with CompressedWire(proxy.port) as connection:
        connection.send_query("SELECT SLEEP(5)")
        connection.send_query("SELECT 'never'")
        server.child.wait_until(lambda: sleeping(server) == 1, "the query runs")
        connection.reset()
        assert proxy.wait_for_access(since=since, timeout=10)["ended_by"] == "client"
    server.child.wait_until(lambda: sleeping(server) == 0, "the query has ended")


def sleeping(server):
    return server.ask("SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(5)'")[0][0]


def test_change_of_user(server, linked):
    for link in ("uncompressed", "zlib"):
        with CompressedWire(linked(server, link).port) as connection:
            for account in (OTHER, APP, OTHER):
                packet = (b"\x11" + account.name.encode() + b"\0\0test2\0" + struct.pack("<H", 45) +
                          b"mysql_native_password\0")
                connection.send_frame(wire.frame(packet, 0), number=0)
                plugin, _, salt = connection.read_packet()[1][1:].partition(b"\0")
                assert plugin == b"mysql_native_password"
                connection.send_frame(wire.frame(wire.scramble(account.password, salt[:20]), 2))
                assert connection.read_packet()[1][:1] == b"\0"
                connection.send_query("SELECT CONCAT(DATABASE(), ' ', USER())")
                assert connection.answer()[3][1][1:].startswith(b"test2 " + account.name.encode() + b"@")


def test_a_drain_is_told_in_a_frame(server, own_proxies):
    proxy = own_proxies(server)
    with CompressedWire(proxy.port) as connection:
        connection.send_query("SELECT 1")
        connection.answer()
        proxy.stop()
        connection.frames = 0
        assert Err.of(connection.read_packet()[1]).code == 1053


# --- whose connection it is ---

@pytest.fixture(scope="module")
def trusting(work):
    """A MariaDB that believes what it is told of addresses."""
    from harness.servers import MariaDb
    server = MariaDb(work / "trusting")
    server.copy_or_initialize()
    server.start("--proxy-protocol-networks=127.0.0.0/8", "--performance-schema=ON")
    with server.admin() as connection, connection.cursor() as cursor:
        for statement in server.accounts():
            cursor.execute(statement)
    yield server
    server.stop()


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("balanced", ["v1", "v2", None])
def test_servers_are_told_the_address(trusting, own_proxies, version, balanced):
    tables = {"server.mariadb": {"proxy_protocol": version, "client_address_attribute": "client_address"}}
    if balanced:
        tables["listen.main"] = {"proxy_protocol_from": ["127.0.0.0/8"]}
    proxy = own_proxies(trusting, tables=tables)
    with Wire(proxy.port) as connection:
        port = connection.socket.getsockname()[1]
        expected = f"127.0.0.1:{port}"
        if balanced:
            connection.send_raw(header(balanced))
            expected = "192.0.2.77:4711"
        reply = connection.log_in(APP)
        assert reply[:1] == b"\x00", Err.of(reply)
        host = connection.ask("SELECT host FROM information_schema.processlist WHERE id = CONNECTION_ID()")
        assert host.replace("localhost:", "127.0.0.1:") == expected
        assert connection.ask("SELECT ATTR_VALUE FROM performance_schema.session_account_connect_attrs "
                              "WHERE ATTR_NAME = 'client_address' AND PROCESSLIST_ID = CONNECTION_ID()") == expected


def header(version):
    if version == "v1":
        return b"PROXY TCP4 192.0.2.77 198.51.100.1 4711 3306\r\n"
    return (b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x11]) + struct.pack(">H", 12) + bytes([192, 0, 2, 77, 198, 51, 100, 1]) +
            struct.pack(">HH", 4711, 3306))


def test_health_checks_are_the_proxys_own(trusting, own_proxies):
    """They carry a header too, since such a server may insist on it, but nobody's address."""
    proxy = own_proxies(trusting, tables={"server.mariadb": {"proxy_protocol": "v2"}})
    assert [one for one in proxy.messages() if one["level"] in ("warn", "error")] == []
    with Wire(proxy.port) as connection:
        assert connection.log_in(APP)[:1] == b"\x00"
