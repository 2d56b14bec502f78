"""Logins of the mariadb command line client, a process each."""

import subprocess

from login import CURRENT_USER, LONG_VALUE, Unsupported, main


def log_in(cell):
    if cell["compression"] == "zstd":
        raise Unsupported("only zlib")
    tls = ["--skip-ssl"] if cell["tls"] == "none" else ["--ssl", f"--tls-version=TLSv{cell['tls']}"]
    statements = [CURRENT_USER, f"SELECT LENGTH(v), v FROM ({LONG_VALUE} AS v) AS one",
                  "PREPARE plus FROM 'SELECT ? + 1'", "SET @a = 41", "EXECUTE plus USING @a"]
    done = subprocess.run(
        ["mariadb", "--no-defaults", "--protocol=tcp", f"--host={cell['host']}", f"--port={cell['port']}",
         f"--user={cell['user']}", "--connect-timeout=20", "--batch", "--raw", "--skip-column-names", *tls,
         *(["--compress"] if cell["compression"] == "zlib" else [])],
        input=";\n".join(["\\s", *statements, ""]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=40,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "MYSQL_PWD": cell["password"]})
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    *status, user, long_value, total = done.stdout.strip().split("\n")
    length, value = long_value.split("\t")
    if len(value) != int(length):
        raise RuntimeError(f"{len(value)} characters of {length}")
    said = next(line for line in status if line.startswith("SSL:"))
    return {"user": user, "length": len(value), "sum": int(total),
            "tls": None if "Not in use" in said else said.partition(":")[2].strip()}


if __name__ == "__main__":
    main(log_in)
