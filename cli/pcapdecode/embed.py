"""Makes a C++ header with the bytes of files: embed.py OUT NAMESPACE FILE…

The file report.js becomes `inline constexpr std::string_view report_js`.
"""

import sys
from pathlib import Path


def main():
    out, namespace, *files = sys.argv[1:]
    parts = ["// Made by embed.py.", "#pragma once", "", "#include <string_view>", "",
             f"namespace {namespace} {{", ""]
    for path in map(Path, files):
        data = path.read_bytes()
        name = path.name.replace(".", "_").replace("-", "_")
        # Bytes and not a string literal: a compiler need not take literals of this length.
        parts.append(f"inline constexpr char {name}_bytes[] = {{")
        for at in range(0, len(data), 20):
            parts.append(",".join(str(b if b < 128 else b - 256) for b in data[at:at + 20]) + ",")
        parts += ["};", f"inline constexpr std::string_view {name}{{{name}_bytes, {len(data)}}};", ""]
    parts.append(f"}}  // namespace {namespace}")
    Path(out).write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
