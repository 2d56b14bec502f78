"""Running a conversation from Python: the steps that all clients share, and how values are written.

A conversation is a JSON object {"host", "port", "cases": [{"name", "steps": [...]}]}; the answer on
standard output is one JSON object, from each case's name to a list with an observation per step. What
an observation holds is the client library's own view in full: it is compared with another observation
of the same library only. conversation.py describes the steps.
"""

import datetime
import decimal
import hashlib
import json
import re
import sys
import threading
import time

LONG = 200


def value_of(parameter):
    """A parameter as the library is given it."""
    if not isinstance(parameter, dict):
        return parameter
    (kind, value), = parameter.items()
    if kind == "bytes":
        return bytes.fromhex(value)
    if kind == "repeat":
        return value[0] * value[1]
    if kind == "repeat_bytes":
        return bytes.fromhex(value[0]) * value[1]
    if kind == "decimal":
        return decimal.Decimal(value)
    if kind == "date":
        return datetime.date.fromisoformat(value)
    if kind == "datetime":
        return datetime.datetime.fromisoformat(value)
    if kind == "time":
        return datetime.time.fromisoformat(value)
    raise ValueError(kind)


def written(value):
    """A value that the library returned: its type and its text, the long ones by length and hash."""
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray)):
        text = bytes(value).hex()
    elif isinstance(value, (set, frozenset)):
        text = ",".join(sorted(str(one) for one in value))
    elif isinstance(value, (tuple, list)):
        return [written(one) for one in value]
    else:
        text = value if isinstance(value, str) else repr(value)
    if len(text) > LONG:
        text = f"{len(text)} characters, {hashlib.sha256(text.encode()).hexdigest()}"
    return [type(value).__name__, text]


def rows_written(rows):
    """Rows in full when they are few, else their number and the hash of all of them."""
    rows = [[written(value) for value in row] for row in rows]
    if len(rows) <= 50:
        return rows
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    return {"rows": len(rows), "hash": digest, "first": rows[0], "last": rows[-1]}


class Unsupported(Exception):
    """The library has nothing for this step."""


class Session:
    """One connection. Subclasses give connect, query, ...; each returns an observation or raises."""

    errors = ()

    def do(self, step):
        return getattr(self, step["do"])(step)

    def __getattr__(self, name):
        raise Unsupported(name)


class Runner:
    def __init__(self, program, session_class):
        self.program = program
        self.session_class = session_class
        self.sessions = {}
        self.names = {}
        self.threads = {}

    def run(self):
        return {case["name"]: self.run_case(case) for case in self.program["cases"]}

    def run_case(self, case):
        print(case["name"], file=sys.stderr, flush=True)
        self.sessions, self.names, self.threads = {}, {}, {}
        observed, able = [], True
        for step in case["steps"]:
            observed.append(self.observe(step) if able else {"unsupported": True})
            able = able and not (step.get("required") and "unsupported" in observed[-1])
        for session in self.sessions.values():
            try:
                session.close({})
            except Exception:
                pass
        return observed

    def observe(self, step):
        try:
            return self.step(self.filled_in(step))
        except Unsupported:
            return {"unsupported": True}
        except self.session_class.errors as error:
            return {"error": self.session_class.describe(error)}
        except Exception as error:  # the library's own surprises are observations too
            return {"error": [0, "", f"{type(error).__name__}: {error}"]}

    def filled_in(self, step):
        """The step with remembered names and repeated text put in."""
        if "sql" not in step:
            return step
        sql = step["sql"]
        for name, value in self.names.items():
            sql = sql.replace("{" + name + "}", value)
        sql = re.sub(r"\{repeat:(.):(\d+)\}", lambda match: match[1] * int(match[2]), sql)
        return {**step, "sql": sql}

    def step(self, step):
        name = step.get("on", "main")
        kind = step["do"]
        if kind == "connect":
            self.sessions.pop(name, None)
            session = self.session_class(self.program)
            observed = session.connect(step)
            self.sessions[name] = session
            return observed
        session = self.sessions[name]
        if kind == "start":
            result = []
            thread = threading.Thread(target=lambda: result.append(self.observe({**step, "do": "query"})))
            self.threads[name] = (thread, result)
            thread.start()
            return {}
        if kind == "join":
            thread, result = self.threads.pop(name)
            thread.join()
            return result[0]
        if kind == "remember":
            self.names[step["as"]] = session.first_value(step["sql"])
            return {}
        if kind == "remember_id":
            self.names[step["as"]] = str(session.connection_id())
            return {}
        if kind == "await":
            end = time.monotonic() + 20
            while session.first_value(step["sql"]) != step["equals"]:
                if time.monotonic() > end:
                    return {"error": [0, "", "waited in vain"]}
                time.sleep(0.02)
            return {}
        if kind == "kill_command":
            return session.kill_command(int(self.names[step["name"]]))
        return session.do(step)


def main(session_class):
    with open(sys.argv[-1]) as file:
        program = json.load(file)
    json.dump(Runner(program, session_class).run(), sys.stdout)
