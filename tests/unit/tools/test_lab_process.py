from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
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


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Path]:
    pid_file = tmp_path / "qemu.pid"
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(pid_file)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    pid_file.write_text(str(child.pid))
    yield pid_file
    child.kill()
    child.wait()


def test_a_killed_process_has_let_go_of_its_locks_when_it_counts_as_ended(holder: Path) -> None:
    assert process.end(holder, signal.SIGKILL, 15)

    again = subprocess.run(
        [sys.executable, "-c", HOLDER.split("for _", maxsplit=1)[0], str(holder)], check=False, capture_output=True
    )
    assert again.returncode == 0, again.stderr
    assert process.running(holder) is None


def test_a_process_that_does_not_end_in_time_is_said_to_run(holder: Path) -> None:
    assert not process.end(holder, signal.SIGCONT, 0.2)
    assert process.running(holder) is not None


def test_a_pid_file_of_nobody_is_no_process(tmp_path: Path) -> None:
    assert process.end(tmp_path / "absent.pid", signal.SIGKILL, 0.1)
