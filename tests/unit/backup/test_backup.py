from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup import (
    archive,
    checking,
    content,
    making,
    manifest,
    restoring,
    runner,
    sqlite_copy,
)
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup.content import Directory, K3sDatastore
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup.errors import BackupError

from tests.unit.backup.server import NOW, SECRET_VALUE, TOKEN, Node, identity, write_kine

pytestmark = pytest.mark.skipif(shutil.which("age") is None, reason="the program age is missing (package age)")


def test_what_was_put_in_comes_out_and_nothing_lies_in_clear(node: Node, tmp_path: Path) -> None:
    made = node.back_up()

    opened = tmp_path / "opened"
    described = checking.unpack_and_check(made.folder, node.identity, opened)
    assert described.objects == {"configmaps": 1, "pods": 1, "secrets": 1}
    assert (opened / "server/token").read_text() == TOKEN
    assert (opened / "config/config.yaml").read_text() == "node-ip: 10.0.0.102\n"
    assert list(node.stage.iterdir()) == []
    written = b"".join(path.read_bytes() for path in node.target.rglob("*") if path.is_file())
    assert not any(secret in written for secret in (SECRET_VALUE, TOKEN.encode(), b"5f" * 32, b"KEY"))


def test_files_are_for_root_alone(node: Node) -> None:
    made = node.back_up()

    assert stat.S_IMODE((made.folder / manifest.ARCHIVE).stat().st_mode) == 0o600
    assert stat.S_IMODE(node.target.joinpath("k3s").stat().st_mode) == 0o700


def test_a_copy_is_whole_while_another_keeps_writing(node: Node, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(node.database, timeout=30)) as live:
            number = 0
            while not stop.is_set():
                live.execute(
                    "INSERT INTO kine (name, deleted, value) VALUES (?, 0, ?)", (f"/registry/a/{number}", b"x" * 4000)
                )
                live.commit()
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for place in range(5):
            made = node.back_up(NOW + timedelta(seconds=place))
            checking.unpack_and_check(made.folder, node.identity, tmp_path / str(place))
    finally:
        stop.set()
        writer.join()


def test_older_backups_go_only_after_the_new_one_is_whole(node: Node) -> None:
    folders = [node.back_up(NOW + timedelta(days=day), keep=2).folder for day in range(3)]
    assert manifest.made(node.target / "k3s") == folders[1:]

    node.database.write_bytes(b"not a database any more" * 400)
    with pytest.raises(BackupError):
        node.back_up(NOW + timedelta(days=9), keep=1)

    assert manifest.made(node.target / "k3s") == folders[1:]
    assert [one.name for one in (node.target / "k3s").iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize("place", [0, -1, 200])
def test_one_altered_byte_is_found(node: Node, place: int) -> None:
    made = node.back_up()
    file = made.folder / manifest.ARCHIVE
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)

    with pytest.raises(BackupError, match="was altered since it was made"):
        checking.require_unaltered(made.folder)


def test_an_archive_with_another_content_than_its_manifest_says_is_refused(node: Node, tmp_path: Path) -> None:
    made = node.back_up()
    described = json.loads((made.folder / manifest.FILE).read_text())
    described["files"]["server/token"] = "0" * 64
    (made.folder / manifest.FILE).write_text(json.dumps(described))

    with pytest.raises(BackupError, match="does not hold what its manifest says: server/token"):
        checking.unpack_and_check(made.folder, node.identity, tmp_path / "opened")


def test_another_identity_does_not_open_it(node: Node, tmp_path: Path) -> None:
    made = node.back_up()
    (tmp_path / "other").mkdir()

    with pytest.raises(BackupError, match="cannot be opened"):
        checking.unpack_and_check(made.folder, identity(tmp_path / "other")[0], tmp_path / "opened")


def test_another_token_is_refused_by_name_and_without_showing_either(node: Node) -> None:
    described = node.back_up().manifest

    restoring.require_same_token(described, "5f" * 32, "secrets/k3s_token")  # the short form of the same one
    with pytest.raises(BackupError, match="another cluster token than the one in secrets/k3s_token") as refused:
        restoring.require_same_token(described, "77" * 32, "secrets/k3s_token")
    assert "77" * 32 not in str(refused.value) and "5f" * 32 not in str(refused.value)


def test_put_back_moves_aside_what_was_there_and_proves_what_is_back(node: Node, tmp_path: Path) -> None:
    made = node.back_up()
    opened = tmp_path / "opened"
    checking.unpack_and_check(made.folder, node.identity, opened)
    write_kine(node.database, "/registry/configmaps/default/later", deleted=("/registry/configmaps/default/settings",))
    kept = sqlite_copy.object_names(opened / checking.DATASTORE)
    assert restoring.lost(kept, node.database) == ["/registry/configmaps/default/settings"]

    restored = restoring.put_back(opened, node.store, NOW)

    assert restoring.lost(kept, node.database) == []
    assert "/registry/configmaps/default/later" in sqlite_copy.object_names(restored.aside / "db" / "state.db")
    assert (restored.aside / "tls" / "server-ca.key").read_text() == "KEY" and not (node.store.server / "tls").exists()
    assert stat.S_IMODE(node.database.stat().st_mode) == 0o600


