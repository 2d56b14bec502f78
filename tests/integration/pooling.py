"""What tests of lent connections share: a proxy that lends them, and clients of it."""

import pymysql
import pytest

from harness.accounts import APP
from harness.proxy import Proxy


@pytest.fixture
def pooled(server, proxy_executable, tmp_path_factory):
    """pooled(max_connections=2, ...): a proxy that lends connections to `server`, for one test."""
    made = []

    def make(max_connections=2, threads=1, **pool):
        tables = {f"server.{server.name}": {"max_connections": max_connections},
                  "pool.main": {"pooling": "transaction", **pool}, "proxy": {"threads": threads}}
        made.append(Proxy(proxy_executable, tmp_path_factory.mktemp("pooling"), [server], tables=tables))
        return made[-1].start()

    yield make
    for proxy in made:
        proxy.stop_well()


@pytest.fixture
def one(pooled):
    """A proxy with a single server connection, so that every statement may find it in other hands."""
    return pooled(max_connections=1)


def connect(proxy, account=APP, autocommit=None, **options):
    return pymysql.connect(host="127.0.0.1", port=proxy.port, user=account.name, password=account.password,
                           autocommit=autocommit, connect_timeout=30, read_timeout=60, **options)


def ask(connection, sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall()


def value(connection, sql):
    return ask(connection, sql)[0][0]


@pytest.fixture
def table(server):
    server.ask("DROP TABLE IF EXISTS test.pooled")
    server.ask("CREATE TABLE test.pooled (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50)) ENGINE=InnoDB")
    yield "pooled"
    server.ask("DROP TABLE test.pooled")
