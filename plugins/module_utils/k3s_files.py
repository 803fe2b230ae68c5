"""Brings the files of a host to their wanted content and mode, each whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class FileWriteError(Exception):
    """A file could not be brought to its place; the message names it and the next step."""


@dataclass(frozen=True)
class Wanted:
    """`content` None means that the file shall not be there; that of a `secret` one appears in no difference."""

    path: Path
    content: str | None
    mode: int = 0o600
    directory_mode: int = 0o755
    secret: bool = False


@dataclass(frozen=True)
class Change:
    """`kind` is created, content, mode or removed."""

    wanted: Wanted
    kind: str
    before: str
    before_mode: int | None

    def diff(self) -> dict[str, str]:
        """Before and after, in words when the content is secret."""
        name = str(self.wanted.path)
        if self.wanted.secret or self.kind == "mode":
            before = "absent" if self.before_mode is None else f"present, mode {self.before_mode:04o}"
            after = {"removed": "absent", "content": f"present with other content, mode {self.wanted.mode:04o}"}.get(
                self.kind, f"present, mode {self.wanted.mode:04o}"
            )
            return {"before_header": name, "after_header": name, "before": f"{before}\n", "after": f"{after}\n"}
        return {
            "before_header": name,
            "after_header": name,
            "before": self.before,
            "after": self.wanted.content or "",
        }

    def as_dict(self) -> dict[str, Any]:
        """What a result shows; of a secret no sum of its content, which could be guessed from it."""
        content = self.wanted.content
        known = content is not None and not self.wanted.secret
        digest = hashlib.sha256((content or "").encode()).hexdigest() if known else None
        return {"path": str(self.wanted.path), "change": self.kind, "sha256": digest}


def plan(wanted: Iterable[Wanted]) -> list[Change]:
    """What differs from `wanted`, in its order."""
    found = (_compare(one) for one in wanted)
    return [change for change in found if change]


def apply(changes: Iterable[Change]) -> None:
    """Carries the changes out; raises FileWriteError at the first that fails, with what was written before it kept."""
    for change in changes:
        path = change.wanted.path
        try:
            if change.kind == "removed":
                path.unlink()
            elif change.kind == "mode":
                os.chown(path, 0, 0) if os.geteuid() == 0 else None
                path.chmod(change.wanted.mode)
            else:
                _write(path, change.wanted)
        except OSError as error:
            raise FileWriteError(
                f"{path} cannot be {'removed' if change.kind == 'removed' else 'written'} ({error.strerror}); free "
                "space or "
                "mend the disk, then run the play again: it continues where it stopped"
            ) from error


def _compare(wanted: Wanted) -> Change | None:
    try:
        details = wanted.path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None if wanted.content is None else Change(wanted, "created", "", None)
    mode = stat.S_IMODE(details.st_mode)
    regular = stat.S_ISREG(details.st_mode)
    content = wanted.path.read_text(encoding="utf-8", errors="replace") if regular else ""
    if wanted.content is None:
        return Change(wanted, "removed", content, mode)
    if not regular or content != wanted.content:
        return Change(wanted, "content", content, mode)
    owned = details.st_uid == os.geteuid()
    return None if mode == wanted.mode and owned else Change(wanted, "mode", content, mode)


def _write(path: Path, wanted: Wanted) -> None:
    make_directories(path.parent, wanted.directory_mode)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(wanted.content or "")
            file.flush()
            os.fchmod(file.fileno(), wanted.mode)
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def make_directories(directory: Path, mode: int) -> None:
    """Like mkdir with parents, each new one with `mode` whatever the umask."""
    missing = [one for one in [directory, *directory.parents] if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=mode)
        one.chmod(mode)
