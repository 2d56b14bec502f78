#!/usr/bin/env python3
"""A release build is hardened: position independent, with read-only relocations, no executable stack,
stack protector and checked functions of the C library. Targets of indirect branches are marked too,
but the note that says so is lost where the C library's start-up code has none.

    tests/hardening/hardening_test.py READELF PROGRAM
"""

import re
import subprocess
import sys


def main():
    readelf, program = sys.argv[1:]

    def read(*options):
        return subprocess.run([readelf, "--wide", *options, program], check=True,
                              capture_output=True, text=True).stdout

    segments, dynamic, symbols = read("--segments"), read("--dynamic"), read("--dyn-syms")
    found = {
        "position independent": re.search(r"FLAGS_1.*\bPIE\b", dynamic),
        "relocations become read-only": "GNU_RELRO" in segments,
        "symbols are bound at the start": re.search(r"FLAGS_1.*\bNOW\b", dynamic),
        "the stack is not executable": re.search(r"GNU_STACK.* RW ", segments),
        "stack protector": "__stack_chk_fail" in symbols,
    }
    # Of the others not every version has a call that can be checked.
    if program.endswith("mysqlproxy"):
        found["checked functions"] = re.search(r"__\w+_chk@", symbols)
    missing = [what for what, there in found.items() if not there]
    for what in missing:
        print(f"missing: {what}")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
