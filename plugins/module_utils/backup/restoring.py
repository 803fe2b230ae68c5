"""Puts a checked backup back. What lay there before is moved aside, never deleted."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from . import manifest, sqlite_copy
from .checking import DATASTORE
from .content import K3sDatastore
from .errors import BackupError
from .manifest import Manifest
from .token_fingerprint import fingerprint

# K3s makes both anew from the datastore; older or newer ones than it stop the start.
_STALE = ("tls", "cred")
# Objects that the cluster makes and drops by itself all the time.
VOLATILE = (
    "/registry/events/",
    "/registry/leases/",
    "/registry/masterleases/",
    "/registry/pods/",
    "/registry/replicasets/",
    "/registry/controllerrevisions/",
    "/registry/endpointslices/",
    "/registry/services/endpoints/",
    "/registry/minions/",
    "/registry/csinodes/",
)


@dataclass(frozen=True)
class Restored:
    """Where what lay there before was moved."""

    aside: Path


def require_same_token(described: Manifest, token: str, name: str) -> None:
    """Raises `BackupError` when K3s could not read the datastore with `token`; `name` is what the operator calls it."""
    if described.token_fingerprint != fingerprint(token):
        raise BackupError(
            f"Nothing was changed: this backup was made with another cluster token than the one in {name}, and K3s "
            "would refuse the datastore. Put the token of that time there (it is in the archive as server/token: "
            f"`age --decrypt --identity FILE {manifest.ARCHIVE} | tar -xzO server/token`), and run the play again."
        )


def require_datastore(described: Manifest) -> None:
    """Raises `BackupError` unless it is a backup of SQLite."""
    if described.kind == "etcd":
        raise BackupError(
            "Nothing was changed: this is a snapshot of etcd, which is restored on one server with `k3s server "
            "--cluster-reset --cluster-reset-restore-path=FILE` (the file is server/db/etcd-snapshot in the archive); "
            "then the other servers join anew."
        )
    if described.kind != "sqlite":
        raise BackupError(f"Nothing was changed: this is a backup of {described.item}, and no datastore of K3s.")


def put_back(unpacked: Path, store: K3sDatastore, now: datetime) -> Restored:
    """Puts the datastore and the token below K3s' data directory; K3s must not run."""
    aside = store.server.with_name(f"server-before-restore-{manifest.stamp(now)}")
    aside.mkdir(parents=True, mode=0o700)
    for part in ("db", "token", "agent-token", *_STALE):
        if os.path.lexists(store.server / part):
            (store.server / part).rename(aside / part)
    (store.server / "db").mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in (DATASTORE, "server/token", "server/agent-token"):
        source = unpacked / name
        if source.is_file():
            target = store.data_dir / name
            shutil.copyfile(source, target)
            target.chmod(0o600)
    sqlite_copy.require_whole(store.data_dir / DATASTORE, "the datastore that was put back")
    return Restored(aside)


def lost(described_names: frozenset[str], live: Path) -> list[str]:
    """Names of lasting objects that the backup has and the running datastore has not."""
    there = sqlite_copy.object_names(live)
    return sorted(name for name in described_names - there if not name.startswith(VOLATILE))
