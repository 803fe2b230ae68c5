"""Runs the collection's playbooks as a person does, and reads what Ansible said."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TASK = re.compile(r"^TASK \[(?P<name>.+?)\](?: \[CHECK MODE\])? \*+$")
_CHANGED = re.compile(r"^changed: \[(?P<host>[^\]\s]+)")
_RECAP = re.compile(r"^(?P<host>\S+)\s+: ok=\d+\s+changed=(?P<changed>\d+)\s+unreachable=\d+\s+failed=(?P<failed>\d+)")


@dataclass(frozen=True)
class Run:
    """One finished run of ansible-playbook: its exit status, seconds and whole -vvv log."""

    status: int
    seconds: float
    log: Path

    @property
    def text(self) -> str:
        """Everything that was printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def changed(self) -> list[tuple[str, str]]:
        """Task and host of each change, in order."""
        found, task = [], ""
        for line in self.text.splitlines():
            if name := _TASK.match(line):
                task = name["name"]
            elif host := _CHANGED.match(line):
                found.append((task, host["host"]))
        return found

    @property
    def recap(self) -> dict[str, int]:
        """Number of changed tasks of each host."""
        return {
            match["host"]: int(match["changed"]) for line in self.text.splitlines() if (match := _RECAP.match(line))
        }

    @property
    def end(self) -> str:
        """The last failures and the recap, for a test's message."""
        lines = self.text.splitlines()
        fatal = [index for index, line in enumerate(lines) if line.startswith(("fatal:", "[ERROR]", "ERROR!"))]
        told = [line for index in fatal[-3:] for line in lines[index : index + 12]]
        return "\n".join([*told, *lines[-12:]])


def play(
    playbook: str,
    inventory: Path,
    log: Path,
    *arguments: str,
    stop_when: Callable[[], bool] | None = None,
    limit_seconds: float = 900,
) -> Run:
    """Run a playbook to its end, or kill it and all that it started the moment `stop_when` holds."""
    words = ("-i", str(inventory), playbook, "-vvv", *arguments)
    return run_playbook(log, *words, stop_when=stop_when, limit_seconds=limit_seconds)


def run_playbook(
    log: Path, *words: str, stop_when: Callable[[], bool] | None = None, limit_seconds: float = 900
) -> Run:
    """The same with exactly these words for ansible-playbook."""
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).parent / "ansible-playbook"), *words]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_PIPELINING": "1"}
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            while process.poll() is None:
                late = time.monotonic() - started > limit_seconds
                if late or (stop_when is not None and stop_when()):
                    break
                time.sleep(0.2)
        finally:  # also when the tests themselves are stopped
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return Run(process.returncode, time.monotonic() - started, log)
