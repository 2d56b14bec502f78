"""Many clients at once, for some seconds. tests/bench/soak.py has the large edition of this."""

import random
import re
import threading
import time

import pymysql

from harness.accounts import APP
from harness.process import wait_until

IDLE = 150
BUSY = 16
SECONDS = 6


def connect(proxy):
    return pymysql.connect(host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password, database="test",
                           autocommit=True)


def be_busy(proxy, number, until, errors):
    """Queries of all sizes, on connections that last a while."""
    chance = random.Random(number)
    try:
        while time.monotonic() < until:
            connection = connect(proxy)
            with connection.cursor() as cursor:
                for _ in range(chance.randrange(1, 200)):
                    size = chance.choice([0, 1, 200, 3000, 70000, 1000000])
                    cursor.execute("SELECT %s, REPEAT('x', %s)", (number, size))
                    rows = cursor.fetchall()
                    if rows != ((number, "x" * size),):
                        errors.append(f"asked for {number} and {size} bytes, got something else")
                    if time.monotonic() > until:
                        break
            connection.close()
    except Exception as error:
        errors.append(repr(error))


def test_many_clients_and_reloads(server, own_proxies):
    proxy = own_proxies(server)
    before = proxy.child.descriptors()
    idle = [connect(proxy) for _ in range(IDLE)]
    errors = []
    until = time.monotonic() + SECONDS
    busy = [threading.Thread(target=be_busy, args=(proxy, number, until, errors)) for number in range(BUSY)]
    for thread in busy:
        thread.start()
    reloads = 0
    while time.monotonic() < until:
        assert "was reloaded" in proxy.reload()["message"]
        reloads += 1
        time.sleep(0.3)
    for thread in busy:
        thread.join()
    assert errors == []
    assert reloads > 1
    for connection in idle:
        connection.ping(reconnect=False)
        connection.close()
    # One more may be a health check under way.
    wait_until(lambda: proxy.child.descriptors() <= before + 1, "descriptors to go with their clients")
    endings = {(line["ended_by"], line["end"]) for line in proxy.accesses()}
    assert endings == {("client", "quit")}
    assert proxy.stop() == 0
    assert not re.search("Sanitizer|runtime error", proxy.log.read_text(errors="replace"))
