from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8s_log_agent.llm.benchmark import BenchmarkOptions, fingerprint
from k8s_log_agent.llm.local_server import ServerConfig
from tests.module_door import run_module
from tests.unit.llm.test_benchmark import measurement

NOBODY = "http://127.0.0.1:9"
CONFIG = {
    "model": "/m.gguf",
    "alias": "m",
    "port": 9,
    "threads": 2,
    "threads_batch": 2,
    "slots": 2,
    "context_size": 8192,
}


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    dest = str(tmp_path / "benchmark.json")
    return {"base_url": NOBODY, "config": CONFIG, "model_sha256": "sha", "model_bytes": 10**9, "dest": dest}


def keep_a_measurement(arguments: dict[str, Any], generation: float) -> None:
    key = fingerprint("sha", ServerConfig(**arguments["config"]).model_dump(mode="json"), BenchmarkOptions())
    Path(arguments["dest"]).write_text(measurement(generation, key).model_dump_json())


def test_info_of_a_server_that_is_not_there_is_an_answer() -> None:
    answer = run_module("llama_cpp_info", {"base_url": NOBODY})

    assert answer["health"] == "unreachable"
    assert not answer["changed"]
    assert answer["cpu_features"]["host"]


def test_benchmark_measures_nothing_in_check_mode(arguments: dict[str, Any]) -> None:
    answer = run_module("llama_cpp_benchmark", arguments, check=True)

    assert answer["changed"] and not answer["measured"]
    assert not Path(arguments["dest"]).exists()


def test_benchmark_says_in_one_paragraph_that_the_server_is_gone(arguments: dict[str, Any]) -> None:
    answer = run_module("llama_cpp_benchmark", arguments)

    assert answer["failed"]
    assert "did not answer" in answer["msg"] and "\n" not in answer["msg"]
    assert not Path(arguments["dest"]).exists()


def test_a_kept_measurement_is_used_again(arguments: dict[str, Any]) -> None:
    keep_a_measurement(arguments, generation=50)

    answer = run_module("llama_cpp_benchmark", arguments)

    assert not answer["changed"] and not answer["measured"]
    assert answer["benchmark"]["throughput"]["generation_tokens_per_second"]["median"] == 50


def test_a_minimum_above_the_measurement_fails_with_the_ceiling(arguments: dict[str, Any]) -> None:
    keep_a_measurement(arguments, generation=50)

    answer = run_module("llama_cpp_benchmark", {**arguments, "minimum_generation_tokens_per_second": 80})

    assert answer["failed"]
    for part in ("50.0 tokens/s", "80 was asked for", "100 tokens/s", "Look at"):
        assert part in answer["msg"]


def test_force_measures_although_nothing_has_changed(arguments: dict[str, Any]) -> None:
    keep_a_measurement(arguments, generation=50)

    assert run_module("llama_cpp_benchmark", {**arguments, "force": True}, check=True)["changed"]
