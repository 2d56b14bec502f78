"""All tests can be run with server connections that are lent: POOLING=transaction. What is different then."""

import os
import re

#: How the proxies pool where a test does not say it: "session" or "transaction".
POOLING = os.environ.get("POOLING", "session")
LENT = POOLING == "transaction"

#: What a test's id matches, and why it is about something that there is only without lending. tests/run lent runs these
#: files. docs/pooling.md has the same reasons for users.
DIFFERENT = {
}


def reason_for(nodeid):
    """Why a test is left out; None: it is not."""
    return next((why for pattern, why in DIFFERENT.items() if LENT and re.search(pattern, nodeid)), None)
