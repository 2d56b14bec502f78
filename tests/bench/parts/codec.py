"""The library alone, beside memcpy and MariaDB Connector/C: nanoseconds and instructions an item."""

import json
import os
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor

from candidates import Failure
from measure import CACHEGRIND, counted_instructions

PART = "codec"
OF_STATEMENTS = ("scan", "lex", "classify_statements", "digest_statements", "analyze_statements")


def benchmark(program, *options, **environment):
    done = subprocess.run([*program, "--benchmark_format=json", *options], env={**os.environ, **environment},
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"codec_bench: {done.stderr[-500:]}")
    return json.loads(done.stdout)["benchmarks"], done.stderr


def nanoseconds(program, filter, repetitions, seconds):
    """{name: [ns of each repetition]} by items and by bytes, the repetitions of all in an order of chance."""
    lines, _ = benchmark([program], f"--benchmark_filter={filter}", f"--benchmark_repetitions={repetitions}",
                         "--benchmark_enable_random_interleaving=true", f"--benchmark_min_time={seconds}")
    by_items, by_bytes = {}, {}
    for line in lines:
        if line.get("error_occurred"):
            raise Failure(f"{line['name']}: {line['error_message']}")
        if line["run_type"] == "iteration":
            by_items.setdefault(line["run_name"], []).append(1e9 / line["items_per_second"])
            if "bytes_per_second" in line:
                by_bytes.setdefault(line["run_name"], []).append(1e9 / line["bytes_per_second"])
    return by_items, by_bytes


def instructions(program, name, short):
    """User instructions an item, by the difference of two runs of a fixed length."""
    totals, items = [], []
    for iterations in (short, 3 * short):
        lines, said = benchmark([*CACHEGRIND, program], f"--benchmark_filter=^{name}(/iterations.*)?$", BENCH_ITERATIONS=str(iterations))
        line = lines[0]
        items.append(round(line["items_per_second"] * line["cpu_time"] * 1e-9 * line["iterations"]))
        totals.append(counted_instructions(said))
    return (totals[1] - totals[0]) / (items[1] - items[0])


def run(suite, results):
    program = suite.build / "tests/bench/codec_bench"
    filter = suite.pick(".", "row_of_six$|decode_ok|^scan$")
    times, by_bytes = nanoseconds(program, filter, suite.pick(7, 2), suite.pick(0.03, 0.01))
    for name, seen in times.items():
        results.add(PART, "time an item", "ns", seen, item=name)
    for name in OF_STATEMENTS:
        if name in by_bytes:
            results.add(PART, "time a byte", "ns", by_bytes[name], item=name)
    if not suite.counts_instructions:
        return
    # Instructions are the same whatever else the machine does.
    names = suite.pick(list(times), ["text_row_of_six"])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = pool.map(lambda name: instructions(program, name, 20 if "connector" in name else 300), names)
        for name, count in zip(names, counts):
            results.add(PART, "instructions an item", "", count, item=name)


def median_times(program, repetitions=9):
    """For a comparison of builds."""
    return {name: statistics.median(seen) for name, seen in nanoseconds(program, ".", repetitions, 0.02)[0].items()}
