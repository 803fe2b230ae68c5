"""What a K3s process was started with, told apart from what now lies on disk.

The unit records the SHA-256 of every file it depends on each time it starts, in the form that sha256sum writes, and
after it one line ``program  PATH`` with the file that the command resolves to. A restart is due when the record
differs.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

PROGRAM = "program"
VERSIONED = "k3s-"
VERSIONED_FILES = f"{VERSIONED}v[0-9]*"


def in_use(record: Path) -> dict[str, str] | None:
    """What the unit recorded at its last start, by path; None when it recorded nothing since the host booted."""
    try:
        lines = record.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    found = {}
    for line in lines:
        first, _, path = line.partition("  ")
        found.update({PROGRAM: path} if first == PROGRAM else {path: first})
    return found


def on_disk(patterns: Iterable[str], program: str) -> dict[str, str]:
    """The same for the files that match `patterns` now; `program` is the command that the unit starts."""
    paths = sorted({path for pattern in patterns for path in glob.glob(pattern)})  # noqa: PTH207 - absolute patterns
    found = {path: sha256(path) for path in paths if Path(path).is_file()}
    return {**found, PROGRAM: os.path.realpath(program)}


def differences(used: dict[str, str] | None, now: dict[str, str]) -> list[str]:
    """One phrase for each file that the running process does not know in its present form."""
    if used is None:
        return ["it is not known what it was started with"]
    words = []
    for path in sorted({*used, *now} - {PROGRAM}):
        if path not in used:
            words.append(f"{path} is new")
        elif path not in now:
            words.append(f"{path} was removed")
        elif used[path] != now[path]:
            words.append(f"{path} has changed")
    return words


def version(found: dict[str, str] | None) -> str | None:
    """The K3s version of a record, from the name of the versioned program file."""
    name = Path((found or {}).get(PROGRAM, "")).name
    return name[len(VERSIONED) :] if name.startswith(VERSIONED) else None


def sha256(path: str) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
