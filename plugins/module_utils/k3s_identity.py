"""What a freshly installed host can prove about itself: its node's password, or the data disk that only it has."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

from .data_disk.request import MARKER_NAME

PASSWORD = Path("/etc/rancher/node/password")


def holds_password(path: Path = PASSWORD) -> bool:
    """Whether the node's own secret is here, so that the cluster knows the host again."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def holds_disk(link: str, serial: str, mount_point: str, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether the disk behind `link`, marked with `serial` by this collection, is mounted at `mount_point`.

    The marker alone would be a file that anyone can copy; what counts is that the disk of that name is the one mounted.
    """
    if not (link and serial and mount_point):
        return False
    try:
        marker = json.loads((Path(mount_point) / MARKER_NAME).read_text(encoding="utf-8"))
        rows = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return False
    sources = [row[row.index("-") + 2] for row in rows if row[4] == mount_point]
    same_disk = bool(sources) and os.path.realpath(sources[-1]) == os.path.realpath(link)
    known = isinstance(marker, dict) and marker.get("serial") == serial and _is_uuid(marker.get("uuid"))
    return same_disk and known and serial in Path(link).name


def _is_uuid(text: object) -> bool:
    try:
        return bool(uuid.UUID(str(text)))
    except ValueError:
        return False
