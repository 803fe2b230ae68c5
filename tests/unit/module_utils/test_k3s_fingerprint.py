"""What a process was started with is told apart from what lies on disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_fingerprint


@pytest.fixture
def host(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml.d").mkdir()
    (tmp_path / "k3s-v1.35.0+k3s1").write_text("program")
    (tmp_path / "k3s").symlink_to(tmp_path / "k3s-v1.35.0+k3s1")
    (tmp_path / "config.yaml").write_text("disable: [traefik]\n")
    (tmp_path / "config.yaml.d" / "20-more.yaml").write_text("a: b\n")
    return tmp_path


def patterns(host: Path) -> list[str]:
    return [str(host / name) for name in ("k3s", "config.yaml", "config.yaml.d/[!0]*.yaml", "token")]


def start(host: Path) -> Path:
    """As the unit does before each start."""
    record = host / "record"
    command = (
        f'{{ sha256sum {" ".join(patterns(host))} 2>/dev/null; echo "program  $(readlink -f {host}/k3s)"; }} >{record}'
    )
    subprocess.run(["/bin/sh", "-c", command], check=True)
    return record


def differences(host: Path, record: Path) -> list[str]:
    return k3s_fingerprint.differences(
        k3s_fingerprint.in_use(record), k3s_fingerprint.on_disk(patterns(host), str(host / "k3s"))
    )


def test_nothing_differs_right_after_a_start(host: Path) -> None:
    record = start(host)

    assert differences(host, record) == []
    assert k3s_fingerprint.version(k3s_fingerprint.in_use(record)) == "v1.35.0+k3s1"


def test_a_changed_file_a_new_one_and_a_removed_one_are_named(host: Path) -> None:
    record = start(host)
    (host / "config.yaml").write_text("disable: []\n")
    (host / "token").write_text("new")
    (host / "config.yaml.d" / "20-more.yaml").unlink()

    assert differences(host, record) == [
        f"{host}/config.yaml has changed",
        f"{host}/config.yaml.d/20-more.yaml was removed",
        f"{host}/token is new",
    ]


def test_a_program_that_was_put_into_use_later_is_noticed(host: Path) -> None:
    record = start(host)
    (host / "k3s-v1.36.4+k3s1").write_text("newer program")
    (host / "k3s").unlink()
    (host / "k3s").symlink_to(host / "k3s-v1.36.4+k3s1")

    assert differences(host, record) == [f"{host}/k3s has changed"]


def test_what_is_read_before_joining_only_does_not_count(host: Path) -> None:
    record = start(host)
    (host / "config.yaml.d" / "00-registration.yaml").write_text("node-taint: []\n")

    assert differences(host, record) == []


def test_without_a_record_a_restart_is_due(host: Path) -> None:
    assert differences(host, host / "no record") == ["it is not known what it was started with"]
