"""Brings one K3s program file to its versioned place, verified, and puts it into use with one rename."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import k3s_fingerprint

Opener = Callable[[str], Any]
MODE = 0o755


class BinaryError(Exception):
    """The program cannot be brought or does not run here; the message names the next step."""


def is_right(path: Path, sha256: str, *, runnable: bool = True) -> bool:
    """Whether the file is there with the wanted content, and may be run where that is asked for."""
    allowed = os.access(path, os.X_OK) or not runnable
    return path.is_file() and allowed and k3s_fingerprint.sha256(str(path)) == sha256


def is_guarded(path: Path) -> bool:
    """Whether all may run the file, and nobody may write it but the user that this runs as."""
    details = path.stat()
    return stat.S_IMODE(details.st_mode) == MODE and details.st_uid == os.geteuid()


def guard(path: Path) -> None:
    """Brings it there."""
    os.chown(path, os.geteuid(), -1)
    path.chmod(MODE)


def fetch(path: Path, sha256: str, urls: Sequence[str], opener: Opener) -> str:
    """Brings the file from the first of `urls` that gives the right bytes, and returns that address."""
    failures = []
    path.parent.mkdir(parents=True, exist_ok=True)
    for url in urls:
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            found = _download(url, partial, opener)
            if found == sha256:
                partial.chmod(MODE)
                partial.replace(path)
                return url
            failures.append(f"{url} gave a file with the sha256 {found}")
        except OSError as error:
            failures.append(f"{url}: {error}")
        finally:
            with suppress(FileNotFoundError):
                partial.unlink()
    raise BinaryError(
        f"K3s could not be had with the sha256 {sha256}: {'; '.join(failures)}. Check k3s_version and k3s_sha256, or "
        "give a "
        "file on the controller with k3s_binary_source"
    )


def published_sha256(url: str, asset: str, opener: Opener) -> str:
    """The sum of `asset` in the list of sums that a release publishes at `url`."""
    try:
        text = opener(url).read(1 << 16).decode("ascii", "replace")
    except OSError as error:
        raise BinaryError(f"the release's sums cannot be read ({url}: {error}); set k3s_sha256") from error
    found = re.search(rf"^([0-9a-f]{{64}})\s+\*?{re.escape(asset)}$", text, flags=re.MULTILINE)
    if not found:
        raise BinaryError(f"{url} has no line for {asset}; set k3s_sha256")
    return found[1]


def version_of(path: Path) -> str:
    """What the program calls itself; raises BinaryError when it does not run here."""
    try:
        done = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BinaryError(
            f"{path} does not run on this host ({error}); is it built for {os.uname().machine}?"
        ) from error
    found = re.search(r"^k3s\S* version (v\S+)", done.stdout)
    if not found:
        raise BinaryError(f"{path} does not say its version; it is no K3s program, or it does not run here")
    return found[1]


def link_is_right(link: Path, target: Path) -> bool:
    """Whether `link` is a symbolic link to exactly `target`."""
    return link.is_symlink() and str(link.readlink()) == str(target)


def put_into_use(link: Path, target: Path) -> None:
    """Points `link` at `target` with one rename, so that it always leads to a whole program."""
    if link.is_dir() and not link.is_symlink():
        raise BinaryError(f"{link} is a directory; remove it first")
    partial = link.with_name(f".{link.name}.{os.getpid()}.partial")
    partial.symlink_to(target)
    partial.replace(link)


def free_links(directory: Path, names: Sequence[str], program: Path) -> list[Path]:
    """Those of `names` that are taken by nobody in `directory`.

    K3s answers to them, but must not hide another program.
    """
    return [directory / name for name in names if not os.path.lexists(directory / name) and program.name != name]


def older(path: Path, keep: int) -> list[Path]:
    """The versioned programs beside `path` that are neither it nor among the `keep` newest others."""
    others = [one for one in path.parent.glob(k3s_fingerprint.VERSIONED_FILES) if one != path]
    return sorted(others, key=lambda one: one.stat().st_mtime, reverse=True)[keep:]


def _download(url: str, partial: Path, opener: Opener) -> str:
    digest = hashlib.sha256()
    source = opener(url)
    with partial.open("wb") as file:
        while piece := source.read(1 << 20):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
