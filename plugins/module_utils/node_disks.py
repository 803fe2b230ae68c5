"""A machine's free space and the identity of its disks, from /sys, /dev and udev's records; reads only."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

_SECTOR_BYTES = 512  # the unit of /sys/block/*/size, whatever the disk's own sectors are


def space(paths: list[str]) -> list[dict[str, Any]]:
    """For each path, which need not exist, its file system: bytes, free bytes, and a number that tells it apart."""
    found = []
    for path in paths:
        there = Path(path).absolute()
        while not there.exists():
            there = there.parent
        usage = os.statvfs(there)
        found.append(
            {
                "path": path,
                "bytes": usage.f_blocks * usage.f_frsize,
                "free_bytes": usage.f_bavail * usage.f_frsize,
                "device": there.stat().st_dev,
            }
        )
    return found


def disk(root: Path, by_id: str) -> dict[str, Any]:
    """The disk behind a link of /dev/disk/by-id: name, serial, model, bytes, partitions and what is mounted of it.

    `present` is false when there is no such link; `known` then tells which whole disks have one.
    """
    link = root / by_id.lstrip("/")
    name = Path(os.path.realpath(link)).name
    if not by_id or not (root / "sys/block" / name).is_dir() or not os.path.lexists(link):
        return {"present": False, "by_id": by_id, "known": known_disks(root)}
    directory = root / "sys/block" / name
    number = _text(directory / "dev").strip()
    udev = _udev_record(root, number)
    return {
        "present": True,
        "by_id": by_id,
        "name": name,
        "serial": udev.get("ID_SERIAL_SHORT") or _text(directory / "device/serial").strip(),
        "model": (udev.get("ID_MODEL") or _text(directory / "device/model").strip()).replace("_", " ").strip(),
        "bytes": int(_text(directory / "size") or 0) * _SECTOR_BYTES,
        "partitions": sorted(entry.parent.name for entry in directory.glob("*/partition")),
        "mounted_at": _mounts(root, {number, *(_text(entry) for entry in directory.glob("*/dev"))}),
    }


def known_disks(root: Path) -> list[str]:
    """The links of /dev/disk/by-id that name whole disks."""
    directory = root / "dev/disk/by-id"
    if not directory.is_dir():
        return []
    links = (entry.name for entry in directory.iterdir())
    return sorted(f"/dev/disk/by-id/{name}" for name in links if not re.search(r"-part\d+$", name))


def _udev_record(root: Path, number: str) -> dict[str, str]:
    rows = _text(root / "run/udev/data" / f"b{number}").splitlines()
    pairs = (row[2:].partition("=") for row in rows if row.startswith("E:"))
    return {name: value.strip() for name, _, value in pairs}


def _mounts(root: Path, numbers: set[str]) -> list[str]:
    wanted = {number.strip() for number in numbers}
    rows = (line.split() for line in _text(root / "proc/self/mountinfo").splitlines())
    return sorted({row[4] for row in rows if len(row) > 4 and row[2] in wanted})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
