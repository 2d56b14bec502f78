"""Conversations of PyMySQL."""

import pymysql
from pymysql.constants import CLIENT
from pymysql.cursors import SSCursor

from observe import Session, main, rows_written, value_of, written

MULTI = CLIENT.MULTI_STATEMENTS


class PyMySql(Session):
    errors = (pymysql.err.MySQLError,)

    def __init__(self, program):
        self.program = program
        self.connection = None

    @staticmethod
    def describe(error):
        code, message = (*error.args, "", "")[:2]
        return [code, type(error).__name__, str(message)]

    def connect(self, step):
        self.connection = pymysql.connect(
            host=self.program["host"], port=self.program["port"], user=step["user"], password=step["password"],
            database=step.get("database"), charset=step.get("charset", "utf8mb4"), autocommit=True,
            max_allowed_packet=128 << 20, local_infile=step.get("infile", False),
            client_flag=MULTI if step.get("multi", True) else 0, init_command=step.get("init"))
        return self.state()

    def state(self):
        connection = self.connection
        return {"server": connection.get_server_info(), "charset": connection.character_set_name(),
                "server_charset": connection.server_charset, "host": connection.protocol_version,
                "autocommit": connection.get_autocommit()}

    def connection_id(self):
        return self.connection.thread_id()

    def first_value(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return str(cursor.fetchone()[0])

    def query(self, step):
        with self.connection.cursor() as cursor:
            return self.results(cursor, step, lambda: cursor.execute(step["sql"]))

    def execute(self, step):
        """No prepared statements here: the library writes the values into the text."""
        with self.connection.cursor() as cursor:
            parameters = [value_of(one) for one in step["params"]]
            return self.results(cursor, step, lambda: cursor.execute(step["sql"].replace("?", "%s"), parameters))

    def batch(self, step):
        with self.connection.cursor() as cursor:
            rows = [[value_of(one) for one in row] for row in step["rows"]]
            return {"affected": cursor.executemany(step["sql"].replace("?", "%s"), rows)}

    def call(self, step):
        with self.connection.cursor() as cursor:
            observed = self.results(cursor, step, lambda: cursor.callproc(step["procedure"], step["args"]))
            out = ", ".join(f"@_{step['procedure']}_{i}" for i in range(len(step["args"])))
            cursor.execute(f"SELECT {out}")
            return {**observed, "out": rows_written(cursor.fetchall())}

    def stream(self, step):
        """Row by row, an error in their midst where it comes."""
        cursor = self.connection.cursor(SSCursor)
        rows, error = [], None
        try:
            cursor.execute(step["sql"])
            while len(rows) != step.get("take"):
                row = cursor.fetchone()
                if row is None:
                    break
                rows.append(row)
        except pymysql.err.MySQLError as one:
            error = self.describe(one)
        finally:
            try:
                cursor.close()
            except pymysql.err.MySQLError as one:
                error = error or self.describe(one)
        return {"rows": rows_written(rows), "error": error}

    def results(self, cursor, step, run):
        results = []
        try:
            run()
            while True:
                results.append(self.one_result(cursor))
                if not cursor.nextset():
                    return {"results": results}
        except pymysql.err.MySQLError as error:
            return {"results": results, "error": self.describe(error)}

    def one_result(self, cursor):
        raw = self.connection._result
        result = {"affected": cursor.rowcount, "insert_id": cursor.lastrowid, "warnings": raw.warning_count,
                  "status": raw.server_status, "message": written(raw.message)}
        if cursor.description:
            result["columns"] = [
                [field.name, field.org_name, field.table_name, field.org_table, written(field.db), field.charsetnr,
                 field.length, field.type_code, field.flags, field.scale]
                for field in raw.fields]
            result["rows"] = rows_written(cursor.fetchall())
        if raw.warning_count and not raw.has_next:
            result["said"] = rows_written(self.connection.show_warnings())
        return result

    def select_db(self, step):
        self.connection.select_db(step["database"])
        return {}

    def ping(self, step):
        self.connection.ping(reconnect=False)
        return {}

    def kill_command(self, connection_id):
        self.connection.kill(connection_id)
        return {}

    def commit(self, step):
        self.connection.commit()
        return {}

    def autocommit(self, step):
        self.connection.autocommit(step["value"])
        return {"autocommit": self.connection.get_autocommit()}

    def close(self, step):
        self.connection.close()
        return {}


if __name__ == "__main__":
    main(PyMySql)
