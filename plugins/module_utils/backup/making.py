"""One backup from beginning to end: gathered, encrypted, read back, described, and older ones let go."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from . import archive, checking, manifest
from .content import Content, Gathered
from .errors import BackupError
from .manifest import Manifest
from .token_fingerprint import fingerprint


@dataclass(frozen=True)
class Order:
    """Where backups go and who can read them. `stage` is a directory of root's alone, for copies in clear."""

    target: Path
    stage: Path
    site: str
    host: str
    recipients: Sequence[str]
    keep: int


@dataclass(frozen=True)
class Made:
    """A finished backup and the ones that it took the place of."""

    folder: Path
    manifest: Manifest
    removed: tuple[Path, ...]


def make(content: Content, order: Order, now: datetime) -> Made:
    """Raises `BackupError`; then nothing half-made and no plain copy is left, and no older backup is gone."""
    target = order.target / content.name
    finished = target / manifest.stamp(now)
    if finished.exists():
        raise BackupError(f"{finished} is there already. Wait a second and try again.")
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        order.stage.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target))
    except OSError as error:
        raise BackupError(
            f"Nothing can be written to {target}: {error.strerror}. Name a directory with room in backup_dir."
        ) from error
    try:
        described = _write(content, order, partial, now)
        described.write(partial)
        os.sync()
        checking.require_unaltered(partial)
        partial.rename(finished)
    except OSError as error:
        raise BackupError(
            f"The backup of {content.name} failed: {error}. See how much room is left below {target}."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Made(finished, described, tuple(_let_go(target, order.keep)))


def _write(content: Content, order: Order, folder: Path, now: datetime) -> Manifest:
    with tempfile.TemporaryDirectory(prefix="stage-", dir=order.stage) as stage:
        found = content.gather(Path(stage))
        path = folder / manifest.ARCHIVE
        digests = archive.write(found.members, path, order.recipients)
        return Manifest(
            site=order.site,
            host=order.host,
            item=content.name,
            kind=found.kind,
            made_at=now.isoformat(timespec="seconds"),
            archive_sha256=archive.sha256_of(path),
            archive_bytes=path.stat().st_size,
            files=digests,
            recipients=list(order.recipients),
            token_fingerprint=_fingerprint(found),
            objects=found.objects,
        )


def _fingerprint(found: Gathered) -> str:
    return fingerprint(found.token_file.read_text(encoding="utf-8")) if found.token_file else ""


def _let_go(target: Path, keep: int) -> list[Path]:
    old = manifest.made(target)[: -max(keep, 1)]
    for folder in old:
        shutil.rmtree(folder)
    return old
