"""Removes directory trees without ever stepping from one mount into another."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path


class OtherMountError(Exception):
    """The walk met a mount and stopped before it; nothing inside the mount was touched."""


def remove_tree(path: Path) -> bool:
    """Removes `path` and all below it; returns whether anything was there.

    Each directory is opened without following links and must lie on the mount that `path` itself lies on, which the
    kernel tells by descriptor, so a bind mount of the same file system is noticed too and nothing can be swapped in
    between. When `path` is itself a mount point, its content goes and the mount stays. Raises OtherMountError.
    """
    try:
        details = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISDIR(details.st_mode):
        path.unlink()
        return True
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        own = _place(descriptor)
        _empty(descriptor, path, own)
    finally:
        os.close(descriptor)
    if not _is_mount_point(path, own):
        path.rmdir()
    return True


def remove_known(directory: Path, names: Iterable[str]) -> list[str]:
    """Removes the entries of `directory` that are named, then the directory itself when nothing else is left in it."""
    removed = [str(directory / name) for name in names if remove_tree(directory / name)]
    if (
        directory.is_dir()
        and not directory.is_symlink()
        and not any(directory.iterdir())
        and not os.path.ismount(directory)
    ):
        directory.rmdir()
        removed.append(str(directory))
    return removed


def _empty(descriptor: int, path: Path, own: tuple[int, int]) -> None:
    with os.scandir(descriptor) as entries:
        listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in listed:
        if not is_directory:
            _unlink(descriptor, name, path)
            continue
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
        try:
            if _place(inner) != own:
                raise OtherMountError(
                    f"{path / name} is a mount that K3s has not made; unmount it, or move it elsewhere"
                )
            _empty(inner, path / name, own)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=descriptor)


def _unlink(descriptor: int, name: str, path: Path) -> None:
    try:
        os.unlink(name, dir_fd=descriptor)
    except PermissionError:
        raise
    except OSError as error:
        raise OtherMountError(
            f"{path / name} cannot be removed ({error.strerror}); a file may be mounted there"
        ) from error


def _place(descriptor: int) -> tuple[int, int]:
    """The mount and the device that an open directory lies on."""
    text = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii")
    found = re.search(r"^mnt_id:\s*(\d+)$", text, flags=re.MULTILINE)
    return int(found[1]) if found else -1, os.fstat(descriptor).st_dev


def _is_mount_point(path: Path, own: tuple[int, int]) -> bool:
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return _place(descriptor) != own
    finally:
        os.close(descriptor)
