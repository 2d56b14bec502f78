#!/usr/bin/env python3
"""Run an example, and check that the guide shows the program and what it prints, to the letter.

    check_example.py PROGRAM SOURCE GUIDE
"""

import subprocess
import sys


def main(program, source, guide):
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    with open(source, encoding="utf-8") as file:
        code = file.read()
    with open(guide, encoding="utf-8") as file:
        text = file.read()
    faults = []
    if done.returncode != 0:
        faults.append(f"the program ended with {done.returncode}: {done.stderr}")
    if f"```cpp\n{code}```\n" not in text:
        faults.append(f"{guide} does not show {source} as it is")
    if not done.stdout or f"```text\n{done.stdout}```\n" not in text:
        faults.append(f"{guide} does not show what the program prints:\n{done.stdout}")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
