"""A server's files as K3s leaves them, and a key pair for its backups."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup import making
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup.content import K3sDatastore

NOW = datetime(2026, 3, 5, 3, 30, tzinfo=UTC)
TOKEN = "K10" + "ab" * 32 + "::server:" + "5f" * 32
SECRET_VALUE = b"k8s:enc:a-secret-of-the-cluster"


def identity(folder: Path) -> tuple[Path, str]:
    file = folder / "identity"
    subprocess.run(["age-keygen", "-o", str(file)], check=True, capture_output=True)
    done = subprocess.run(["age-keygen", "-y", str(file)], check=True, capture_output=True, text=True)
    return file, done.stdout.strip()


def write_kine(path: Path, *names: str, deleted: tuple[str, ...] = ()) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE IF NOT EXISTS kine (id INTEGER PRIMARY KEY, name TEXT, deleted INTEGER, value BLOB)")
        rows = [(name, 0, SECRET_VALUE) for name in names] + [(name, 1, b"") for name in deleted]
        made.executemany("INSERT INTO kine (name, deleted, value) VALUES (?, ?, ?)", rows)
        made.commit()


class Node:
    """A server's files, and a place for its backups."""

    def __init__(self, root: Path) -> None:
        self.identity, self.recipient = identity(root)
        self.store = K3sDatastore(root / "k3s", root / "etc", root / "bin" / "k3s")
        self.target = root / "backups"
        self.stage = root / "stage"
        self.database = self.store.server / "db" / "state.db"
        write_kine(
            self.database,
            "/registry/configmaps/default/settings",
            "/registry/secrets/default/password",
            "/registry/pods/default/web",
            "/registry/configmaps/default/gone",
            deleted=("/registry/configmaps/default/gone",),
        )
        (self.store.server / "db" / "etcd").mkdir()  # K3s makes it with SQLite, too
        (self.store.server / "token").write_text(TOKEN)
        (self.store.server / "tls").mkdir()
        (self.store.server / "tls" / "server-ca.key").write_text("KEY")
        (root / "etc").mkdir()
        (root / "etc" / "config.yaml").write_text("node-ip: 10.0.0.102\n")

    def order(self, keep: int = 3) -> making.Order:
        return making.Order(self.target, self.stage, "homelab", "node-1", (self.recipient,), keep)

    def back_up(self, now: datetime = NOW, keep: int = 3) -> making.Made:
        return making.make(self.store, self.order(keep), now)
