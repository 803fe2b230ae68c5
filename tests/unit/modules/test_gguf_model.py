from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.gguf_files import write_gguf
from tests.module_door import run_module


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    content = write_gguf(tmp_path / "origin.gguf")
    return {
        "dest": str(tmp_path / "model.gguf"),
        "sha256": hashlib.sha256(content).hexdigest(),
        "sources": [{"path": str(tmp_path / "origin.gguf")}],
    }


def test_check_mode_predicts_the_real_run_and_changes_nothing(arguments: dict[str, Any]) -> None:
    predicted = run_module("gguf_model", arguments, check=True)
    assert not Path(arguments["dest"]).exists()

    real = run_module("gguf_model", arguments)

    assert predicted["changed"] and real["changed"]
    for key in ("diff", "model", "size_bytes", "sha256", "path"):
        assert predicted[key] == real[key]


def test_the_second_run_changes_nothing_in_either_mode(arguments: dict[str, Any]) -> None:
    run_module("gguf_model", arguments)

    assert not run_module("gguf_model", arguments)["changed"]
    assert not run_module("gguf_model", arguments, check=True)["changed"]


def test_a_file_altered_from_outside_is_replaced(arguments: dict[str, Any]) -> None:
    run_module("gguf_model", arguments)
    Path(arguments["dest"]).write_bytes(b"something else")

    assert run_module("gguf_model", arguments)["changed"]
    assert not run_module("gguf_model", arguments)["changed"]


def test_a_wrong_hash_fails_in_one_paragraph_and_leaves_nothing(arguments: dict[str, Any], tmp_path: Path) -> None:
    failed = run_module("gguf_model", {**arguments, "sha256": "0" * 64})

    assert failed["failed"]
    assert "\n" not in failed["msg"]
    assert [path.name for path in tmp_path.iterdir()] == ["origin.gguf"]


def test_a_truncated_model_is_refused_although_its_hash_fits(arguments: dict[str, Any], tmp_path: Path) -> None:
    origin = tmp_path / "origin.gguf"
    origin.write_bytes(origin.read_bytes()[:-50])

    failed = run_module("gguf_model", {**arguments, "sha256": hashlib.sha256(origin.read_bytes()).hexdigest()})

    assert "50 are missing" in failed["msg"]
    assert not Path(arguments["dest"]).exists()


def test_absent_removes_the_file_once(arguments: dict[str, Any]) -> None:
    run_module("gguf_model", arguments)
    gone = {"dest": arguments["dest"], "sha256": arguments["sha256"], "state": "absent"}

    assert run_module("gguf_model", gone, check=True)["changed"]
    assert run_module("gguf_model", gone)["changed"]
    assert not run_module("gguf_model", gone)["changed"]
