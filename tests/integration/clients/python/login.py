"""Logins, one a cell of the table in docs/logins.md: how every client's program is told of them, and answers.

A line of standard input is one cell:

    {"host": "127.0.0.1", "port": 4406, "user": "u", "password": "p", "tls": "none" | "1.2" | "1.3",
     "compression": "uncompressed" | "zlib" | "zstd", "plugin": "caching_sha2_password"}

A line of standard output is what came of it:

    {"error": null, "user": "u@%", "length": 100000, "sum": 42, "tls": "TLSv1.3"}

`error` is text, "unsupported: ..." for what the library has no option for. `length` is that of a long value, `sum` the
result of a prepared statement. `tls` is what the library itself says of its connection, where it says anything.
"""

import json
import sys

CURRENT_USER = "SELECT CURRENT_USER()"
LONG_VALUE = "SELECT REPEAT('x', 100000)"


class Unsupported(Exception):
    """The library has no option for it."""


def main(log_in):
    for line in sys.stdin:
        try:
            answer = {"error": None, **log_in(json.loads(line))}
        except Unsupported as reason:
            answer = {"error": f"unsupported: {reason}"}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
