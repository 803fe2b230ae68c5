from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from k8s_log_agent.evaluation.threads import in_threads

SOURCE = Path(__file__).resolve().parents[3] / "src"


def test_every_item_comes_back_once_with_its_result() -> None:
    assert sorted(in_threads(lambda number: number * 2, range(50), 4)) == [(number, number * 2) for number in range(50)]


def test_as_many_items_are_worked_on_at_once_as_there_are_workers() -> None:
    together = threading.Barrier(3, timeout=30)

    assert len(list(in_threads(lambda _: together.wait(), range(3), 3))) == 3


def test_an_exception_in_a_thread_ends_the_work() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise ValueError("two")
        return number

    with pytest.raises(ValueError, match="two"):
        list(in_threads(work, range(1000), 1))
    assert len(begun) < 1000


def test_an_interruption_does_not_wait_for_what_hangs() -> None:
    program = """
        import os, signal, threading
        from k8s_log_agent.evaluation.threads import in_threads
        def hang(_):
            threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
            threading.Event().wait(600)
        try:
            list(in_threads(hang, [1], 1))
        except KeyboardInterrupt:
            print("interrupted")
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]

    done = subprocess.run(
        command, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.stdout == "interrupted\n" and done.returncode == 0, done.stderr
