"""Every statement of MariaDB's own test suite is read to its end: what can't be read, MariaDB refuses too.

Needs Debian's package mariadb-test-data; without it there is nothing to read, and the test is skipped.
"""

import re
from pathlib import Path

import pymysql
import pytest
from harness.sql_oracle import describe, program

SUITE = Path("/usr/share/mysql/mysql-test")
PARSE_ERROR, NOT_PREPARED = 1064, 1295
# What mysqltest takes for itself. The statement behind some of them is one for the server.
COMMANDS = set("""append_file assert break cat_file change_user character_set chmod connect connection copy_file
copy_files_wildcard cursor_protocol dec delimiter diff_files die dirty_close disconnect echo end eof error exec
exec_in_background execw exit file_exists force-cpdir force-rmdir horizontal_results if inc let lowercase_result mkdir
move_file output perl ping query_horizontal query_vertical real_sleep reap remove_file remove_files_wildcard replace_column
replace_numeric_round replace_regex replace_result require reset_connection result_format rmdir save_master_pos
send_quit send_shutdown shutdown_server skip sleep sorted_result source start_timer end_timer sync_slave_with_master
sync_with_master system vertical_results wait_for_slave_to_stop while write_file optimizer_trace list_files
list_files_append_file list_files_write_file query_get_value eval_result partially_sorted_result""".split())
BEFORE_STATEMENTS = re.compile(r"(?:eval|evalp|send|send_eval|query|query_vertical|query_horizontal)\s+", re.I)
SWITCH = re.compile(r"(?:enable|disable)_\w+$")
HEREDOC = re.compile(r"(?:--)?\s*(?:perl|write_file|append_file)\b([^\n]*)", re.I)


def pieces(text):
    """What mysqltest reads from a file: texts up to the delimiter, with quotes as mysqltest follows them."""
    delimiter, at = ";", 0
    while at < len(text):
        line_end = text.find("\n", at)
        line_end = len(text) if line_end < 0 else line_end
        line = text[at:line_end].strip()
        if not line or line.startswith("#") or line in "{}":
            at = line_end + 1
            continue
        heredoc = HEREDOC.match(line)
        if heredoc:  # up to its end mark
            words = heredoc[1].replace(delimiter, " ").split()
            mark = words[-1] if words and words[-1].isupper() else "EOF"
            end = re.compile(rf"^\s*{re.escape(mark)}\s*$", re.M).search(text, line_end)
            at = end.end() if end else len(text)
            continue
        change = re.match(r"(?:--)?\s*delimiter\s+(\S+)", line, re.I)
        if change:
            new = change[1]
            delimiter = new[:-len(delimiter)] if new.endswith(delimiter) and new != delimiter else new
            at = line_end + 1
            continue
        if line.startswith("--") or line.startswith("}"):
            at = line_end + 1
            continue
        end, block = find_end(text, at, delimiter)
        if not block:
            yield text[at:end].strip()
        at = end + (1 if block else len(delimiter))


def find_end(text, at, delimiter):
    """Where a piece ends; True when a block begins there instead."""
    quote = ""
    command = re.match(r"\s*(?:if|while)\s*\(", text[at:at + 200], re.I)
    while at < len(text):
        c = text[at]
        if quote:
            if c == "\\" and quote != "`":
                at += 1
            elif c == quote:
                quote = ""
        elif text.startswith(delimiter, at):
            return at, False
        elif command and c == "{":
            return at, True
        elif c in "'\"`":
            quote = c
        at += 1
    return at, False


def statements():
    found = set()
    for file in sorted([*SUITE.rglob("*.test"), *SUITE.rglob("*.inc")]):
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # in a character set of its own
        for piece in pieces(text):
            piece = BEFORE_STATEMENTS.sub("", piece, count=1) if BEFORE_STATEMENTS.match(piece) else piece
            word = re.match(r"[\w-]*", piece)[0].lower()
            # Variables of mysqltest stand for whatever; what is left of a block is none.
            if not piece or word in COMMANDS or SWITCH.match(word) or "$" in piece or piece[0] in "{}" or "\0" in piece:
                continue
            if len(piece) < 100_000:
                found.add(piece)
    return sorted(found)


@pytest.mark.skipif(not SUITE.is_dir(), reason="mariadb-test-data is not installed")
def test_every_statement_of_the_suite_is_read(mariadb, build):
    texts = statements()
    server = mariadb.ask("SELECT VERSION()")[0][0]
    major, minor, patch = re.match(r"(\d+)\.(\d+)\.(\d+)", server).groups()
    version = int(major) * 10000 + int(minor) * 100 + int(patch)
    says = describe(program(build), [("mariadb", version, "", "utf8mb4", text.encode()) for text in texts])
    unread = [text for text, said in zip(texts, says, strict=True) if said["invalid"]]
    unknown = sum(said["kind"] == "unknown" for said in says)
    connection = mariadb.admin()
    with connection.cursor() as cursor:
        wrong = [text for text in unread if parses(cursor, text)]
    connection.close()
    print(f"\n{len(texts)} different statements, {len(unread)} of them with what is no token, {unknown} of an unknown kind")
    assert not wrong, wrong
    assert len(texts) > 100_000
    assert len(unread) < len(texts) / 1000, unread


def parses(cursor, text):
    """Whether the server can read it: anything but a parse error."""
    cursor.execute("USE test")
    cursor.execute("SET @text = %s", (text,))
    for attempt in ("PREPARE corpus FROM @text", text):  # PREPARE runs nothing, and is not for every statement
        try:
            cursor.execute(attempt)
            return True
        except pymysql.err.MySQLError as error:
            if error.args[0] != NOT_PREPARED:
                return error.args[0] != PARSE_ERROR
    return True
