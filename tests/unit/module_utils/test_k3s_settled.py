"""A run ends early only where nothing is to be done: each thing that can be wrong sends it through all its steps."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import (
    k3s_binary,
    k3s_files,
    k3s_kubeconfig,
    k3s_settled,
)

TEXT = "clusters:\n- cluster:\n    server: https://127.0.0.1:6443\n  name: default\n"


@pytest.fixture
def program(tmp_path: Path) -> k3s_settled.Program:
    path = tmp_path / "k3s-v1.35.0+k3s1"
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    (tmp_path / "k3s").symlink_to(path)
    (tmp_path / "kubectl").symlink_to("k3s")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return k3s_settled.Program(path, tmp_path / "k3s", "v1.35.0+k3s1", digest, ["kubectl"])


def due(program: k3s_settled.Program, version: str | None = "v1.35.0+k3s1") -> list[str]:
    return list(k3s_settled.of_program(program, version))


def test_nothing_is_due_about_a_program_that_is_right(program: k3s_settled.Program) -> None:
    assert due(program) == []


def test_another_version_is_due_also_when_all_files_are_right(program: k3s_settled.Program) -> None:
    assert due(program, None) == ["the version is absent instead of v1.35.0+k3s1"]


def test_an_altered_program_a_missing_name_and_an_old_file_are_due(program: k3s_settled.Program) -> None:
    program.path.write_text("#!/bin/sh\nevil\n", encoding="utf-8")
    (program.link.parent / "kubectl").unlink()
    (program.link.parent / "k3s-v1.33.0+k3s1").touch()
    assert [phrase.rpartition("/")[2] for phrase in due(replace(program, keep=0))] == [
        "k3s-v1.35.0+k3s1 has another content",
        "kubectl is missing",
        "k3s-v1.33.0+k3s1 is no longer needed",
    ]


def test_a_link_that_leads_elsewhere_is_due(program: k3s_settled.Program) -> None:
    program.link.unlink()
    program.link.symlink_to("/usr/bin/false")
    assert "does not lead to" in due(program)[0]


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o700])
def test_a_program_that_others_may_write_or_not_run_is_due(program: k3s_settled.Program, mode: int) -> None:
    program.path.chmod(mode)
    assert due(program) == [f"{program.path} may be written by others, or not run by all"]
    k3s_binary.guard(program.path)
    assert due(program) == []


def test_a_file_with_another_content_or_mode_is_due(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("secret\n", encoding="utf-8")
    path.chmod(0o644)
    assert list(k3s_settled.of_files([k3s_files.Wanted(path, "secret\n")])) == [f"{path}: mode"]
    path.chmod(0o600)
    assert list(k3s_settled.of_files([k3s_files.Wanted(path, "secret\n")])) == []
    assert list(k3s_settled.of_files([k3s_files.Wanted(path, "other\n")])) == [f"{path}: content"]


def test_the_controllers_kubeconfig_is_compared_by_its_sum_and_its_cluster(tmp_path: Path) -> None:
    source = tmp_path / "k3s.yaml"
    source.write_text(TEXT, encoding="utf-8")
    copied = k3s_kubeconfig.rewritten(TEXT, "https://10.0.0.102:6443", "homelab")
    kept = {
        "path": "kubeconfig",
        "sha256": hashlib.sha256(copied.encode()).hexdigest(),
        "server": "https://10.0.0.102:6443",
        "name": "homelab",
        "cluster_id": "one",
    }
    assert list(k3s_settled.of_kubeconfig(kept, "one", str(source))) == []
    assert list(k3s_settled.of_kubeconfig(kept, "another", str(source)))
    assert list(k3s_settled.of_kubeconfig({**kept, "name": "renamed"}, "one", str(source)))
    assert list(k3s_settled.of_kubeconfig(kept, "one", str(tmp_path / "absent")))
