"""`make demo` stopped by Ctrl-C, or by a port that is taken: what is told, what is left, what comes next."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from k8s_log_agent.llm.thread_sweep import free_port

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
INTERRUPTED = 130


class Demo:
    """A copy of this checkout, whose `make demo` writes into the copy only, on ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in names.split("\0"):
            if name and not name.startswith(("examples/", "tests/")) and (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.root / name)
        collections = self.root / ".ansible" / "collections" / "ansible_collections"
        collections.mkdir(parents=True)
        for installed in (ROOT / ".ansible" / "collections" / "ansible_collections").iterdir():
            if installed.name != "homelab":
                (collections / installed.name).symlink_to(installed)
        (collections / "homelab").mkdir()
        (collections / "homelab" / "log_intelligence").symlink_to(self.root)
        site = self.root / "playbooks" / "site_embedded.yml"
        plays = yaml.safe_load(site.read_text(encoding="utf-8"))
        plays[0]["tasks"] = [task for task in plays[0]["tasks"] if task["name"] != "Verify the throughput"]  # a minute
        site.write_text(yaml.safe_dump(plays), encoding="utf-8")
        self.port = free_port()
        ports = {name: free_port() for name in ("chroma_port", "log_analyzer_port")}
        self.variables = {"llama_cpp_local_port": self.port, **ports}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, *words, "-e", json.dumps(self.variables)]

    def start(self) -> subprocess.Popen[str]:
        # A shell lets its background jobs ignore Ctrl-C, and they pass that on; a terminal's foreground job does not.
        return subprocess.Popen(
            ["env", "--default-signal=INT", *self.command("-m", "tools.demo")],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a process group, as a terminal makes one
        )

    def play(self, playbook: str) -> subprocess.CompletedProcess[str]:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, "-i", "inventory/local", playbook, "-e", json.dumps(self.variables)]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)

    def half_written(self) -> list[Path]:
        return [path for path in (self.root / "build").rglob("*") if path.name.endswith((".partial", ".tmp"))]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path)
    yield made
    if (made.root / "build" / "local" / "run").exists():
        stopped = made.play("playbooks/local_stop.yml")
        assert stopped.returncode == 0, stopped.stdout


def read_until(process: subprocess.Popen[str], stage: str) -> None:
    for line in process.stdout or ():
        if line.rstrip().endswith(stage):
            return
    pytest.fail(f"the run ended before {stage!r}")


def test_ctrl_c_is_told_in_one_line_and_the_next_run_continues(demo: Demo) -> None:
    for stage in ("Bring and verify the model file", "Keep the Chroma server running"):
        process = demo.start()
        read_until(process, stage)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)

        assert process.returncode == INTERRUPTED
        assert "Traceback" not in output
        assert output.strip() == "stopped. What was finished is kept; `make demo` continues from there."
        assert demo.half_written() == []

    finished = demo.play("site.yml")
    assert finished.returncode == 0, finished.stdout


def test_a_taken_port_is_told_with_its_holder_and_the_way_out(demo: Demo) -> None:
    with socket.create_server(("127.0.0.1", demo.port)):
        output, _ = (process := demo.start()).communicate(timeout=60)

    assert process.returncode not in (0, INTERRUPTED)
    assert "Traceback" not in output
    told = output.partition("not done. ")[2]
    assert f"port {demo.port}" in told and f"(process {os.getpid()})" in told
    assert "stop that program, or set llama_cpp_local_port to another port" in told
    assert not (demo.root / "build" / "local" / "models").exists()
