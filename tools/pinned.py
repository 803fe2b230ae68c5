"""Prints one pinned requirement, with its hashes, out of a requirements file: ``pinned.py FILE NAME``."""

from __future__ import annotations

import sys
from pathlib import Path


def entry(text: str, name: str) -> str:
    """Return the lines of ``text`` that pin ``name``; raise KeyError when it is not pinned."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if line.startswith(f"{name}=="):
            end = start
            while lines[end].endswith("\\"):
                end += 1
            return "\n".join(lines[start : end + 1])
    raise KeyError(name)


if __name__ == "__main__":
    print(entry(Path(sys.argv[1]).read_text(encoding="utf-8"), sys.argv[2]))
