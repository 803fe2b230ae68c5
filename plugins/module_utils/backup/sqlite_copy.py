"""Copies of SQLite files that are in use, and what K3s' datastore holds."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from .errors import BackupError

HEADER = b"SQLite format 3\0"
# Each name's last row tells whether it is there; kine keeps older ones until it compacts.
_LIVE = """
    SELECT latest.name FROM kine AS latest
    JOIN (SELECT name, MAX(id) AS id FROM kine GROUP BY name) AS newest ON newest.id = latest.id
    WHERE latest.deleted = 0
"""


def is_sqlite(path: Path) -> bool:
    """Whether a file begins as SQLite files do."""
    try:
        with path.open("rb") as file:
            return file.read(len(HEADER)) == HEADER
    except OSError:
        return False


def copy(source: Path, target: Path) -> None:
    """Copies a database, of one moment, while others write to it; raises `BackupError`, also when it is damaged."""
    try:
        with closing(sqlite3.connect(source, timeout=60)) as live, closing(sqlite3.connect(target)) as made:
            live.execute("PRAGMA query_only = ON")
            live.backup(made)
            made.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be copied: {error}. Look whether the disk is full or fails.") from error
    require_whole(target, str(source))


def require_whole(path: Path, name: str) -> None:
    """Raises `BackupError` unless SQLite finds the file at `path` in order; `name` is how the error calls it."""
    try:
        with closing(sqlite3.connect(path)) as opened:
            answers = [str(row[0]) for row in opened.execute("PRAGMA integrity_check(3)")]
    except sqlite3.Error as error:
        answers = [str(error)]
    if answers != ["ok"]:
        raise BackupError(f"{name} is damaged: {'; '.join(answers)}. Keep the older backups and look at the disk.")


def object_names(path: Path) -> frozenset[str]:
    """The names of all objects in K3s' datastore, such as `/registry/configmaps/default/settings`."""
    try:
        with closing(sqlite3.connect(path)) as opened:
            return frozenset(str(row[0]) for row in opened.execute(_LIVE))
    except sqlite3.Error as error:
        raise BackupError(f"{path} is no datastore of K3s: {error}. Name K3s' data directory.") from error


def count_by_kind(names: frozenset[str]) -> dict[str, int]:
    """How many objects there are of each resource."""
    kinds = Counter(name.split("/")[2] for name in names if name.startswith("/registry/") and name.count("/") > 1)
    return dict(sorted(kinds.items()))
