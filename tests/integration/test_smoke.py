import pymysql

from harness.accounts import APP


def test_query(server, proxy):
    connection = pymysql.connect(host="127.0.0.1", port=proxy.port, user=APP.name, password=APP.password, database="test")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1+1, VERSION()")
        assert cursor.fetchall()[0][0] == 2
    connection.close()
