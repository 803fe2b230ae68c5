"""A real supervisord of its own, looking after a small real server: the life of a service, and faults on the way."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.module_door import run_module

pytestmark = pytest.mark.integration


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def service(tmp_path: Path) -> Iterator[dict[str, Any]]:
    port = free_port()
    arguments = {
        "name": "sample",
        "command": [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)],
        "directory": str(tmp_path),
        "run_dir": str(tmp_path / "run"),
        "supervisor": "supervisord",
        "inputs": {"version": 1},
        "port": port,
        "ready_url": f"http://127.0.0.1:{port}/",
        "ready_seconds": 20,
    }
    yield arguments
    run_module("local_service", {**arguments, "state": "absent"})


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_life_of_a_service(service: dict[str, Any]) -> None:
    predicted = run_module("local_service", service, check=True)
    started = run_module("local_service", service)
    again = run_module("local_service", service)
    assert predicted["actions"] == started["actions"] and predicted["diff"] == started["diff"]
    assert started["pid"] and again["pid"] == started["pid"]
    assert not again["changed"]

    altered = {**service, "inputs": {"version": 2}}
    assert run_module("local_service", altered, check=True)["actions"][-1] == "restart"
    restarted = run_module("local_service", altered)
    assert restarted["actions"][-1] == "restart" and restarted["pid"] != started["pid"]
    assert not run_module("local_service", altered)["changed"]

    stopped = {**altered, "state": "stopped"}
    assert run_module("local_service", stopped, check=True)["changed"]
    assert run_module("local_service", stopped)["changed"]
    assert not run_module("local_service", stopped)["changed"]
    assert run_module("local_service", altered)["actions"] == ["start"]


def test_a_killed_process_comes_back_by_itself(service: dict[str, Any]) -> None:
    first = run_module("local_service", service)["pid"]

    os.kill(first, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{first}").exists())
    after = run_module("local_service", service)

    assert not after["changed"]
    assert after["pid"] not in (first, None)


def test_a_killed_supervisor_is_mended_by_the_next_run(service: dict[str, Any]) -> None:
    first = run_module("local_service", service)["pid"]
    supervisor = int((Path(service["run_dir"]) / "supervisord.pid").read_text())
    for pid in (supervisor, first):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{first}").exists())

    assert run_module("local_service", service)["actions"] == ["start"]
    assert not run_module("local_service", service)["changed"]


def test_a_definition_altered_from_outside_is_mended_without_a_restart(service: dict[str, Any]) -> None:
    first = run_module("local_service", service)["pid"]
    definition = Path(service["run_dir"]) / "programs" / "sample.ini"
    definition.write_text(definition.read_text() + "priority=1\n")

    mended = run_module("local_service", service)

    assert mended["actions"] == [f"write {definition}"]
    assert mended["pid"] == first
    assert not run_module("local_service", service)["changed"]


def test_a_port_that_another_program_holds_is_refused_by_its_name(service: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", service["port"])):
        refused = run_module("local_service", service)

    assert refused["failed"]
    assert f"port {service['port']} is taken by" in refused["msg"] and f"(process {os.getpid()})" in refused["msg"]
    assert not (Path(service["run_dir"]) / "programs" / "sample.ini").exists()
    assert run_module("local_service", service)["changed"]


def test_a_program_that_ends_at_once_is_diagnosed_with_its_last_words(service: dict[str, Any]) -> None:
    broken = {**service, "command": [sys.executable, "-c", "raise SystemExit('No module named xllamacpp')"]}

    failed = run_module("local_service", broken)

    assert failed["failed"]
    assert "No module named xllamacpp" in failed["msg"] and "make setup" in failed["msg"]
    assert run_module("local_service", service)["changed"]


def test_only_its_owner_may_use_the_supervisor(service: dict[str, Any]) -> None:
    run_module("local_service", service)
    run_dir = Path(service["run_dir"])

    assert run_dir.stat().st_mode & 0o077 == 0
    assert (run_dir / "supervisor.sock").stat().st_mode & 0o077 == 0
