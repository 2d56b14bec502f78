#!/usr/bin/env python3
"""The codec depends on the C++ standard library and on nothing that does I/O.

Everything under lib/mysqlwire but compress, crypto and net: which headers it includes; which libraries the shared
library names; which functions it calls. What is not on the lists below is an error: whoever needs
something new puts it on the list, and a reviewer sees it.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

# No <thread>, <mutex>, <atomic>, <chrono>, <random>, <iostream>, <fstream>, <filesystem>, <ctime>,
# <cstdio>; and no <cctype>, which asks the locale.
STANDARD_HEADERS = set("""
    algorithm array bit cassert charconv climits cmath compare concepts cstddef cstdint cstring
    functional initializer_list iterator limits memory new numeric optional ranges span string
    string_view system_error tuple type_traits unordered_map utility variant vector map set deque
""".split())

# Others, by file: the poisoning of retired packets in ASan builds.
EXCEPTIONS = {("session/frame_reader.cpp", "sanitizer/asan_interface.h")}

OUTSIDE = {"compress", "crypto", "net"}  # folders that are not the codec

LIBRARIES = re.compile(r"(libstdc\+\+|libc\+\+|libc\+\+abi|libm|libgcc_s|libunwind|libc)\.so\.\d+"
                       r"|ld-linux.*|ld-musl.*|libc\.musl.*")

SYMBOLS = re.compile(r"""
    operator\ (new|delete)\b.*
    | std::(?!.*(thread|mutex|condition_variable|chrono|random_device|basic_(i|o|io)?stream
               |basic_(i|o)?fstream|filesystem|locale|cout|cerr|this_thread|atomic_wait)).*
    | (typeinfo|vtable|typeinfo\ name|VTT)\ for\ (std|__cxxabiv1)::.*
    | __cxa_\w+ | _Unwind_\w+ | __gxx_personality_v0 | _ITM_\w+ | __gmon_start__
    | __dso_handle | __tls_get_addr
    | (mem(chr|cmp|cpy|move|set)|bcmp|strlen)(_chk)? | __(mem(cpy|move|set))_chk
    | __assert_fail | __stack_chk_fail | abort
    | __[a-z]+[sdt][if][234]?      # the compiler's own arithmetic
    """, re.VERBOSE)


def included(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = re.match(r"\s*#\s*include\s*([<\"])([^>\"]+)", line)
        if found:
            yield number, found[1], found[2]


def check_includes(folder):
    problems = []
    files = [path for path in sorted(folder.rglob("*"))
             if path.suffix in (".hpp", ".cpp", ".def")
             and path.relative_to(folder).parts[0] not in OUTSIDE]
    if len(files) < 50:
        problems.append(f"only {len(files)} files found in {folder}")
    for path in files:
        name = path.relative_to(folder).as_posix()
        for number, quote, header in included(path):
            if (name, header) in EXCEPTIONS:
                continue
            parts = header.split("/")
            own = parts[0] == "mysqlwire" and parts[1] not in OUTSIDE
            if quote != "<" or not (own or header in STANDARD_HEADERS):
                problems.append(f"{name}:{number}: includes {header}")
    return problems


def output(*command):
    return subprocess.run([str(part) for part in command], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def check_library(library):
    problems = []
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", library))
    if not needed:
        problems.append(f"{library} needs no library at all: not what readelf -d is read for")
    problems += [f"{library.name} needs {name}" for name in needed
                 if not LIBRARIES.fullmatch(name)]
    for line in output("nm", "-DuC", library).splitlines():
        symbol = line.split(None, 1)[1].split("@")[0]
        if not SYMBOLS.fullmatch(symbol):
            problems.append(f"{library.name} calls {symbol}")
    return problems


def self_test():
    """The lists refuse what they are there for."""
    for symbol in ("socket", "connect", "clock_gettime", "pthread_create", "time", "open", "getenv",
                   "std::thread::_M_start_thread()", "std::chrono::_V2::steady_clock::now()",
                   "std::random_device::_M_getval()", "std::cout", "EVP_DigestInit_ex", "toupper",
                   "printf", "std::basic_ostream<char>::flush()"):
        assert not SYMBOLS.fullmatch(symbol), symbol
    for symbol in ("memcpy", "operator new(unsigned long)", "std::__throw_length_error(char const*)",
                   "__popcountdi2", "_Unwind_Resume"):
        assert SYMBOLS.fullmatch(symbol), symbol
    for library in ("libssl.so.3", "libcrypto.so.3", "libpthread.so.0", "libfmt.so.9"):
        assert not LIBRARIES.fullmatch(library), library


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--library", type=Path)
    arguments = parser.parse_args()
    self_test()
    problems = check_includes(arguments.source)
    if arguments.library:
        problems += check_library(arguments.library)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
