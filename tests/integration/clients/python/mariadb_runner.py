"""Conversations of the mariadb command line client: one process a connection, statements on its standard input.

What is observed is all that it prints: types of columns, rows, counts, warnings, errors.
"""

import hashlib
import re
import subprocess

from observe import LONG, Session, main

#: Ends a statement, so that ';' goes to the server. Ends an answer, when the client's shell prints it.
DELIMITER = "$$"
MARK = "--end of answer--"

ERROR = re.compile(r"^ERROR (\d+)(?: \((\w+)\))?(?: at line \d+)?: (.*)", re.MULTILINE)
#: Stands before and behind the statement, as it repeats it.
RULE = "-" * 14 + "\n"
DURATION = re.compile(r"\((?:\d+ min )?[\d.]+ sec\)")


class ClientError(Exception):
    def __init__(self, text):
        code, state, message = ERROR.search(text).groups()
        super().__init__(message)
        self.described = [int(code), state, message]


class Cli(Session):
    errors = (ClientError,)

    def __init__(self, program):
        self.program = program
        self.process = None

    @staticmethod
    def describe(error):
        return error.described

    def command(self, step, *more):
        # The password goes by the environment, for a command line is anybody's to read.
        # By lines, so that what it prints and what its shell prints stay in order.
        return ["stdbuf", "-oL", "mariadb", "--no-defaults", "--protocol=tcp", f"--host={self.program['host']}",
                f"--port={self.program['port']}", f"--user={step['user']}", "--batch", "--force", "--unbuffered",
                "--skip-reconnect", "--comments", "--column-type-info", "--show-warnings", "-vvv", "--no-auto-rehash", "--skip-ssl",
                "--default-character-set=utf8mb4", "--max-allowed-packet=128M", f"--delimiter={DELIMITER}",
                f"--local-infile={int(step.get('infile', False))}", *more]

    def environment(self, step):
        return {"PATH": "/usr/bin:/bin:/usr/local/bin", "MYSQL_PWD": step["password"]}

    def connect(self, step):
        self.step = step
        more = [f"--init-command={step['init']}"] if step.get("init") else []
        if step.get("database"):
            more.append(step["database"])
        self.process = subprocess.Popen(self.command(step, *more), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=self.environment(step))
        return self.ask("\\s", ("Current user:", "Server:", "Server version:", "Protocol version:", "Server characterset:",
                                "Client characterset:", "Db     characterset:", "Conn.  characterset:", "Current database:"))

    def raw(self, text):
        """What it prints on these lines of input."""
        try:
            self.process.stdin.write(f"{text}\n\\! echo '{MARK}'\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, and said why
        answer = bytearray()
        end = f"{MARK}\n".encode()
        while not answer.endswith(end):
            line = self.process.stdout.readline()
            if not line:
                break
            answer += line
        return answer.removesuffix(end).decode("utf-8", "surrogateescape")

    def ask(self, text, only=None):
        answer = self.raw(text)
        if answer.startswith(RULE):
            end = "\n" + RULE + "\n"
            answer = answer[answer.find(end) + len(end):]
        answer = DURATION.sub("", answer)
        lost = next((error for error in ERROR.finditer(answer) if error[1] in ("2006", "2013")), None)
        if lost:
            # How often it says so depends on when it notices.
            return {"error": ClientError(lost[0]).described}
        if only:
            lines = [line for line in answer.split("\n") if line.startswith((*only, "ERROR"))]
            answer = "\n".join(lines)
        if len(answer) > 50 * LONG:
            errors = ERROR.search(answer)
            answer = (f"{len(answer)} characters, {hashlib.sha256(answer.encode('utf-8', 'surrogateescape')).hexdigest()}\n"
                      + (errors[0] if errors else ""))
        if ERROR.search(answer):
            return {"rows": answer, "error": ClientError(answer).described}
        return {"rows": answer}

    def first_value(self, sql):
        lines = self.raw(sql + DELIMITER).split("\n")
        if any(line.startswith("ERROR") for line in lines):
            raise ClientError("\n".join(lines))
        # A table: its second line in bars is the first row.
        return [line for line in lines if line.startswith("|")][1].strip("| ")

    def connection_id(self):
        return int(re.search(r"Connection id:\s+(\d+)", self.raw("\\s"))[1])

    def query(self, step):
        return self.ask(step["sql"] + DELIMITER)

    def stream(self, step):
        """A client of its own that prints rows as they come."""
        done = subprocess.run([*self.command(self.step, "--quick", f"--execute={step['sql']}"), self.step["database"]],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=self.environment(self.step))
        said = DURATION.sub("", done.stdout.decode())
        seen = {"rows": [len(said), hashlib.sha256(said.encode()).hexdigest()], "status": done.returncode}
        found = re.search(r"^Error \(Code (\d+)\): (.*)", said, re.MULTILINE)
        if found:
            seen["error"] = [int(found[1]), "", found[2]]
        return seen

    def select_db(self, step):
        return self.ask(f"use {step['database']}")

    def close(self, step):
        if self.process.poll() is None:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        return {"status": self.process.wait()}


if __name__ == "__main__":
    main(Cli)
