"""The servers that captures/record records: each in a temporary folder, on loopback, on a port of
its own."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

TABLES = """
CREATE TABLE shop.t (id INT PRIMARY KEY, name VARCHAR(40), price DECIMAL(8,2), made DATETIME(3),
  photo BLOB);
CREATE TABLE shop.every (id INT AUTO_INCREMENT PRIMARY KEY,
  t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED, m MEDIUMINT,
  mu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED, f FLOAT, d DOUBLE,
  n DECIMAL(30,10), n0 DECIMAL(5,0), nn DECIMAL(4,4), bits BIT(9), y YEAR,
  da DATE, ti TIME, ti3 TIME(3), ti6 TIME(6), dt DATETIME, dt1 DATETIME(1), dt6 DATETIME(6),
  ts TIMESTAMP NULL, ts4 TIMESTAMP(4) NULL, c CHAR(10), l CHAR(6) CHARACTER SET latin1, bi BINARY(4),
  v VARCHAR(20), v3 VARCHAR(300), vb VARBINARY(8), tb TINYBLOB, tt TINYTEXT, bl BLOB, te TEXT,
  mb MEDIUMBLOB, lt LONGTEXT, e ENUM('small','big'), st SET('a','b','c'), g GEOMETRY, j JSON)
  CHARACTER SET utf8mb4;
