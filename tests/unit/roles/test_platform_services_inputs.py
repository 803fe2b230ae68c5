"""The roles of the services refuse what cannot work, and the import of an image changes a node only when it must."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.role_runner import run_role

ROUTES = [{"receiver": "pager", "matchers": ['severity="critical"']}]
REFUSED: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("log_analyzer", {"log_analyzer_replicas": 2}, ("SQLite has one writer", "log_analyzer_database_url_file")),
    ("monitoring", {"monitoring_retention": "a month"}, ("monitoring_retention is a month", "30d")),
    ("monitoring", {"monitoring_routes": ROUTES}, ("leads to pager", "none")),
    ("monitoring", {"monitoring_watchdog_url_file": "/none/url"}, ("/none/url does not exist",)),
]
IMAGE = "localhost/log-analyzer:1.0.0"
CONFIG = "a" * 64
FAKE_K3S = """#!/bin/sh
# Stands in for K3s: knows the image once it was imported, and that it is pinned once it was labelled.
here=$(dirname "$0")
echo "$@" >> "$here/calls"
case "$*" in
  *inspecti*) [ -e "$here/imported" ] || exit 1
    pinned=false; [ -e "$here/pinned" ] && pinned=true
    echo "{\\"status\\": {\\"id\\": \\"sha256:CONFIG\\", \\"pinned\\": $pinned}}" ;;
  *import*) touch "$here/imported" ;;
  *label*) touch "$here/pinned" ;;
esac
""".replace("CONFIG", CONFIG)


@pytest.mark.parametrize(("role", "given", "expected"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_cannot_work_is_refused_before_anything_is_changed(
    tmp_path: Path, role: str, given: dict[str, Any], expected: tuple[str, ...]
) -> None:
    run = run_role(role, {f"{role}_kubeconfig": "/none", f"{role}_secrets_dir": str(tmp_path), **given}, tmp_path)

    assert all(part in run.failure for part in expected), run.failure
    assert run.changed == ()


def test_the_token_of_alerts_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    given = {"monitoring_kubeconfig": "/none", "monitoring_secrets_dir": str(tmp_path / "secrets")}
    task = "Read the token of the analyzer's receiver, and make it when there is none"

    def configured(*, check: bool = False) -> tuple[str, ...]:
        run = run_role("monitoring", given, tmp_path, check=check, tasks_from="configuration")
        assert run.ok, run.failure
        return run.changed

    assert configured(check=True) == (task,) and not (tmp_path / "secrets").exists()
    assert configured() == (task,)
    token = tmp_path / "secrets" / "analyzer-alert-token"
    made = token.read_text(encoding="utf-8")
    assert configured() == () and token.read_text(encoding="utf-8") == made
    assert len(made.strip()) >= 32 and token.stat().st_mode & 0o777 == 0o600


def archive(path: Path, tag: str) -> Path:
    """An archive of an image as `podman save` writes it, of which only the manifest matters here."""
    content = json.dumps([{"Config": f"{CONFIG}.json", "RepoTags": [tag], "Layers": []}]).encode()
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def node(tmp_path: Path) -> dict[str, Any]:
    program = tmp_path / "k3s"
    program.write_text(FAKE_K3S, encoding="utf-8")
    program.chmod(0o755)
    return {
        "log_analyzer_k3s_binary": str(program),
        "log_analyzer_import_directory": str(tmp_path / "images"),
        "log_analyzer_image": IMAGE,
        "log_analyzer_image_archive": str(archive(tmp_path / "image.tar", IMAGE)),
    }


def test_an_image_is_imported_and_pinned_once(tmp_path: Path, node: dict[str, Any]) -> None:
    first = run_role("log_analyzer", node, tmp_path, tasks_from="import")
    second = run_role("log_analyzer", node, tmp_path, tasks_from="import")

    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert first.ok and second.ok, first.failure + second.failure
    assert "Import it into containerd" in first.changed and second.changed == ()
    assert [call.split()[3] for call in calls if call.startswith("ctr")] == ["import", "label"]
    assert list((tmp_path / "images").iterdir()) == []


def test_an_archive_of_another_image_is_refused(tmp_path: Path, node: dict[str, Any]) -> None:
    other = str(archive(tmp_path / "other.tar", "localhost/other:1"))

    run = run_role("log_analyzer", {**node, "log_analyzer_image_archive": other}, tmp_path, tasks_from="import")

    assert "holds localhost/other:1" in run.failure and run.changed == ()
