"""A thousand random passwords under each plugin: login and verify agree with the server."""

import json
import os
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

COUNT = 1000
#: Each takes two processes of a sanitized build, half a second of CPU each: all of them by VERIFIED=1000 only.
VERIFIED = int(os.environ.get("VERIFIED", "25"))
LONGEST = 255  # bytes


def passwords(seed):
    """Unicode, quotes, blanks, one byte and 255 of them. No NUL, which ends a password in clear."""
    source = random.Random(seed)
    alphabets = ["abcXYZ019", " '\"\\`%_$#;-", "äöüß€", "日本語", "😀🚀", "\t\n\r\x01\x7f",
                 "".join(map(chr, range(32, 127)))]
    made = {"x", "'", '"', "\\", " ", "  lead and trail  ", "a" * LONGEST, "€" * (LONGEST // 3), "%s%n", "*" * 41}
    while len(made) < COUNT:
        letters = "".join(source.sample(alphabets, source.randint(1, 3)))
        text = "".join(source.choice(letters) for _ in range(source.choice([1, 3, 8, 20, 64, 250])))
        while len(text.encode()) > LONGEST:
            text = text[:-1]
        made.add(text)
    return sorted(made)


def targets(server, users, port):
    where = f"127.0.0.1:{server.port}/" if port else f"/?socket={quote(str(server.socket), safe='')}"
    return "".join(f"mysql://{user}:{quote(password, safe='')}@{where}\n" for user, password in users)


def log_in(probe, server, users, port, options):
    text = targets(server, users, port)
    done = subprocess.run([probe.executable, "login", "--targets", "-", "--json", "--no-defaults", *options], input=text,
                          capture_output=True, text=True, timeout=900)
    assert "Sanitizer" not in done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def verify(probe, form, password):
    done = subprocess.run([probe.executable, "verify", "--hash", form, "--password-file", "/dev/stdin", "--json"],
                          input=password.encode() + b"\n", capture_output=True)
    return done.returncode


@pytest.mark.parametrize("flavor, plugin, port, options", [
    ("mariadb", "mysql_native_password", True, []),
    ("mysql", "mysql_native_password", True, ["--tls", "disabled"]),
    ("mysql", "caching_sha2_password", False, []),
    ("mysql", "sha256_password", True, ["--tls", "required"]),
    ("mariadb", "ed25519", True, []),
])
def test_a_thousand_passwords(request, probe, flavor, plugin, port, options):
    server = request.getfixturevalue(flavor)
    users = [(f"p{i}", password) for i, password in enumerate(passwords(plugin))]
    column = "plugin, authentication_string"
    with server.admin() as connection, connection.cursor() as cursor:
        if plugin == "ed25519":
            cursor.execute("INSTALL SONAME 'auth_ed25519'")
        try:
            for name, password in users:
                if flavor == "mysql":
                    cursor.execute(f"CREATE USER {name}@'%%' IDENTIFIED WITH {plugin} BY %s", (password,))
                else:
                    cursor.execute(f"CREATE USER {name}@'%%' IDENTIFIED VIA {plugin} USING PASSWORD(%s)", (password,))
            cursor.execute(f"SELECT user, {column.split(', ')[1]} FROM mysql.user WHERE user REGEXP '^p[0-9]+$'")
            stored = {user if isinstance(user, str) else user.decode(): form for user, form in cursor.fetchall()}

            good = log_in(probe, server, users, port, options)
            assert [each["error"] for each in good if not each["ok"]] == []
            assert len(good) == len(users)

            # One byte more, or less, or other.
            wrong = [(name, password[:-1] if len(password) > 1 else password + "x") for name, password in users]
            bad = log_in(probe, server, wrong, port, options)
            assert {(each["exit_code"], each["error"] and each["error"]["code"]) for each in bad} == {(1, 1045)}

            # A line ends a password that comes from a file.
            in_files = [(name, password) for name, password in users if "\n" not in password and not password.endswith("\r")]

            def agrees(one):
                name, password = one
                form = stored[name]
                form = (form if isinstance(form, bytes) else form.encode()).hex() if plugin.endswith("sha2_password") or \
                    plugin == "sha256_password" else form
                form = form.decode() if isinstance(form, bytes) else form
                return verify(probe, form, password) == 0 and verify(probe, form, password + "x") == 1

            with ThreadPoolExecutor(2) as pool:
                some = random.Random(plugin).sample(in_files, min(VERIFIED, len(in_files)))
                assert [one for one, fits in zip(some, pool.map(agrees, some)) if not fits] == []
            assert len(in_files) > COUNT // 2 and some
        finally:
            for name, _ in users:
                cursor.execute(f"DROP USER IF EXISTS {name}@'%'")
            if plugin == "ed25519":
                cursor.execute("UNINSTALL SONAME 'auth_ed25519'")
