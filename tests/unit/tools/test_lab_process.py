from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.lab import process

# Holds a lock beside its pid file as QEMU does, in a process of several threads, and says when it has it.
HOLDER = """
import fcntl, sys, threading, time
lock = open(sys.argv[1] + ".lock", "w")
fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
for _ in range(20):
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
held = bytearray(200_000_000)
print("held", flush=True)
time.sleep(600)
"""


@contextmanager
def holding(pid_file: Path) -> Iterator[Path]:
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(pid_file)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        pid_file.write_text(str(child.pid))
        yield pid_file
    finally:
        child.kill()
        child.wait()


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Path]:
    with holding(tmp_path / "qemu.pid") as pid_file:
        yield pid_file


def test_a_killed_process_has_let_go_of_its_locks_when_it_counts_as_ended(tmp_path: Path) -> None:
    for number in range(12):  # one that is taken for ended too early still holds its lock about every third time
        with holding(tmp_path / f"qemu-{number}.pid") as pid_file:
            assert process.end(pid_file, signal.SIGKILL, 15)

            with Path(f"{pid_file}.lock").open("w") as lock:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            assert process.running(pid_file) is None


def test_a_process_that_does_not_end_in_time_is_said_to_run(holder: Path) -> None:
    assert not process.end(holder, signal.SIGCONT, 0.2)
    assert process.running(holder) is not None


def test_a_pid_file_of_nobody_is_no_process(tmp_path: Path) -> None:
    assert process.end(tmp_path / "absent.pid", signal.SIGKILL, 0.1)
