"""tools/setup.sh on machines that lack something, and stopped half-way: one paragraph, and the next run recovers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
TOOLS = "bash env touch rm cat sha256sum cut basename dirname mkdir readlink ln id sleep".split()
INTERRUPTED = 130


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


class Checkout:
    """A checkout with the real setup.sh, an uv that records instead of installing, and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.root, self.path = folder / "checkout", folder / "bin"
        for name in ("tools", "requirements"):
            (self.root / name).mkdir(parents=True)
        shutil.copy(ROOT / "tools" / "setup.sh", self.root / "tools")
        for name in ("requirements/runtime.txt", "requirements/weights.txt", "requirements/collections.txt"):
            shutil.copy(ROOT / name, self.root / name)
        for name in ("pyproject.toml", "requirements.yml"):
            shutil.copy(ROOT / name, self.root / name)
        (self.root / "tools" / "install_collections.py").write_text("print('collections are here')\n", encoding="utf-8")
        self.path.mkdir()
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool) or pytest.skip(f"{tool} is not installed"))
        self.uv("exit 0")

    def uv(self, text: str) -> None:
        program(self.path / "uv", text)

    def give_python(self) -> None:
        program(self.path / "python3", f'exec "{sys.executable}" "$@"')

    def give_environment(self) -> None:
        """What `python -m venv` would make, without its ten seconds."""
        made = self.root / ".venv" / "bin"
        made.mkdir(parents=True)
        (made / "python").symlink_to(sys.executable)
        for name in ("pip", "activate"):
            program(made / name, "exit 0")

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.path / "bash", "tools/setup.sh", "runtime"],
            cwd=self.root,
            env={"PATH": str(self.path), "HOME": str(self.root.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a process group, as a terminal makes one
        )

    def run(self) -> tuple[int, str]:
        process = self.start()
        output, _ = process.communicate(timeout=120)
        assert "Traceback" not in output, output
        return process.returncode, output


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_machine_without_a_fit_python_is_told_which_to_install(checkout: Checkout) -> None:
    program(checkout.path / "python3", '[ "$1" = -c ] && exit 1; echo "Python 3.10.12"')

    status, output = checkout.run()

    assert status == 1
    assert "no Python 3.11, 3.12 or 3.13 was found" in output and "apt-get install python3" in output
    assert not (checkout.root / ".venv").exists()

    checkout.give_python()
    assert checkout.run()[0] == 0
    assert (checkout.root / ".venv" / "bin" / "pip").exists()
    assert checkout.run() == (0, "setup: ready\n")


def test_an_environment_that_was_half_made_is_made_anew(checkout: Checkout) -> None:
    checkout.give_python()
    half = checkout.root / ".venv" / "bin"
    half.mkdir(parents=True)
    (half / "python").symlink_to(sys.executable)

    status, output = checkout.run()

    assert status == 0, output
    assert "creating .venv" in output
    assert (half / "pip").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_set_up_that_is_stopped_says_so_and_continues(checkout: Checkout, number: signal.Signals) -> None:
    checkout.give_environment()
    reached = checkout.root / "reached"
    checkout.uv(f"touch {reached}; exec sleep 60")
    process = checkout.start()
    deadline = time.monotonic() + 60
    while not reached.exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)

    os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=30)

    assert process.returncode == INTERRUPTED
    assert "stopped. What was finished is kept" in output
    assert "could not be installed" not in output
    assert not list((checkout.root / ".venv").glob(".stamps/*"))

    checkout.uv("exit 0")
    status, output = checkout.run()
    assert status == 0 and output.endswith("setup: ready\n")
    assert "creating .venv" not in output


def test_a_package_index_that_does_not_answer_is_told_and_tried_again(checkout: Checkout) -> None:
    checkout.give_environment()
    checkout.uv('[ "$1" = pip ] && { echo "error: failed to fetch" >&2; exit 2; }')

    status, output = checkout.run()

    assert status == 1
    assert "requirements/runtime.txt could not be installed" in output and "run the" in output

    checkout.uv("exit 0")
    assert checkout.run()[0] == 0


@pytest.fixture
def read_only(checkout: Checkout) -> Iterator[Checkout]:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a directory read-only needs root and mount")
    root = str(checkout.root)
    if subprocess.run(["mount", "--bind", root, root], check=False, capture_output=True).returncode:
        pytest.skip("this container may not mount")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", root], check=True)
        yield checkout
    finally:
        subprocess.run(["umount", root], check=True)


def test_a_read_only_checkout_is_told_before_anything_is_tried(read_only: Checkout) -> None:
    before = sorted(read_only.root.rglob("*"))

    status, output = read_only.run()

    assert status == 1
    assert "cannot be written to" in output and "Clone the repository to a place of your own" in output
    assert sorted(read_only.root.rglob("*")) == before

    subprocess.run(["mount", "-o", "remount,bind,rw", str(read_only.root)], check=True)
    read_only.give_environment()
    assert read_only.run()[0] == 0
