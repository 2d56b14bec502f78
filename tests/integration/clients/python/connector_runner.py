"""Conversations of mysql-connector-python: in pure Python, or with --c by libmysqlclient."""

import sys
import warnings

import _mysql_connector
import mysql.connector
from mysql.connector.constants import ClientFlag

from observe import Session, Unsupported, main, rows_written, value_of

#: PyPI's connector speaks of MySQL 8's default collation, which MariaDB does not know.
COLLATION = "utf8mb4_general_ci"


class Connector(Session):
    errors = (mysql.connector.Error, _mysql_connector.MySQLInterfaceError)
    pure = True

    def __init__(self, program):
        self.program = program
        self.connection = None

    @staticmethod
    def describe(error):
        # The C extension hides some of the server's errors behind its own without a number.
        if getattr(error, "errno", -1) == -1 and isinstance(error.__cause__, Connector.errors):
            error = error.__cause__
        return [getattr(error, "errno", None), getattr(error, "sqlstate", None), getattr(error, "msg", str(error))]

    def connect(self, step):
        flags = [ClientFlag.FOUND_ROWS] if step.get("found_rows") else []
        self.connection = mysql.connector.connect(
            host=self.program["host"], port=self.program["port"], user=step["user"], password=step["password"],
            database=step.get("database"), charset="utf8mb4", collation=COLLATION, autocommit=True,
            use_pure=self.pure, ssl_disabled=True, get_warnings=True, client_flags=flags,
            allow_local_infile=step.get("infile", False), init_command=step.get("init"))
        return self.state()

    def state(self):
        connection = self.connection
        return {"server": connection.get_server_info(), "version": connection.get_server_version(),
                "charset": connection.charset, "collation": connection.collation,
                "autocommit": connection.autocommit, "in_transaction": connection.in_transaction,
                "database": connection.database, "sql_mode": connection.sql_mode, "zone": connection.time_zone}

    def connection_id(self):
        return self.connection.connection_id

    def first_value(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return str(cursor.fetchall()[0][0])

    def query(self, step):
        results = []
        cursor = self.connection.cursor()
        try:
            for one in cursor.execute(step["sql"], multi=True):
                results.append(self.one_result(one))
        except self.errors as error:
            self.settle(failed=True)
            return {"results": results, "error": self.describe(error)}
        finally:
            self.close_cursor(cursor)
        return {"results": results}

    def one_result(self, cursor):
        result = {"columns": cursor.description and [list(column) for column in cursor.description]}
        if cursor.with_rows:
            result["rows"] = rows_written(cursor.fetchall())
        result.update(affected=cursor.rowcount, insert_id=cursor.lastrowid, names=list(cursor.column_names),
                      warning_count=cursor.warning_count, in_transaction=self.connection.in_transaction)
        result["warnings"] = [list(one) for one in cursor.warnings or []]
        return result

    def settle(self, failed=False):
        """Reads what is left of a result. After an error nothing is, though the library may wait for it."""
        try:
            if failed and self.pure:
                self.connection.unread_result = False
            self.connection.consume_results()
        except self.errors:
            pass

    def close_cursor(self, cursor):
        try:
            cursor.close()
        except self.errors:
            pass

    def execute(self, step):
        cursor = self.connection.cursor(prepared=True)
        try:
            results = []
            for _ in range(step.get("times", 1)):
                cursor.execute(step["sql"], tuple(value_of(one) for one in step["params"]))
                results.append(self.one_result(cursor))
            return {"results": results}
        except self.errors:
            self.settle(failed=True)
            raise
        finally:
            self.close_cursor(cursor)

    def batch(self, step):
        with self.connection.cursor() as cursor:
            rows = [tuple(value_of(one) for one in row) for row in step["rows"]]
            cursor.executemany(step["sql"].replace("?", "%s"), rows)
            return {"affected": cursor.rowcount, "insert_id": cursor.lastrowid}

    def call(self, step):
        with self.connection.cursor() as cursor:
            out = cursor.callproc(step["procedure"], step["args"])
            return {"out": [str(one) for one in out],
                    "results": [self.one_result(one) for one in cursor.stored_results()]}

    def stream(self, step):
        cursor = self.connection.cursor(buffered=False)
        rows, error = [], None
        try:
            cursor.execute(step["sql"])
            while len(rows) != step.get("take"):
                row = cursor.fetchone()
                if row is None:
                    break
                rows.append(row)
        except self.errors as one:
            error = self.describe(one)
        self.settle(failed=error is not None)
        self.close_cursor(cursor)
        return {"rows": rows_written(rows), "error": error}

    def change_user(self, step):
        self.connection.cmd_change_user(step["user"], step["password"], step.get("database") or "", 45)
        return self.state()

    def select_db(self, step):
        self.connection.cmd_init_db(step["database"])
        return {"database": self.connection.database}

    def ping(self, step):
        self.connection.ping(reconnect=False)
        return {}

    def reset(self, step):
        self.connection.cmd_reset_connection()
        return {}

    def statistics(self, step):
        seen = self.connection.cmd_statistics()
        if not isinstance(seen, dict):
            raise Unsupported("statistics")
        return {"fields": sorted(str(one) for one in seen)}

    def kill_command(self, connection_id):
        return {"ok": bool(self.connection.cmd_process_kill(connection_id))}

    def close(self, step):
        self.connection.close()
        return {}


class ConnectorC(Connector):
    pure = False


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(ConnectorC if "--c" in sys.argv else Connector)
