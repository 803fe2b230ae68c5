"""Whether a backup can be used: its archive is what was written, and, with an identity, opens into what was put in."""

from __future__ import annotations

from pathlib import Path

from . import archive, manifest, sqlite_copy
from .errors import BackupError
from .manifest import Manifest

DATASTORE = "server/db/state.db"


def require_unaltered(folder: Path) -> Manifest:
    """The manifest of a backup whose archive has the hash it had when it was made; raises `BackupError`."""
    described = manifest.read(folder)
    path = folder / manifest.ARCHIVE
    try:
        found = archive.sha256_of(path)
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}. Use an older backup.") from error
    if found != described.archive_sha256:
        raise BackupError(f"{path} was altered since it was made, or its disk fails. Use an older backup.")
    return described


def unpack_and_check(folder: Path, identity: Path, into: Path) -> Manifest:
    """Unpacks a backup below `into` and compares all of it with the manifest; raises `BackupError`."""
    described = require_unaltered(folder)
    found = archive.unpack(folder / manifest.ARCHIVE, identity, into)
    if found != described.files:
        differing = sorted(set(found.items()) ^ set(described.files.items()))
        raise BackupError(
            f"{folder} does not hold what its manifest says: {differing[0][0]} differs. Use an older backup."
        )
    if described.kind == "sqlite":
        store = into / DATASTORE
        sqlite_copy.require_whole(store, f"the datastore in {folder}")
        counts = sqlite_copy.count_by_kind(sqlite_copy.object_names(store))
        if counts != described.objects:
            raise BackupError(
                f"The datastore in {folder} does not hold the objects that its manifest counts. Use an older one."
            )
    return described
