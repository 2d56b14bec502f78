"""Logins of mysql-connector-python; with --c by its C extension, which is MySQL's own libmysqlclient."""

import sys
import warnings

import mysql.connector

from login import CURRENT_USER, LONG_VALUE, Unsupported, main

PURE = "--c" not in sys.argv


def log_in(cell):
    if cell["compression"] == "zstd":
        raise Unsupported("only zlib")
    options = {"ssl_disabled": True} if cell["tls"] == "none" else {"tls_versions": [f"TLSv{cell['tls']}"]}
    connection = mysql.connector.connect(
        host=cell["host"], port=cell["port"], user=cell["user"], password=cell["password"], use_pure=PURE,
        compress=cell["compression"] == "zlib", connection_timeout=20, **options)
    seen = {}
    with connection.cursor() as cursor:
        cursor.execute(CURRENT_USER)
        seen["user"] = cursor.fetchone()[0]
        cursor.execute(LONG_VALUE)
        seen["length"] = len(cursor.fetchone()[0])
    with connection.cursor(prepared=True) as cursor:
        cursor.execute("SELECT ? + 1", (41,))
        seen["sum"] = int(cursor.fetchone()[0])
    connection.close()
    return seen


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(log_in)
