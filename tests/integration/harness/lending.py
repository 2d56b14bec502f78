"""All tests can be run with server connections that are lent: POOLING=transaction. What is different then."""

import os
import re

#: How the proxies pool where a test does not say it: "session" or "transaction".
POOLING = os.environ.get("POOLING", "session")
LENT = POOLING == "transaction"

#: What a test's id matches, and why it is about something that there is only without lending. tests/run lent runs these
#: files. docs/pooling.md has the same reasons for users.
DIFFERENT = {
    r"KILL( CONNECTION of an idle one)? by the id of CONNECTION_ID\(\)":
        "CONNECTION_ID() is of a connection that others have next: KILL of it does not mean the session",
    r"-session tracking\]": "a client that sets what is tracked is told of the schema and of the usual variables nevertheless",
    r"test_logins.py::test_table": "docs/logins.md is about sessions with connections of their own",
}


def reason_for(nodeid):
    """Why a test is left out; None: it is not."""
    return next((why for pattern, why in DIFFERENT.items() if LENT and re.search(pattern, nodeid)), None)
