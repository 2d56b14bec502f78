"""Logins of libmysqlclient, MySQL's C library, as mysql-connector-python brings it in its extension.

It has what the connector has no option for: zstd, and asking a server for its RSA key.
https://dev.mysql.com/doc/c-api/9.1/en/mysql-options.html
"""

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_uint, c_ulong, c_void_p
from pathlib import Path

import _mysql_connector
import mysql

from login import CURRENT_USER, LONG_VALUE, main

PLUGIN_DIR = 16
TLS_VERSION, SSL_MODE, GET_SERVER_PUBLIC_KEY = 34, 35, 36
COMPRESSION_ALGORITHMS = 41
SSL_DISABLED, SSL_REQUIRED = 1, 3

library = ctypes.CDLL(_mysql_connector.__file__)
for name, result, arguments in [
    ("mysql_init", c_void_p, [c_void_p]),
    ("mysql_options", c_int, [c_void_p, c_int, c_void_p]),
    ("mysql_real_connect", c_void_p,
     [c_void_p, c_char_p, c_char_p, c_char_p, c_char_p, c_uint, c_char_p, c_ulong]),
    ("mysql_real_query", c_int, [c_void_p, c_char_p, c_ulong]),
    ("mysql_store_result", c_void_p, [c_void_p]),
    ("mysql_fetch_row", POINTER(c_char_p), [c_void_p]),
    ("mysql_free_result", None, [c_void_p]),
    ("mysql_error", c_char_p, [c_void_p]),
    ("mysql_close", None, [c_void_p]),
]:
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments


class Connection:
    def __init__(self):
        self.handle = library.mysql_init(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        library.mysql_close(self.handle)

    def check(self, good):
        if not good:
            raise RuntimeError(library.mysql_error(self.handle).decode())

    def option(self, number, value):
        pointer = c_char_p(value.encode()) if isinstance(value, str) else ctypes.byref(c_uint(value))
        self.check(library.mysql_options(self.handle, number, pointer) == 0)

    def connect(self, cell):
        host, user, password = (cell[key].encode() for key in ("host", "user", "password"))
        self.check(library.mysql_real_connect(self.handle, host, user, password, None, cell["port"], None, 0))

    def query(self, sql):
        """The first value of the result, if it has one."""
        self.check(library.mysql_real_query(self.handle, sql.encode(), len(sql.encode())) == 0)
        rows = library.mysql_store_result(self.handle)
        if not rows:
            return None
        value = library.mysql_fetch_row(rows)[0].decode()
        library.mysql_free_result(rows)
        return value


def log_in(cell):
    with Connection() as connection:
        # Where the plugins are that are no part of the library any more.
        connection.option(PLUGIN_DIR, str(Path(mysql.__path__[0]) / "vendor/plugin"))
        connection.option(COMPRESSION_ALGORITHMS, cell["compression"])
        connection.option(SSL_MODE, SSL_DISABLED if cell["tls"] == "none" else SSL_REQUIRED)
        connection.option(GET_SERVER_PUBLIC_KEY, 1)
        if cell["tls"] != "none":
            connection.option(TLS_VERSION, f"TLSv{cell['tls']}")
        connection.connect(cell)
        seen = {"user": connection.query(CURRENT_USER), "length": len(connection.query(LONG_VALUE))}
        connection.query("PREPARE plus FROM 'SELECT ? + 1'")
        connection.query("SET @a = 41")
        return {**seen, "sum": int(connection.query("EXECUTE plus USING @a"))}


if __name__ == "__main__":
    main(log_in)
