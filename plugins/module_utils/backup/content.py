"""What goes into a backup: K3s' datastore with its token and certificates, or a directory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from . import sqlite_copy
from .errors import BackupError

_BESIDE_SQLITE = ("-wal", "-shm", "-journal")
_WITH_THE_DATASTORE = ("token", "agent-token", "node-token", "tls", "cred")


@dataclass
class Gathered:
    """Files by their name in the archive, and what the manifest says of them."""

    kind: str
    members: dict[str, Path] = field(default_factory=dict)
    objects: dict[str, int] = field(default_factory=dict)
    token_file: Path | None = None


class Content(Protocol):
    """Something that can be backed up."""

    @property
    def name(self) -> str:
        """The name of its folder among the backups."""

    def gather(self, stage: Path) -> Gathered:
        """What it consists of now; copies of what is in use go into the empty folder `stage`.

        Raises `BackupError`.
        """


@dataclass(frozen=True)
class K3sDatastore:
    """The datastore of a server, its token, certificates and configuration."""

    data_dir: Path
    config_dir: Path
    program: Path
    name: str = "k3s"

    @property
    def server(self) -> Path:
        """Where the server keeps its state."""
        return self.data_dir / "server"

    def gather(self, stage: Path) -> Gathered:
        """See `Content`."""
        if not (self.server / "db").is_dir():
            raise BackupError(
                f"There is no K3s server below {self.data_dir}. Name its data directory; an agent has none."
            )
        # K3s makes db/etcd with SQLite, too; only a member of etcd has data in it.
        found = self._etcd(stage) if (self.server / "db" / "etcd" / "member").is_dir() else self._sqlite(stage)
        for part in _WITH_THE_DATASTORE:
            found.members.update(_tree(self.server / part, f"server/{part}"))
        found.members.update(_tree(self.config_dir, "config"))
        found.token_file = self.server / "token"
        return found

    def _sqlite(self, stage: Path) -> Gathered:
        copied = stage / "state.db"
        sqlite_copy.copy(self.server / "db" / "state.db", copied)
        copied.chmod(0o600)
        counts = sqlite_copy.count_by_kind(sqlite_copy.object_names(copied))
        if not counts:
            raise BackupError(
                f"The datastore below {self.server} holds no object at all. Look at it before older backups go."
            )
        return Gathered("sqlite", {"server/db/state.db": copied}, counts)

    def _etcd(self, stage: Path) -> Gathered:
        folder = stage / "etcd"
        folder.mkdir(mode=0o700)
        command = [str(self.program), "etcd-snapshot", "save", "--name", "backup", "--dir", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        made = sorted(folder.iterdir())
        if done.returncode or not made:
            last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise BackupError(f"K3s made no snapshot of etcd: {last[0]}. See `k3s etcd-snapshot save` on this host.")
        return Gathered("etcd", {"server/db/etcd-snapshot": made[0]})


@dataclass(frozen=True)
class Directory:
    """A directory of one file system; SQLite files in it are copied as of one moment, others as they are read."""

    name: str
    path: Path

    def gather(self, stage: Path) -> Gathered:
        """See `Content`."""
        if not self.path.is_dir():
            raise BackupError(f"{self.path} is not there. Mount its disk, or take {self.name} out of the list.")
        found = Gathered("files")
        for name, path in _tree(self.path, "").items():
            if any(
                name.endswith(end) and sqlite_copy.is_sqlite(path.with_name(path.name[: -len(end)]))
                for end in _BESIDE_SQLITE
            ):
                continue
            found.members[name] = (
                self._still(path, stage / str(len(found.members))) if sqlite_copy.is_sqlite(path) else path
            )
        return found

    @staticmethod
    def _still(path: Path, copied: Path) -> Path:
        sqlite_copy.copy(path, copied)
        status = path.stat()
        copied.chmod(status.st_mode & 0o777)
        os.chown(copied, status.st_uid, status.st_gid)
        return copied


def _tree(root: Path, name: str) -> dict[str, Path]:
    """Regular files and directories at `root` by their name in the archive; other file systems are not entered."""
    if root.is_file():
        return {name: root.resolve()}
    return {str(Path(name, one.relative_to(root))): one for one in _below(root)} if root.is_dir() else {}


def _below(root: Path) -> Iterator[Path]:
    device = root.stat().st_dev
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            one for one in folders if not (here / one).is_symlink() and (here / one).stat().st_dev == device
        )
        yield from (here / one for one in folders)
        yield from (path for one in sorted(files) if (path := here / one).is_file() and not path.is_symlink())
