"""The benchmarks work: tests/bench/run --quick measures everything that it is for. How large the figures are, is not asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
#: Of each part a few figures that no other would stand in for. Captures need the right to capture.
EXPECTED = {
    "codec": {"time an item"},
    "rig": {"CPU a query", "CPU of haproxy's", "added latency p99"},
    "queries": {"CPU a query", "queries a second", "system calls a query"},
    "judging": {"CPU a query", "CPU a query more"},
    "logins": {"CPU a login", "server connects a login"},
    "bulk": {"CPU a GB", "growth of memory"},
    "idle": {"memory a connection"},
    "start": {"time to the first greeting", "size"},
}


def run(build, proxy_executable, *arguments):
    done = subprocess.run([sys.executable, BENCH / "run", *arguments, "--quick", "--build", proxy_executable.parents[1]],
                          env={**os.environ, "BUILD_DIR": str(build)}, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


@pytest.mark.parametrize("part", EXPECTED)
def test_part_is_measured(part, build, proxy_executable, tmp_path):
    file = tmp_path / "results.json"
    run(build, proxy_executable, part, "--json", file)
    figures = json.loads(file.read_text())["figures"]
    assert {figure["part"] for figure in figures} == {part}
    assert EXPECTED[part] <= {figure["name"] for figure in figures}
    assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in figures)


def test_page_says_what_is_met(build, proxy_executable, tmp_path):
    """From figures of one part; those of the others are kept when there are any."""
    file, page = tmp_path / "results.json", tmp_path / "page.md"
    kept = {"part": "idle", "name": "memory a connection", "unit": "KiB", "value": 3.0, "low": 3.0, "high": 3.0, "count": 1,
            "labels": {"clients": 10000, "link": "plain", "candidate": "lending"}}
    missed = {**kept, "value": 21.0, "labels": {**kept["labels"], "link": "TLS"}}
    file.write_text(json.dumps({"figures": [kept, missed]}))
    run(build, proxy_executable, "start", "--json", file, "--page", page)
    text = page.read_text()
    assert "10,000 idle clients: lending, plain | ≤ 4.00 KiB | 1.00 KiB | 3.00 KiB |  | met" in text
    assert "10,000 idle clients: lending, TLS | ≤ 20.0 KiB |  | 21.0 KiB |  | **not met**" in text
    assert "time to the first greeting" in text
    assert (tmp_path / "page/idle.svg").exists()
