#!/usr/bin/env python3
"""Installs mysqlwire into a temporary DESTDIR and builds and runs consumer.cpp against it.

By pkg-config and by CMake, with the shared and the static libraries, as far as they are installed,
without and with mysqlwire-crypto. Either an existing build is installed (--build), or the libraries
are built from --source with -Ddefault_library=KIND first. Exit code 77 (skipped) without pkg-config.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(command, **options):
    """Runs a command; prints it and what it said when it fails."""
    done = subprocess.run(
        [str(part) for part in command], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **options)
    if done.returncode != 0:
        print("$", *command)
        print(done.stdout)
        raise SystemExit(f"failed with {done.returncode}: {command[0]}")
    return done.stdout


def fail_unless(condition, words):
    if not condition:
        raise SystemExit("not as it should be: " + words)


class Installed:
    """What `meson install` left in a DESTDIR."""

    def __init__(self, destdir, options):
        self.destdir = destdir
        self.root = destdir / options["prefix"].lstrip("/")
        self.libdir = self.root / options["libdir"]
        self.include = self.root / options["includedir"]
        self.shared = (self.libdir / "libmysqlwire.so").exists()
        self.static = (self.libdir / "libmysqlwire.a").exists()
        self.crypto = (self.libdir / "pkgconfig" / "mysqlwire-crypto.pc").exists()
        self.compress = (self.libdir / "pkgconfig" / "mysqlwire-compress.pc").exists()

    def environment(self):
        environment = dict(os.environ)
        environment["PKG_CONFIG_PATH"] = str(self.libdir / "pkgconfig")
        # The .pc files name the final prefix.
        environment["PKG_CONFIG_SYSROOT_DIR"] = str(self.destdir)
        environment["LD_LIBRARY_PATH"] = str(self.libdir)
        environment.pop("DESTDIR", None)
        return environment


def build_options(meson, build):
    rows = json.loads(run([*meson, "introspect", "--buildoptions", build]))
    return {row["name"]: row["value"] for row in rows}


def build_libraries(meson, source, kind, cxx, folder):
    build = folder / "build"
    environment = dict(os.environ, CXX=" ".join(cxx))
    # Without Debian's dpkg-dev meson takes lib64, where neither CMake nor the loader looks there.
    run([*meson, "setup", build, source, "--libdir=lib", f"-Ddefault_library={kind}",
         "-Dproxy=disabled", "-Dcli=disabled", "-Dtests=disabled", "-Dbench=disabled", "-Dbuildtype=plain",
         "-Db_pch=false"],
        env=environment)
    run([*meson, "compile", "-C", build])
    return build


def check_files(installed, source_headers):
    """Every public header is there and nothing else; sonames and links are right."""
    found = {str(p.relative_to(installed.include)) for p in installed.include.rglob("*.?pp")}
    missing = source_headers - found
    fail_unless(not missing, f"headers that are not installed: {sorted(missing)}")
    strange = {name for name in found - source_headers if name.startswith("mysqlwire/")}
    fail_unless(not strange, f"installed headers that are not public: {sorted(strange)}")

    names = ["mysqlwire"] + (["mysqlwire-crypto"] if installed.crypto else [])
    names += ["mysqlwire-compress"] if installed.compress else []
    for name in names if installed.shared else []:
        link = installed.libdir / f"lib{name}.so"
        fail_unless(os.readlink(link) == f"lib{name}.so.0", f"where {link} points")
        dynamic = run(["readelf", "-d", link])
        soname = re.search(r"\(SONAME\).*\[(.*)\]", dynamic)
        fail_unless(soname and soname[1] == f"lib{name}.so.0", f"soname of {link}")
    for name in names if installed.static else []:
        fail_unless((installed.libdir / f"lib{name}.a").exists(), f"lib{name}.a")


def check_exports(installed):
    """The shared library exports namespace mysqlwire and no other."""
    symbols = run(["nm", "-DC", "--defined-only", installed.libdir / "libmysqlwire.so"])
    for line in symbols.splitlines():
        kind, name = line.split(" ", 2)[1:]
        fail_unless(kind == "A" or re.match(r"(typeinfo( name)? for |vtable for )?mysqlwire::", name),
                    f"exported: {name}")


def check_purity(installed):
    """What a sanitized build can't tell: the library as it is used calls no I/O."""
    run([sys.executable, HERE.parent / "purity" / "purity_test.py",
         "--source", HERE.parent.parent / "lib" / "mysqlwire",
         "--library", installed.libdir / "libmysqlwire.so"])


