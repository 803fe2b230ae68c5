"""Copies on the controller and on other hosts: the oldest go, and only those that were made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.role_runner import run_role

MADE = ("20260301T033000Z", "20260302T033000Z", "20260303T033000Z")
KEPT_BY_HAND = ("0-first", "before-upgrade")


@pytest.mark.parametrize(("keep", "gone"), [(2, MADE[:1]), (0, MADE[:2]), (5, ())])
def test_the_oldest_copies_go_and_what_somebody_put_there_stays(
    tmp_path: Path, keep: int, gone: tuple[str, ...]
) -> None:
    copies = tmp_path / "backups" / "cluster" / "k3s"
    for name in (*MADE, *KEPT_BY_HAND):
        (copies / name).mkdir(parents=True)
        (copies / name / "manifest.json").touch()

    place = {"host": "localhost", "dir": str(tmp_path / "backups")}
    values = {"_backup_copies": str(copies), "_backup_place": place, "backup_keep": keep}
    run = run_role("backup", values, tmp_path / "play", tasks_from="prune")

    assert run.ok, run.output
    assert {one.name for one in copies.iterdir()} == {*MADE, *KEPT_BY_HAND} - {*gone}
