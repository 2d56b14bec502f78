"""What a process has in its memory."""

import os

#: AddressSanitizer's shadow: terabytes that say which bytes are valid, and hold none.
LARGEST = 4 << 30
CHUNK = 16 << 20


def regions(pid):
    """(start, end) of what can be read and is the process's own."""
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            span, permissions, *rest = line.split(maxsplit=5)
            name = rest[-1].strip() if len(rest) == 4 else ""
            start, end = (int(one, 16) for one in span.split("-"))
            if "r" in permissions and end - start <= LARGEST and name not in ("[vvar]", "[vsyscall]"):
                yield start, end


def find(pid, needles):
    """Which of the needles (name -> bytes) are in the memory of the process, as a core image would show it."""
    found = {}
    overlap = max(len(one) for one in needles.values()) - 1
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in regions(pid):
            kept = b""
            for at in range(start, end, CHUNK):
                try:
                    chunk = os.pread(memory.fileno(), min(CHUNK, end - at), at)
                except OSError:
                    break  # a guard page, or a mapping of a file's end
                searched = kept + chunk
                for name, needle in needles.items():
                    offset = searched.find(needle)
                    if offset >= 0:
                        found.setdefault(name, hex(at - len(kept) + offset))
                kept = searched[-overlap:] if overlap else b""
    return found
