#!/usr/bin/env python3
"""Decodes the captures of the project and compares with what was reviewed.

    tests/golden/golden_test.py --program build/cli/pcapdecode/pcapdecode [--update]

Each captures/NAME.pcap (or NAME.pcap.gz) has captures/expected/NAME.jsonl, and captures/NAME.keys
with the secrets of its TLS. --update writes the expectations anew and shows the difference: read it
against the protocol before it is committed. Every line is also checked against
docs/pcapdecode.schema.json.
"""

import argparse
import difflib
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


# Where the values would be megabytes of one letter.
OPTIONS = {"big-packet": ["--redact", "values"]}


def name_of(path):
    return path.name.split(".")[0]


def decode(program, path):
    options = list(OPTIONS.get(name_of(path), []))
    keys = path.with_name(name_of(path) + ".keys")
    if keys.exists():
        options += ["--keylog", str(keys)]
    result = subprocess.run([program, "-f", "json", "--any-port", "--strict", *options, str(path)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if result.returncode != 0:
        raise AssertionError(f"{path.name}: left with {result.returncode}: {result.stderr.decode()}")
    return result.stdout.decode()


TYPES = {"string": str, "array": list, "object": dict, "boolean": bool, "null": type(None)}


def has_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def violations(value, schema, root, where):
    """The part of JSON Schema that the schema uses; what it does not know is an error."""
    known = {"$schema", "$id", "$defs", "$ref", "title", "description", "type", "const", "enum",
             "required", "properties", "additionalProperties", "items", "minimum", "pattern",
             "oneOf"}
    assert set(schema) <= known, f"{where}: {set(schema) - known} is not checked"
    if "$ref" in schema:
        yield from violations(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root,
                              where)
    if "const" in schema and value != schema["const"]:
        yield f"{where}: {value!r} instead of {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(has_type(value, name) for name in names):
            yield f"{where}: {value!r} is no {' or '.join(names)}"
            return
    if "minimum" in schema and has_type(value, "number") and value < schema["minimum"]:
        yield f"{where}: {value} is below {schema['minimum']}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{where}: {value!r} does not match {schema['pattern']}"
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where}: {name} is missing"
        for name, member in value.items():
            if name in schema.get("properties", {}):
                yield from violations(member, schema["properties"][name], root, f"{where}.{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{where}: {name} is not in the schema"
            elif isinstance(schema.get("additionalProperties"), dict):
                yield from violations(member, schema["additionalProperties"], root,
                                      f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            yield from violations(item, schema["items"], root, f"{where}[{i}]")
    if "oneOf" in schema:
        options = [list(violations(value, option, root, where)) for option in schema["oneOf"]]
        if sum(not found for found in options) != 1:
            yield f"{where}: fits not exactly one of the forms"


def unique(pairs):
    """An object whose members have different names."""
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise AssertionError(f"a member twice: {names}")
    return dict(pairs)


def check_schema(text, name, schema):
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        value = json.loads(line, object_pairs_hook=unique)
        form = schema["$defs"]["types"]["properties"].get(value.get("type"))
        if form is None:
            found.append(f"{name}:{number}: unknown type {value.get('type')!r}")
            continue
        found += [f"{name}:{number}{problem}" for problem in violations(value, form, schema, "")]
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("more", nargs="*", type=Path,
                        help="captures that are only checked against the schema")
    arguments = parser.parse_args()
    schema = json.loads((ROOT / "docs/pcapdecode.schema.json").read_text(encoding="utf-8"))
    captures = sorted((ROOT / "captures").glob("*.pcap*"))
    failures = [] if captures else ["no captures"]
    for path in captures:
        expected_path = ROOT / "captures/expected" / f"{name_of(path)}.jsonl"
        expected = expected_path.read_text(encoding="utf-8") if expected_path.exists() else ""
        actual = decode(arguments.program, path)
        failures += check_schema(actual, path.name, schema)
        if actual == expected:
            continue
        sys.stdout.writelines(difflib.unified_diff(
            expected.splitlines(True), actual.splitlines(True), f"expected/{expected_path.name}",
            "decoded", n=1))
        if arguments.update:
            expected_path.write_text(actual, encoding="utf-8")
        else:
            failures.append(f"{path.name}: decoded differently")
    for path in arguments.more:
        result = subprocess.run([arguments.program, "-f", "json", "--any-port", str(path)],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        failures += check_schema(result.stdout.decode(), path.name, schema)
    for failure in failures:
        print(failure)
    print(f"{len(captures)} captures, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
