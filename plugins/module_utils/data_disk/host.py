"""The host's programs and small files, with bounded waiting and errors that name the next step."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .request import DiskError

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SECONDS = 120
_LARGEST_JSON = 64 * 1024


def has(program: str) -> bool:
    """Whether the host has `program`, also where a plain user would not look."""
    return shutil.which(program, path=SEARCH_PATH) is not None


def output(
    command: list[str], *, seconds: int = _SECONDS, pass_descriptors: tuple[int, ...] = (), fine: tuple[int, ...] = (0,)
) -> str:
    """What `command` prints; raises DiskError when it fails or does not end."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            pass_fds=pass_descriptors,
            env={"PATH": SEARCH_PATH, "LC_ALL": "C"},
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise DiskError(
            f"{' '.join(command)} did not end within {seconds} s; look at dmesg for a failing disk."
        ) from late
    except OSError as missing:
        raise DiskError(f"{command[0]} could not be started: {missing.strerror}.") from missing
    if done.returncode not in fine:
        told = (done.stderr or done.stdout).strip() or "it said nothing"
        raise DiskError(f"{' '.join(command)} ended with {done.returncode}: {told}")
    return done.stdout


def text_of(path: str) -> str:
    """The content of a small text file, every byte of which comes back by :func:`write_whole`; empty without one."""
    try:
        with Path(path).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError:
        return ""


def json_of(path: str) -> dict[str, str] | None:
    """The object of strings in a file that is not a link; None when there is none or it is something else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            read: Any = json.loads(file.read(_LARGEST_JSON))
    except (OSError, ValueError):
        return None
    if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
        return None
    return read


def write_whole(path: str, content: str, mode: int) -> None:
    """Puts `content` at `path` in one step that survives a power cut; an existing file keeps its owner and mode."""
    target = Path(path)
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    existing = target.stat() if target.exists() else None
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), existing.st_mode & 0o7777 if existing else mode)
            if existing:
                os.fchown(file.fileno(), existing.st_uid, existing.st_gid)
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_directory(str(target.parent))


def remove_whole(path: str) -> None:
    """Removes a file for good."""
    Path(path).unlink(missing_ok=True)
    sync_directory(str(Path(path).parent))


def sync_directory(path: str) -> None:
    """Brings the names in a directory down to the medium."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def as_json(value: Mapping[str, Any]) -> str:
    """One line, the same for the same value."""
    return json.dumps(dict(value), sort_keys=True) + "\n"
