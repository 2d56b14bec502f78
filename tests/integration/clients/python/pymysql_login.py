"""Logins of PyMySQL."""

import ssl

import pymysql

from login import CURRENT_USER, LONG_VALUE, Unsupported, main


def context(version):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.minimum_version = made.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
    return made


def log_in(cell):
    if cell["compression"] != "uncompressed":
        raise Unsupported("no compression")
    connection = pymysql.connect(
        host=cell["host"], port=cell["port"], user=cell["user"], password=cell["password"], connect_timeout=20,
        ssl=None if cell["tls"] == "none" else context(cell["tls"]), ssl_disabled=cell["tls"] == "none")
    with connection, connection.cursor() as cursor:
        seen = {"tls": connection._sock.version() if connection._secure else None}
        cursor.execute(CURRENT_USER)
        seen["user"] = cursor.fetchone()[0]
        cursor.execute(LONG_VALUE)
        seen["length"] = len(cursor.fetchone()[0])
        cursor.execute("SELECT %s + 1", (41,))  # it has no prepared statements
        seen["sum"] = cursor.fetchone()[0]
        return seen


if __name__ == "__main__":
    main(log_in)
