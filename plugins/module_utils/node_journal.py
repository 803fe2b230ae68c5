"""The bounds of systemd's journal: whether its file holds them, and whether the daemon has read that file."""

from __future__ import annotations

import configparser
import stat
from collections.abc import Mapping
from pathlib import Path

SECTION = "Journal"
_CLOCK_TICK_SECONDS = 2.0  # the precision of a process' start; a run that was stopped in between is longer ago


def is_written(path: Path, wanted: Mapping[str, str]) -> bool:
    """Whether the file holds the wanted settings, and may be read by all and written by its owner only."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # names of systemd have capitals
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return False
    found = dict(parser.items(SECTION)) if parser.has_section(SECTION) else {}
    return mode == 0o644 and all(found.get(name) == value for name, value in wanted.items())


def is_taken(path: Path, started_at: float | None) -> bool:
    """Whether the daemon was started after the file was written; `started_at` in seconds since 1970."""
    try:
        return path.stat().st_mtime <= (started_at or 0) + _CLOCK_TICK_SECONDS
    except OSError:
        return True
