#!/usr/bin/env python3
"""pcapdecode and tshark read the same fields in the captures, where tshark decodes them rightly.

    tests/golden/tshark_test.py --program build/cli/pcapdecode/pcapdecode

For each field all its values in a capture are compared, in order. WRONG says which fields of which
captures tshark 4.0 does not read rightly, and how; what it never shows is not in FIELDS. Left with
77 (skipped) where tshark is not installed.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time

from golden_test import ROOT, decode, name_of

COMMANDS = {1: "COM_QUIT", 2: "COM_INIT_DB", 3: "COM_QUERY", 4: "COM_FIELD_LIST", 7: "COM_REFRESH",
            9: "COM_STATISTICS", 13: "COM_DEBUG", 14: "COM_PING", 17: "COM_CHANGE_USER",
            18: "COM_BINLOG_DUMP", 21: "COM_REGISTER_SLAVE", 22: "COM_STMT_PREPARE",
            23: "COM_STMT_EXECUTE", 24: "COM_STMT_SEND_LONG_DATA", 25: "COM_STMT_CLOSE",
            26: "COM_STMT_RESET", 27: "COM_SET_OPTION", 28: "COM_STMT_FETCH",
            30: "COM_BINLOG_DUMP_GTID", 31: "COM_RESET_CONNECTION", 250: "COM_STMT_BULK_EXECUTE"}


def of(kind, member):
    """The member of each line of a type; those that are null are left out."""
    return lambda lines: [str(line[member]) for line in lines
                          if line["type"] == kind and line.get(member) is not None]


def columns(member):
    return lambda lines: [str(column[member]) for line in lines if line["type"] == "columns"
                          for column in line["columns"]]


def text_cells(lines):
    return ["NULL" if value is None else value for line in lines
            if line["type"] == "row" and line["format"] == "text" for value in line["values"]
            if not isinstance(value, dict)]


def users(lines):
    return [line["user"] for line in lines if line["type"] == "login"
            or (line["type"] == "command" and line["command"] == "COM_CHANGE_USER")]


def timestamps(lines):
    return [time.strftime("%b %e, %Y %H:%M:%S", time.gmtime(line["ts"])) for line in lines
            if line["type"] == "binlog_event"]


def queries(lines):
    return [line["query"] for line in lines if line["type"] == "command"
            and line["command"] in ("COM_QUERY", "COM_STMT_PREPARE")]


# tshark's field: what pcapdecode says of it.
FIELDS = {
    "mysql.version": of("greeting", "version"),
    "mysql.thread_id": of("greeting", "thread_id"),
    "mysql.user": users,
    "mysql.max_packet": of("login", "max_packet"),
    "mysql.command": of("command", "command"),
    "mysql.query": queries,
    "mysql.error_code": of("error", "code"),
    "mysql.sqlstate": of("error", "sqlstate"),
    "mysql.error.message": of("error", "message"),
    "mysql.field.name": columns("name"),
    "mysql.field.org_name": columns("org_name"),
    "mysql.field.table": columns("table"),
    "mysql.field.org_table": columns("org_table"),
    "mysql.field.db": columns("db"),
    "mysql.field.length": columns("length"),
    "mysql.field.decimals": columns("decimals"),
    "mysql.row.text": text_cells,
    "mysql.binlog.event_header.timestamp": timestamps,
    "mysql.binlog.event_header.server_id": of("binlog_event", "server_id"),
    "mysql.binlog.event_header.event_size": of("binlog_event", "size"),
    "mysql.binlog.event_header.log_position": of("binlog_event", "log_pos"),
}

ALL = ".*"
# Capture, field (regular expressions), why tshark is not the measure there.
WRONG = [
    ("big-packet", ALL, "a packet that goes on in another frame is taken for two: the second begins "
     "with a command 'x', and the answer is lost"),
    (".*compressed|link-zlib", r"mysql\.(command|query|field\..*|row\.text)",
     "frames that are deflated are not inflated but for the first of a segment, and their bytes are "
     "taken for commands"),
    ("link-zstd", ALL, "zstd is not known"),
    (".*local-infile", r"mysql\.command", "the contents of the file are taken for a command"),
    ("local-infile", r"mysql\.error.*", "MariaDB's progress report is taken for an error 65535"),
    ("mysql8-sha2-full-then-fast|mysql8-sha256-rsa", r"mysql\.command",
     "the password by RSA is taken for a command"),
    ("replica", r"mysql\.(command|binlog\..*)",
     "the two bytes of semi-synchronous replication in front of an event are not known, and the "
     "acknowledgements are taken for commands 239"),
    (".*text-rows", r"mysql\.row\.text", "bytes that are no text (BIT, BINARY, BLOB, GEOMETRY) end at "
     "their first NUL"),
    ("link-tls.*", r"mysql\.max_packet", "not wrong: the SSLRequest has one too"),
]


def tshark(path, fields):
    """Each field's values in the capture, in order. The port of the server is told."""
    port = subprocess.run(["tshark", "-r", str(path), "-c", "1", "-T", "fields", "-e",
                           "tcp.dstport"], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.decode().strip()
    command = ["tshark", "-r", str(path), "-d", f"tcp.port=={port},mysql", "-Y", "mysql", "-T",
               "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=|"]
    keys = path.with_name(name_of(path) + ".keys")
    if keys.exists():
        command += ["-o", f"tls.keylog_file:{keys}"]
    for field in fields:
        command += ["-e", field]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}).stdout.decode()
    values = {field: [] for field in fields}
    for line in output.splitlines():
        for field, cell in zip(fields, line.split("\t")):
            if cell:
                values[field] += [unescaped(value) for value in cell.split("|")]
    return values


def unescaped(text):
    return re.sub(r"\\([\\tnr])", lambda found: {"\\": "\\", "t": "\t", "n": "\n",
                                                 "r": "\r"}[found[1]], text)


def as_ascii(text):
    """tshark takes text for ASCII, whatever the character set of the connection is."""
    return "".join(chr(byte) if byte < 0x80 else "\ufffd" for byte in text.encode())


def reason(name, field):
    for capture, fields, why in WRONG:
        if re.fullmatch(capture, name) and re.fullmatch(fields, field):
            return why
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    arguments = parser.parse_args()
    if shutil.which("tshark") is None:
        print("skipped: tshark is not installed (Debian: tests/support/install-packages test)")
        return 77
    compared = failures = 0
    for path in sorted((ROOT / "captures").glob("*.pcap*")):
        name = name_of(path)
        lines = [json.loads(line) for line in decode(arguments.program, path).splitlines()]
        chosen = [field for field in FIELDS if not reason(name, field)]
        if not chosen:
            continue
        theirs = tshark(path, chosen)
        for field in chosen:
            ours = FIELDS[field](lines)
            got = theirs[field]
            if field.endswith(".timestamp"):
                got = [value.split(".")[0] for value in got]
            if field == "mysql.command":
                got = [COMMANDS.get(int(number), number) for number in got]
            ours = [as_ascii(value) for value in ours if value != ""]
            got = [value for value in got if value != ""]
            compared += len(ours)
            if ours == got:
                continue
            failures += 1
            at = next((i for i, (a, b) in enumerate(zip(ours, got)) if a != b),
                      min(len(ours), len(got)))
            print(f"{name}: {field}: {len(ours)} values, tshark has {len(got)}; first difference "
                  f"at {at}: {ours[at:at + 2]} instead of {got[at:at + 2]}"[:600])
    print(f"{compared} values compared, {failures} differences")
    return 1 if failures or compared == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
