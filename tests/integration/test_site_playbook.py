"""site.yml on an empty directory, real servers: prediction, idempotence, mending of each managed object."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from k8s_log_agent.llm.thread_sweep import free_port

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


class Site:
    """One platform below a directory of its own, on ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.llama_port, self.chroma_port = free_port(), free_port()
        self.variables = {
            "log_intelligence_state_dir": str(folder / "local"),
            "log_intelligence_output_dir": str(folder / "demo"),
            "llama_cpp_local_port": self.llama_port,
            "chroma_port": self.chroma_port,
            "log_analyzer_port": free_port(),
        }

    def play(self, playbook: str, *options: str) -> list[str]:
        """Runs the playbook and returns the names of the tasks that reported a change, in order."""
        results = self.results(playbook, *options)
        failed = [result for result in results if result["failed"]]
        assert not failed, failed
        return [result["task"] for result in results if result["changed"]]

    def results(self, playbook: str, *options: str) -> list[dict[str, Any]]:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), playbook, "-i", "inventory/local"]
        command += ["-e", json.dumps(self.variables), *options]
        environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.stdout.startswith("{"), done.stdout + done.stderr
        return [
            {
                "task": task["task"]["name"],
                "changed": answer.get("changed", False),
                "failed": answer.get("failed", False),
                "msg": answer.get("msg", ""),
            }
            for play in json.loads(done.stdout)["plays"]
            for task in play["tasks"]
            for answer in task["hosts"].values()
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.play("playbooks/local_stop.yml")


@pytest.fixture(scope="module")
def installed(site: Site) -> Site:
    """The prediction on an empty directory, then the real run, then a second one."""
    predicted = site.play("site.yml", "--check", "--diff")
    assert not any(site.folder.rglob("*")), "check mode wrote something"
    assert site.play("site.yml") == predicted
    assert site.play("site.yml") == []
    return site


def test_both_servers_answer(installed: Site) -> None:
    assert httpx.get(f"http://127.0.0.1:{installed.llama_port}/health").json() == {"status": "ok"}
    assert httpx.get(f"http://127.0.0.1:{installed.chroma_port}/api/v2/heartbeat").status_code == 200


@pytest.mark.parametrize(
    ("file", "task"),
    [
        ("local/llama_cpp/server.json", "Write the server's configuration"),
        ("local/run/programs/log-intelligence-chroma.ini", "Keep the Chroma server running"),
        ("local/models/SmolLM2-135M-Instruct.Q4_1.gguf", "Bring and verify the model file"),
        ("demo/benchmark.json", "Verify the throughput"),
    ],
)
def test_exactly_the_altered_object_is_mended(installed: Site, file: str, task: str) -> None:
    path = installed.folder / file
    before = path.read_bytes()
    path.write_bytes(before[:-20] + b"altered by somebody\n")

    predicted = installed.play("site.yml", "--check")
    mended = installed.play("site.yml")

    assert [name.rpartition(" : ")[2] for name in mended] == [task]
    assert predicted == mended
    assert installed.play("site.yml") == []


def test_a_killed_server_with_its_supervisor_is_started_again(installed: Site) -> None:
    supervisor = int((installed.folder / "local/run/supervisord.pid").read_text())
    children = [int(pid) for pid in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()]
    for pid in (supervisor, *children):
        os.kill(pid, signal.SIGKILL)
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        time.sleep(0.1)

    mended = installed.play("site.yml")

    assert [name.rpartition(" : ")[2] for name in mended] == [
        "Keep the llama.cpp server running",
        "Keep the Chroma server running",
    ]


def test_stopping_twice_is_fine_and_keeps_the_data(installed: Site) -> None:
    assert len(installed.play("playbooks/local_stop.yml")) == 2
    assert installed.play("playbooks/local_stop.yml") == []

    assert (installed.folder / "local/models/SmolLM2-135M-Instruct.Q4_1.gguf").is_file()
    assert len(installed.play("site.yml")) == 2