def test_pods_and_leases_are_not_missed(node: Node) -> None:
    assert restoring.lost(frozenset({"/registry/pods/default/web-1", "/registry/leases/x/y"}), node.database) == []


def test_a_snapshot_of_etcd_and_a_directory_are_not_restored_as_a_datastore(node: Node) -> None:
    described = node.back_up().manifest
    for kind, words in (("etcd", "--cluster-reset-restore-path"), ("files", "no datastore of K3s")):
        with pytest.raises(BackupError, match=words):
            restoring.require_datastore(manifest.Manifest(**{**vars(described), "kind": kind}))


def test_a_directory_is_taken_with_owners_modes_and_its_databases_as_of_one_moment(node: Node, tmp_path: Path) -> None:
    volume = tmp_path / "chroma"
    (volume / "deep").mkdir(parents=True)
    (volume / "deep" / "vectors.bin").write_bytes(b"\1\2")
    (volume / "deep" / "vectors.bin").chmod(0o640)
    (volume / "link").symlink_to("/etc/passwd")
    live = sqlite3.connect(volume / "chroma.sqlite3")
    live.execute("PRAGMA journal_mode = WAL")
    live.execute("CREATE TABLE t (x)")
    live.execute("INSERT INTO t VALUES (7)")
    live.commit()  # in the write-ahead log, not yet in the file

    made = making.make(Directory("chroma", volume), node.order(), NOW)
    live.close()

    opened = tmp_path / "opened"
    checking.unpack_and_check(made.folder, node.identity, opened)
    assert sorted(made.manifest.files) == ["chroma.sqlite3", "deep/vectors.bin"]
    assert stat.S_IMODE((opened / "deep" / "vectors.bin").stat().st_mode) == 0o640
    with closing(sqlite3.connect(opened / "chroma.sqlite3")) as copied:
        assert copied.execute("SELECT x FROM t").fetchall() == [(7,)]


def test_root_gives_files_back_to_their_owner(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = node.back_up()
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _file, user, group: given.append((user, group)))

    checking.unpack_and_check(made.folder, node.identity, tmp_path / "opened")

    assert given == [(os.getuid(), os.getgid())] * len(made.manifest.files)


@pytest.mark.skipif(not os.path.ismount("/dev/shm"), reason="no other file system is mounted below /dev here")
def test_other_file_systems_below_a_directory_are_not_entered() -> None:
    found = content._tree(Path("/dev"), "")
    assert not any(name == "shm" or name.startswith("shm/") for name in found)


def test_a_database_with_a_damaged_page_is_not_backed_up(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE t (x)")
        made.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
        made.commit()
    damaged = bytearray(path.read_bytes())
    damaged[8192:8300] = bytes(108)
    path.write_bytes(damaged)

    with pytest.raises(BackupError, match="is damaged"):
        sqlite_copy.copy(path, tmp_path / "copied.db")


@pytest.mark.parametrize("name", ["../outside", "/absolute"])
def test_an_archive_that_leads_out_of_its_directory_is_refused(node: Node, tmp_path: Path, name: str) -> None:
    inner = tmp_path / "inner.tar.gz"
    with tarfile.open(inner, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name))
    evil = tmp_path / "evil"
    subprocess.run(["age", "-r", node.recipient, "-o", str(evil), str(inner)], check=True)

    with pytest.raises(BackupError, match="leads out of it"):
        archive.unpack(evil, node.identity, tmp_path / "opened")


def test_nobody_to_encrypt_to_and_no_server_are_refused_with_the_next_step(node: Node, tmp_path: Path) -> None:
    order = making.Order(node.target, node.stage, "homelab", "node-1", (), 3)
    with pytest.raises(BackupError, match="age-keygen"):
        making.make(node.store, order, NOW)
    with pytest.raises(BackupError, match="an agent has none"):
        making.make(K3sDatastore(tmp_path / "absent", tmp_path, tmp_path), node.order(), NOW)
    assert manifest.made(node.target / "k3s") == []


def test_the_timers_program_makes_them_all_and_one_that_fails_stops_no_other(node: Node, tmp_path: Path) -> None:
    code = tmp_path / "lib" / "backup"
    shutil.copytree(Path(runner.__file__).parent, code, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "file").write_text("x")
    config = {
        "site": "homelab", "host": "node-1", "target": str(node.target), "stage": str(node.stage),
        "recipients": [node.recipient], "keep": 3,
        "k3s": {"data_dir": str(node.store.data_dir), "config_dir": str(node.store.config_dir), "program": "k3s"},
        "directories": [{"name": "gone", "path": str(tmp_path / "gone")},
                        {"name": "volume", "path": str(tmp_path / "volume")}],
    }  # fmt: skip
    (tmp_path / "backup.json").write_text(json.dumps(config))

    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(code.parent)!r}); "
               "import runpy; runpy.run_module('backup.runner', run_name='__main__', alter_sys=True)"]  # fmt: skip
    done = subprocess.run([*command, str(tmp_path / "backup.json")], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "gone is not there. Mount its disk" in done.stderr and "Traceback" not in done.stderr
    assert sorted(one.name for one in node.target.iterdir() if manifest.made(one)) == ["k3s", "volume"]
