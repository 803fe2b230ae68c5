"""What a backup says about itself; lies in clear beside the archive and holds no secret."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .errors import BackupError

FILE = "manifest.json"
ARCHIVE = "backup.tar.gz.age"
SCHEMA_VERSION = 1
STAMP = "%Y%m%dT%H%M%SZ"
_STAMPED = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True)
class Manifest:
    """`files` are sha256 by the names in the archive; `objects` counts K3s' objects by resource."""

    site: str
    host: str
    item: str
    kind: str  # sqlite or etcd for K3s' datastore, files for a directory
    made_at: str  # ISO 8601, UTC
    archive_sha256: str
    archive_bytes: int
    files: dict[str, str]
    recipients: list[str]
    token_fingerprint: str = ""
    objects: dict[str, int] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def moment(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.made_at)

    def write(self, folder: Path) -> None:
        """Into the folder of the backup."""
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", encoding="utf-8")

    def facts(self) -> dict[str, Any]:
        """What a module returns of it."""
        return {name: value for name, value in asdict(self).items() if name != "files"}


def read(folder: Path) -> Manifest:
    """The manifest of a backup's folder; raises `BackupError`."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if content.get("schema_version") != SCHEMA_VERSION:
            raise BackupError(f"{folder} was made by another version (schema {content.get('schema_version')}).")
        return Manifest(**content)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BackupError(f"{folder} is no backup: its {FILE} cannot be read ({error}). Name another one.") from error


def stamp(moment: datetime) -> str:
    """The name of a backup made at `moment`; sorts by time."""
    return moment.astimezone(timezone.utc).strftime(STAMP)  # noqa: UP017 - nodes may have Python 3.9


def made(target: Path) -> list[Path]:
    """The finished backups in a directory, the oldest first; what bears another name was put there by somebody."""
    if not target.is_dir():
        return []
    return sorted(one for one in target.iterdir() if _STAMPED.fullmatch(one.name) and (one / FILE).is_file())


def newest(target: Path) -> Manifest | None:
    """That of the newest backup in a directory whose manifest can be read; None where there is none."""
    for folder in reversed(made(target)):
        with contextlib.suppress(BackupError):
            return read(folder)
    return None
