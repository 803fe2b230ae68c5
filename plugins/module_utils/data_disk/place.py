"""The mount point as a directory of the root disk: immutable, so that nothing lands there while the disk is missing."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path
from typing import Any

from .apart import apart, detach
from .request import DiskError

_WORD = struct.calcsize("l")
_GET_FLAGS = 0x80006601 | _WORD << 16  # FS_IOC_GETFLAGS
_SET_FLAGS = 0x40006602 | _WORD << 16  # FS_IOC_SETFLAGS
_IMMUTABLE = 0x10
_SHOWN = 20


def look_below(path: str, *, mounted: int) -> dict[str, Any]:
    """The fields of :class:`facts.Place`. `mounted` mounts at `path` are looked through without touching them."""

    def below() -> dict[str, Any]:
        for _ in range(mounted):
            detach(path)
        return _directory(path)

    if not mounted:
        return _directory(path)
    try:
        told: dict[str, Any] = apart(below)
    except DiskError:
        return {"exists": True, "plain": True, "entries": [], "protected": None}
    return told


def _directory(path: str) -> dict[str, Any]:
    if not os.path.lexists(path):
        return {"exists": False, "plain": True, "entries": [], "protected": None}
    plain = Path(path).is_dir() and os.path.realpath(path) == path
    entries = sorted(entry.name for entry in Path(path).iterdir())[:_SHOWN] if plain else []
    return {"exists": True, "plain": plain, "entries": entries, "protected": is_immutable(path) if plain else None}


def is_immutable(path: str) -> bool | None:
    """None where the filesystem knows no such flag."""
    try:
        return bool(_flags(path) & _IMMUTABLE)
    except OSError as problem:
        if problem.errno in (errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL):
            return None
        raise


def protect(path: str, *, mounted: int) -> None:
    """Makes the directory below `mounted` mounts, and creates it when there is no mount; then makes it immutable."""

    def below() -> None:
        for _ in range(mounted):
            detach(path)
        _set_immutable(path, True)

    if mounted:
        apart(below)
        return
    Path(path).mkdir(mode=0o755, parents=True, exist_ok=True)
    if any(Path(path).iterdir()):
        raise DiskError(
            f"{path} has been filled since it was looked at. Look at it: ls -la {path}; then run this again."
        )
    if is_immutable(path) is not None:
        _set_immutable(path, True)


def release(path: str, *, listed: bool) -> None:
    """Takes the flag away and the directory, when it is empty and was ours: immutable, or `listed` in /etc/fstab."""
    if Path(path).is_dir() and not os.path.ismount(path):
        protected = is_immutable(path)
        if protected:
            _set_immutable(path, False)
        if (protected or listed) and not any(Path(path).iterdir()):
            Path(path).rmdir()


def _set_immutable(path: str, wanted: bool) -> None:
    flags = _flags(path)
    changed = flags | _IMMUTABLE if wanted else flags & ~_IMMUTABLE
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack("l", changed))
    finally:
        os.close(descriptor)


def _flags(path: str) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        read = fcntl.ioctl(descriptor, _GET_FLAGS, struct.pack("l", 0))
    finally:
        os.close(descriptor)
    flags: int = struct.unpack("l", read)[0] & 0xFFFFFFFF
    return flags
