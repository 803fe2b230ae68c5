"""When the last good backup of each item was made, for node-exporter's textfile collector."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from . import manifest

NAME = "log_intelligence_backup_last_success_timestamp_seconds"


def write(path: Path, target: Path, items: Iterable[str]) -> None:
    """Writes the file whole; an item without a backup has no line, which an alert sees as missing."""
    lines = [f"# HELP {NAME} When the newest backup was made.", f"# TYPE {NAME} gauge"]
    for item in items:
        described = manifest.newest(target / item)
        if described:
            lines.append(f'{NAME}{{what="{item}"}} {described.moment.timestamp():.0f}')
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.chmod(0o644)  # node-exporter is not root
    partial.replace(path)