def by_pkg_config(installed, cxx, folder, static, crypto):
    environment = installed.environment()
    package = "mysqlwire-crypto" if crypto else "mysqlwire"
    query = ["pkg-config", "--cflags", "--libs"] + (["--static"] if static else [])
    flags = run([*query, package], env=environment).split()
    fail_unless(crypto or not any("crypto" in flag or "ssl" in flag for flag in flags),
                "mysqlwire alone needs no OpenSSL: " + " ".join(flags))
    if static:
        # pkg-config has no word for "this library from its archive".
        flags = [str(installed.libdir / f"lib{flag[2:]}.a") if flag.startswith("-lmysqlwire")
                 else flag for flag in flags]
        if crypto:  # an archive in front of those that it needs
            flags.sort(key=lambda flag: flag.endswith("libmysqlwire.a"))
            flags += [flag for flag in flags if flag in ("-lcrypto",)]
    program = folder / f"by-pkg-config-{package}-{'static' if static else 'shared'}"
    defines = ["-DCONSUMER_CRYPTO"] if crypto else []
    run([*cxx, "-std=c++20", *defines, HERE / "consumer.cpp", "-o", program, *flags],
        env=environment)
    return program


def by_cmake(installed, cxx, folder, static, crypto):
    build = folder / f"cmake-{'static' if static else 'shared'}-{crypto}"
    source = folder / "cmake-source"
    if not source.exists():
        source.mkdir()
        for name in ("CMakeLists.txt", "consumer.cpp"):
            shutil.copy(HERE / name, source)
    compiler = [f"-DCMAKE_CXX_COMPILER={cxx[-1]}"]
    if len(cxx) > 1:
        compiler.append(f"-DCMAKE_CXX_COMPILER_LAUNCHER={';'.join(cxx[:-1])}")
    # Ninja is there where meson is; make may not be.
    run(["cmake", "-G", "Ninja", "-S", source, "-B", build, *compiler,
         f"-DCMAKE_PREFIX_PATH={installed.root}",
         f"-DMYSQLWIRE_USE_STATIC_LIBS={'ON' if static else 'OFF'}",
         f"-DWITH_CRYPTO={'ON' if crypto else 'OFF'}"], env=installed.environment())
    run(["cmake", "--build", build])
    return build / "consumer"


def check_program(installed, program, static, crypto):
    said = run([program], env=installed.environment())
    fail_unless(said.strip().endswith("work" if crypto else "works"), f"{program} said {said}")
    needed = run(["readelf", "-d", program])
    fail_unless(("libmysqlwire.so.0" in needed) == (not static),
                f"{program}: linked {'statically' if static else 'dynamically'}")


def public_headers(source):
    folder = source / "lib"
    return {str(p.relative_to(folder)) for p in (folder / "mysqlwire").rglob("*.hpp")
            if not p.name.endswith("_detail.hpp") and p.parent.name != "net"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--kind", choices=["static", "shared", "both"])
    parser.add_argument("--meson", default="meson")
    parser.add_argument("--cxx", nargs="+", default=["c++"])
    arguments = parser.parse_args()
    meson = arguments.meson.split()
    if not shutil.which("pkg-config"):
        print("skipped: no pkg-config")
        return 77

    with tempfile.TemporaryDirectory(prefix="mysqlwire-package-") as name:
        folder = Path(name)
        build = arguments.build or build_libraries(
            meson, arguments.source, arguments.kind, arguments.cxx, folder)
        destdir = folder / "destdir"
        run([*meson, "install", "-C", build, "--no-rebuild", "--destdir", destdir])
        installed = Installed(destdir, build_options(meson, build))
        fail_unless(installed.shared or installed.static, "a library is installed")
        if arguments.kind:
            fail_unless(installed.shared == (arguments.kind != "static"), "shared library")
            fail_unless(installed.static == (arguments.kind != "shared"), "static library")

        headers = public_headers(HERE.parent.parent)
        if not installed.crypto:
            headers = {h for h in headers if not h.startswith("mysqlwire/crypto/")}
        if not installed.compress:
            headers = {h for h in headers if not h.startswith("mysqlwire/compress/")}
        check_files(installed, headers)
        if installed.shared:
            check_exports(installed)
            check_purity(installed)

        ways = [by_pkg_config] + ([by_cmake] if shutil.which("cmake") else [])
        for way in ways:
            for static in [s for s in (False, True) if (installed.static if s else installed.shared)]:
                for crypto in [False, True] if installed.crypto else [False]:
                    program = way(installed, arguments.cxx, folder, static, crypto)
                    check_program(installed, program, static, crypto)
                    print(f"{way.__name__}: {'static' if static else 'shared'}"
                          f"{', crypto' if crypto else ''}: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
