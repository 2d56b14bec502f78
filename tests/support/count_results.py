"""Count test cases in the result files given: meson's testlog.json and JUnit XML.

Prints "N passed, N failed" and exits 1 when a case failed or a file is not there.
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree

ALL_PASSED = re.compile(r"^All tests passed \(.*? in (\d+) test cases?\)", re.M)
SOME_FAILED = re.compile(r"^test cases:\s*(\d+).*?\|\s*(\d+) failed", re.M)


def catch_cases(output):
    """The passed and failed cases of a Catch2 program, or None when it is something else."""
    if match := ALL_PASSED.search(output):
        return int(match[1]), 0
    if match := SOME_FAILED.search(output):
        return int(match[1]) - int(match[2]), int(match[2])
    return None


def meson_results(path):
    passed = failed = 0
    with open(path, encoding="utf-8") as lines:
        for test in map(json.loads, lines):
            good = test["result"] in ("OK", "EXPECTEDFAIL")
            cases = catch_cases(test.get("stdout") or "")
            if test["result"] == "SKIP":
                continue
            if cases is None or (not good and cases[1] == 0):
                # A program that is one test, or one that broke down outside of any case.
                cases = (1, 0) if good else ((cases or (0, 0))[0], 1)
            passed += cases[0]
            failed += cases[1]
    return passed, failed


def junit_results(path):
    passed = failed = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is None:
            passed += 1
    return passed, failed


def main(paths):
    passed = failed = 0
    for path in paths:
        try:
            results = meson_results(path) if path.endswith(".json") else junit_results(path)
        except (OSError, ElementTree.ParseError, json.JSONDecodeError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            results = (0, 1)
        passed += results[0]
        failed += results[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
