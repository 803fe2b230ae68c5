"""Evidence says which files it is about, and stops counting when they change."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests import evidence

_COVERS = ["roles/k3s/**/*"]


def _write(root: Path, exercised: dict[str, str]) -> Path:
    return evidence.write(
        "cluster",
        measured=date(2026, 11, 25),
        covers=_COVERS,
        exercised=exercised,
        results=[evidence.Result("joins", "passed", 1.5)],
        versions={},
        figures={},
        root=root,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small repository with evidence about one role."""
    tasks = tmp_path / "roles" / "k3s" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text("- name: Install\n", encoding="utf-8")
    (tmp_path / "roles" / "k3s" / "README.md").write_text("K3s\n", encoding="utf-8")
    _write(tmp_path, evidence.sums(_COVERS, tmp_path))
    return tmp_path


def test_untouched_files_keep_their_evidence(tree: Path) -> None:
    assert evidence.stale(tree) == []


@pytest.mark.parametrize("name", ["main.yml", "added.yml"])
def test_a_changed_or_added_file_makes_its_area_stale(tree: Path, name: str) -> None:
    (tree / "roles" / "k3s" / "tasks" / name).write_text("- name: Other\n", encoding="utf-8")
    (found,) = evidence.stale(tree)
    assert found.changed == (f"roles/k3s/tasks/{name}",)
    assert str(found) == f"STALE cluster: measured 2026-11-25, changed since: roles/k3s/tasks/{name}"


def test_a_removed_file_makes_its_area_stale(tree: Path) -> None:
    (tree / "roles" / "k3s" / "tasks" / "main.yml").unlink()
    assert [found.area for found in evidence.stale(tree)] == ["cluster"]


def test_a_page_for_people_is_no_part_of_what_was_exercised(tree: Path) -> None:
    (tree / "roles" / "k3s" / "README.md").write_text("K3s, told better\n", encoding="utf-8")
    assert evidence.stale(tree) == []


def test_the_machine_is_described_without_its_name(tree: Path) -> None:
    written = json.loads((tree / "docs" / "evidence" / "cluster.json").read_text(encoding="utf-8"))
    assert set(written["machine"]) == {"processors", "memory_gib", "architecture", "kernel"}


def test_nothing_is_written_about_files_that_changed_while_they_were_tested(tree: Path) -> None:
    before = evidence.sums(_COVERS, tree)
    written = tree / "docs" / "evidence" / "cluster.json"
    written.unlink()
    (tree / "roles" / "k3s" / "tasks" / "main.yml").write_text("- name: Edited meanwhile\n", encoding="utf-8")
    with pytest.raises(evidence.ChangedMeanwhileError, match=r"roles/k3s/tasks/main\.yml"):
        _write(tree, before)
    assert not written.exists()


def test_the_secrets_of_a_site_are_no_part_of_evidence(tmp_path: Path) -> None:
    secrets = tmp_path / "inventory" / "homelab" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "k3s-token").write_text("a token\n", encoding="utf-8")
    (secrets.parent / "hosts.yml").write_text("all:\n", encoding="utf-8")
    assert list(evidence.sums(["inventory/homelab/**/*"], tmp_path)) == ["inventory/homelab/hosts.yml"]
