#!/usr/bin/env python3
"""One conversation over links of different kinds, so that a test can tell whether they decode to the
same. Used by captures/record; needs mysql-connector-python.

    captures/conversation.py PORT plain|tls12|tls13|zlib

With TLS the secrets go to the file that the environment's SSLKEYLOGFILE names.
"""

import os
import socket
import ssl
import sys

import mysql.connector

LINKS = {
    "plain": {"ssl_disabled": True},
    "tls12": {"tls_versions": ["TLSv1.2"]},
    "tls13": {"tls_versions": ["TLSv1.3"]},
    "zlib": {"ssl_disabled": True, "compress": True},
}


def log_secrets(path):
    """The connector makes its own contexts and has no option for this."""
    wrap = ssl.SSLContext.wrap_socket

    def wrap_and_log(self, *arguments, **options):
        self.keylog_filename = path
        return wrap(self, *arguments, **options)

    ssl.SSLContext.wrap_socket = wrap_and_log


def main():
    port, link = sys.argv[1:]
    socket.gethostname = lambda: "client.example"  # an attribute of the connection
    if "SSLKEYLOGFILE" in os.environ:
        log_secrets(os.environ["SSLKEYLOGFILE"])
    connection = mysql.connector.connect(
        host="127.0.0.1", port=int(port), user="app", password="secret", database="shop",
        charset="utf8mb4", collation="utf8mb4_general_ci", use_pure=True, autocommit=True,
        **LINKS[link])
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t (id, name, price) VALUES (1, 'Gr\u00fc\u00dfe', 1.5),"
                   " (2, NULL, -0.01)")
    cursor.execute("SELECT id, name, price FROM t ORDER BY id")
    cursor.fetchall()
    cursor.execute("SELECT REPEAT('long enough to be worth compressing ', 200)")
    cursor.fetchall()
    try:
        cursor.execute("SELECT * FROM nowhere")
    except mysql.connector.Error:
        pass
    cursor.close()
    prepared = connection.cursor(prepared=True)
    prepared.execute("SELECT id, name, price FROM t WHERE id >= ?", (1,))
    prepared.fetchall()
    prepared.execute("SELECT id, name, price FROM t WHERE id >= ?", (2,))
    prepared.fetchall()
    prepared.close()
    cursor = connection.cursor()
    cursor.execute("DELETE FROM t")
    cursor.close()
    connection.close()


if __name__ == "__main__":
    main()
