"""The real clients: how each one's runner is started, and what it saw."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.process import Failure, tail

CLIENTS = Path(__file__).resolve().parents[1] / "clients"


@dataclass(frozen=True)
class Client:
    name: str
    #: build folder -> the command, to which the conversation's file is added
    command: object
    environment: object = staticmethod(lambda build: {})


def python(script, *options):
    return lambda build: [sys.executable, CLIENTS / "python" / script, *options]


ALL = [
    Client("mariadb", python("mariadb_runner.py")),
    Client("pymysql", python("pymysql_runner.py")),
    Client("connector-python", python("connector_runner.py")),
    Client("connector-python-c", python("connector_runner.py", "--c")),
    Client("go", lambda build: [build / "clients/go/runner"]),
    Client("mysql2", lambda build: ["node", CLIENTS / "node/runner.js"],
           lambda build: {"NODE_PATH": str(build / "clients/node/node_modules")}),
    Client("connector-j", lambda build: [
        "java", "-Xmx1g", "-XX:+UseSerialGC", "-cp",
        f"{build}/clients/java:{build}/clients/java/mysql-connector-j.jar", "Runner"]),
]


def converse(client, build, port, cases, folder, timeout=900):
    """Runs the conversation on 127.0.0.1:`port`. From each case's name to its observations."""
    folder.mkdir(parents=True, exist_ok=True)
    program, answer, log = folder / "program.json", folder / "answer.json", folder / "log"
    program.write_text(json.dumps({
        "host": "127.0.0.1", "port": port,
        "cases": [{"name": case["name"], "steps": [as_told(step, client) for step in case["steps"]]} for case in cases]}))
    command = [str(one) for one in [*client.command(build), program]]
    with open(answer, "wb") as out, open(log, "wb") as errors:
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, timeout=timeout,
                                  env={**os.environ, **client.environment(build)})
        except subprocess.TimeoutExpired:
            raise Failure(f"{client.name} did not end in {timeout} s: {progress(log)}") from None
    if done.returncode != 0:
        raise Failure(f"{client.name} ended with {done.returncode}:\n{tail(log)}")
    return json.loads(answer.read_text())


def as_told(step, client):
    """The step without what the client is not told: what is expected of it. None for a step that is not for it."""
    if client.name in step.get("not_for", ()):
        return {"do": "skip"}
    return {key: value for key, value in step.items() if key != "expect"}


def progress(log):
    return f"its last case was {tail(log, 1).strip()}"
