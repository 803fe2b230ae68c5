from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup import manifest

from tests.module_door import run_module

pytestmark = pytest.mark.skipif(shutil.which("age") is None, reason="the program age is missing (package age)")


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    made = run_module("age_identity", {"path": str(tmp_path / "secrets" / "identity")})
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "file").write_text("x")
    return {
        "site": "homelab",
        "host": "node-1",
        "target": str(tmp_path / "backups"),
        "stage": str(tmp_path / "stage"),
        "recipients": [made["recipient"]],
        "keep": 3,
        "metrics": str(tmp_path / "metrics" / "backup.prom"),
        "directories": [{"name": "volume", "path": str(tmp_path / "volume")}],
    }


def program(tmp_path: Path, config: dict[str, Any], **options: Any) -> dict[str, Any]:
    given = {"directory": str(tmp_path / "lib"), "config_file": str(tmp_path / "etc" / "backup.json"), "config": config}
    return run_module("backup_program", given, **options)


def test_what_is_left_on_a_node_runs_without_ansible(tmp_path: Path, config: dict[str, Any]) -> None:
    assert program(tmp_path, config, check=True)["changed"] and not (tmp_path / "lib").exists()
    assert program(tmp_path, config)["changed"]

    command = [sys.executable, "-m", "backup.runner", str(tmp_path / "etc" / "backup.json")]
    done = subprocess.run(
        command, cwd=tmp_path / "lib", capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}
    )

    assert done.returncode == 0, done.stderr
    described = manifest.newest(tmp_path / "backups" / "volume")
    assert described is not None
    told = (tmp_path / "metrics" / "backup.prom").read_text().splitlines()
    moment = f"{described.moment.timestamp():.0f}"
    assert f'log_intelligence_backup_last_success_timestamp_seconds{{what="volume"}} {moment}' in told
    assert "1 files" in done.stdout and len(list((tmp_path / "backups" / "volume").iterdir())) == 1


def test_a_second_time_changes_nothing_and_what_was_altered_is_mended(tmp_path: Path, config: dict[str, Any]) -> None:
    program(tmp_path, config)
    assert program(tmp_path, config)["changed"] is False

    altered = tmp_path / "etc" / "backup.json"
    altered.write_text("{}")
    altered.chmod(0o644)
    assert program(tmp_path, config)["files"] == [str(altered)]
    assert stat.S_IMODE(altered.stat().st_mode) == 0o600 and json.loads(altered.read_text()) == config


def test_a_backup_through_the_module(tmp_path: Path, config: dict[str, Any]) -> None:
    program(tmp_path, config)
    given = {"config": str(tmp_path / "etc" / "backup.json")}

    assert run_module("node_backup", given, check=True)["backups"] == [{"item": "volume"}]
    (made,) = run_module("node_backup", given)["backups"]
    assert Path(made["folder"]).is_dir() and made["kind"] == "files" and made["removed"] == []


def test_without_the_role_it_says_what_to_do(tmp_path: Path) -> None:
    answer = run_module("node_backup", {"config": str(tmp_path / "absent.json")})
    assert answer["failed"] and "Run the role backup first" in answer["msg"]


def test_an_identity_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "identity"
    assert run_module("age_identity", {"path": str(path)}, check=True) | {"invocation": 0} == {
        "changed": True,
        "recipient": "",
        "invocation": 0,
    }
    first = run_module("age_identity", {"path": str(path)})
    again = run_module("age_identity", {"path": str(path)})

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (first["changed"], again["changed"], first["recipient"]) == (True, False, again["recipient"])
    assert "AGE-SECRET" not in json.dumps([first, again])

    path.chmod(0o644)
    assert "chmod 600" in run_module("age_identity", {"path": str(path)})["msg"]
