"""What goes wrong while a backup is made ends it, leaves nothing half-made, and takes no older one away."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup import archive, manifest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup.errors import BackupError

from tests.unit.backup.server import NOW, Node

pytestmark = pytest.mark.skipif(shutil.which("age") is None, reason="the program age is missing (package age)")


def test_what_somebody_put_beside_the_backups_is_none_of_them_and_stays(node: Node) -> None:
    first = node.back_up(NOW, keep=2).folder
    for name in ("0-first", "before-upgrade"):
        shutil.copytree(first, first.with_name(name))

    second = node.back_up(NOW + timedelta(days=1), keep=1)

    assert second.removed == (first,)
    assert {one.name for one in first.parent.iterdir()} == {"0-first", "before-upgrade", second.folder.name}


def test_older_backups_stay_when_the_new_one_cannot_be_read_back(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    older = [node.back_up(NOW + timedelta(days=day)).folder for day in range(2)]
    written = archive.write

    def failing_disk(members: Mapping[str, Path], target: Path, recipients: Sequence[str]) -> dict[str, str]:
        digests = written(members, target, recipients)
        told = iter(("0" * 64, "1" * 64))
        monkeypatch.setattr(archive, "sha256_of", lambda path: next(told))
        return digests

    monkeypatch.setattr(archive, "write", failing_disk)
    with pytest.raises(BackupError, match="was altered since it was made"):
        node.back_up(NOW + timedelta(days=9), keep=1)

    assert sorted((node.target / "k3s").iterdir()) == older


def test_a_file_that_went_meanwhile_ends_the_backup_and_does_not_hang(node: Node, tmp_path: Path) -> None:
    node.target.mkdir()
    raised: list[Exception] = []

    def write() -> None:
        try:
            archive.write({"gone": tmp_path / "gone"}, node.target / manifest.ARCHIVE, [node.recipient])
        except BackupError as error:
            raised.append(error)

    writer = threading.Thread(target=write, daemon=True)  # so that one that hangs ends with the tests
    writer.start()
    writer.join(timeout=30)

    assert not writer.is_alive()
    assert str(tmp_path / "gone") in str(raised[0])


def test_a_disk_without_room_is_told_in_the_words_of_age(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.target.mkdir()
    program = tmp_path / "path" / "age"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nhead -c 9 > /dev/null\necho 'age: no space left on device' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    (node.store.server / "token").write_bytes(os.urandom(1 << 20))  # more than a pipe holds

    with pytest.raises(BackupError, match=r"could not be written to .*: age: no space left on device"):
        archive.write({"token": node.store.server / "token"}, node.target / manifest.ARCHIVE, [node.recipient])