"""

# Rows of `every`: ordinary values, the ends of the ranges on both sides, NULL.
ROWS = [
    "-7, 200, -300, 60000, -70000, 16000000, -80000, 4000000000, -5000000000, 18000000000000000000,"
    " 1.5, 2.25, 12345678901234567890.0123456789, 42, 0.1234, b'101010101', 2024,"
    " '2024-02-29', '-30:01:02', '12:34:56.789', '-838:59:58.999999', '2024-02-29 12:34:56',"
    " '2024-02-29 12:34:56.7', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56',"
    " '2024-02-29 12:34:56.7890', 'char', 'Gr\u00fc\u00dfe', x'00ff', 'Gr\u00fc\u00dfe \u20ac',"
    " REPEAT('v', 256), x'0001fe', x'00', 'tiny', x'deadbeef', 'text', x'0102', 'long',"
    " 'big', 'a,c', ST_GeomFromText('POINT(1 2)'),"
    " '{\"a\": 1, \"list\": [true, null, 1.5, \"x\"], \"o\": {\"deep\": -70000}}'",
    "-128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, -1.25e-30, -1e300,"
    " -99999999999999999999.9999999999, -99999, -0.9999, b'0', 1901, '1000-01-01', '-838:59:59',"
    " '-00:00:00.001', '-00:00:00.000001', '1000-01-01 00:00:00', '1000-01-01 00:00:00.1',"
    " '1000-01-01 00:00:00.000001', '1970-01-01 00:00:01', '1970-01-01 00:00:01.0001', '', '', '',"
    " '', '', '', '', '', '', '', '', '', 'small', '', ST_GeomFromText('LINESTRING(0 0, 1 1)'),"
    " '[]'",
    "127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807,"
    " 18446744073709551615, 3.4e38, 1.7976931348623157e308, 99999999999999999999.9999999999, 99999,"
    " 0.9999, b'111111111', 2155, '9999-12-31', '838:59:59', '838:59:58.999', '838:59:58.999999',"
    " '9999-12-31 23:59:59', '9999-12-31 23:59:59.9', '9999-12-31 23:59:59.999999',"
    " '2038-01-19 03:14:07', '2038-01-19 03:14:07.9999', 'ten  chars', 'six  6', x'01020304',"
    " REPEAT('\u20ac', 20), REPEAT('\u20ac', 300), x'0102030405060708', REPEAT('b', 255),"
    " REPEAT('t', 255), REPEAT('b', 300), REPEAT('t', 300), REPEAT('m', 300), REPEAT('l', 300),"
    " 'big', 'a,b,c', ST_GeomFromText('POINT(-1.5 1e10)'),"
    " '\"text with \\\\\"quotes\\\\\" and \u20ac\"'",
    ", ".join(["NULL"] * 42),
]


def fill_every():
    return "".join(f"INSERT INTO every VALUES (NULL, {row}); " for row in ROWS)


class Server:
    """What both have in common. `client` is a command line client that logs in as app, whose
    password is "secret"."""

    name = ""

    def __init__(self, folder, options=()):
        self.folder = Path(folder)
        self.folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.user = "--user=" + (os.environ.get("USER") or "root")
        self.initialize()
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([*self.command(), *options], stdout=log, stderr=log)
        for _ in range(150):
            if subprocess.run(["mariadb-admin", "--no-defaults", f"--socket={self.folder}/socket",
                               "-uroot", "ping"], check=False, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.2)

    def initialize(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def run(self, *command):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def admin(self, sql):
        return subprocess.run(["mariadb", "--no-defaults", f"--socket={self.folder}/socket",
                               "-uroot", "--default-character-set=utf8mb4", "-N", "-e", sql],
                              check=True, stdout=subprocess.PIPE).stdout.decode()

    def client(self, sql, *options, user="app", password="secret"):
        subprocess.run(["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{self.port}", f"-u{user}",
                        f"-p{password}", "--skip-ssl", *options], input=sql.encode(), check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class MariaDB(Server):
    name = "mariadb"

    def initialize(self):
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/data", self.user,
                 "--auth-root-authentication-method=normal", "--skip-test-db")
        self.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
                 "-subj", "/CN=captures.example", "-keyout", f"{self.folder}/key.pem", "-out",
                 f"{self.folder}/cert.pem")

    def command(self):
        return ["mariadbd", "--no-defaults", f"--datadir={self.folder}/data", self.user,
                f"--port={self.port}", f"--socket={self.folder}/socket", "--bind-address=127.0.0.1",
                "--local-infile=1", "--log-bin=log", "--server-id=1",
                f"--pid-file={self.folder}/pid", f"--ssl-cert={self.folder}/cert.pem",
                f"--ssl-key={self.folder}/key.pem", "--max-allowed-packet=64M"]

    def fill(self):
        self.admin("CREATE DATABASE shop; CREATE USER app@'127.0.0.1' IDENTIFIED BY 'secret';"
                   "CREATE USER other@'127.0.0.1' IDENTIFIED BY 'words';"
                   "GRANT ALL ON *.* TO app@'127.0.0.1';" + TABLES + "USE shop;" + fill_every())


class MySQL8(Server):
    name = "mysql8"

    def __init__(self, folder, base, options=()):
        self.base = base
        super().__init__(folder, options)

    def initialize(self):
        self.run(f"{self.base}/bin/mysqld", "--no-defaults", "--initialize-insecure", self.user,
                 f"--basedir={self.base}", f"--datadir={self.folder}/data")

    def command(self):
        return [f"{self.base}/bin/mysqld", "--no-defaults", self.user, f"--basedir={self.base}",
                f"--datadir={self.folder}/data", f"--port={self.port}",
                f"--socket={self.folder}/socket", "--bind-address=127.0.0.1", "--mysqlx=OFF",
                "--local-infile=1", "--log-bin=log", "--server-id=8", "--gtid-mode=ON",
                "--enforce-gtid-consistency", "--max-allowed-packet=64M",
                f"--pid-file={self.folder}/pid"]

    def fill(self):
        self.admin(
            "CREATE DATABASE shop; CREATE USER app@'127.0.0.1' IDENTIFIED WITH mysql_native_password"
            " BY 'secret'; CREATE USER other@'127.0.0.1' IDENTIFIED WITH mysql_native_password BY"
            " 'words'; CREATE USER sha2@'127.0.0.1' IDENTIFIED WITH caching_sha2_password BY"
            " 'secret'; CREATE USER sha256@'127.0.0.1' IDENTIFIED WITH sha256_password BY 'secret';"
            "GRANT ALL ON *.* TO app@'127.0.0.1'; GRANT ALL ON shop.* TO sha2@'127.0.0.1';"
            "GRANT ALL ON shop.* TO sha256@'127.0.0.1';" + TABLES + "USE shop;" + fill_every())
