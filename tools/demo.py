"""Runs the main job on this machine: `make demo`.

One ansible-playbook call does the work; this shows its progress in the reader's words, keeps every event in
build/demo/ansible.jsonl, and ends with a summary, or with one paragraph that says what stopped it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "demo"
PLAYBOOKS = ("site.yml",)
INTERRUPTED = 130


@dataclass
class Progress:
    """What the events of a run have told so far."""

    task: str = ""
    failure: str = ""
    changed: int = 0
    stages: dict[str, float] = field(default_factory=dict)

    def follow(self, event: dict[str, Any], seconds: float) -> str | None:
        """Take in one event that came `seconds` after the start; return a line to show, or None."""
        kind = event.get("_event")
        if kind == "v2_playbook_on_task_start":
            self.task = str(event["task"]["name"]).rpartition(" : ")[2]
            if self.task.startswith("Validating arguments"):
                return None
            return f"  {seconds:6.1f} s  {self.task}"
        if kind == "v2_runner_on_failed":
            self.failure = self.failure or failure_text(event["hosts"], self.task)
        if kind == "v2_runner_on_unreachable":
            self.failure = self.failure or f"{self.task}: a host could not be reached"
        if kind == "v2_playbook_on_stats":
            self.changed = sum(host.get("changed", 0) for host in event["stats"].values())
        return None


def failure_text(hosts: dict[str, Any], task: str) -> str:
    """Return what the failed task said, in one paragraph."""
    results = list(hosts.values())
    items = [item for result in results for item in result.get("results", [result]) if item.get("failed", True)]
    words = [str(item.get("msg") or item.get("stderr") or "no reason was given") for item in items]
    return f"{task}: {' '.join(words[:3])}"


def events(lines: Iterable[str], log: TextIO) -> Iterator[dict[str, Any]]:
    """Yield the JSON events among the output lines; write every line to `log`."""
    for line in lines:
        log.write(line)
        if line.startswith("{"):
            yield json.loads(line)


def run_playbooks(arguments: list[str]) -> tuple[int, Progress]:
    """Run the playbooks, showing progress; return the exit status and what was learnt."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory/local", *PLAYBOOKS, *arguments]
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.jsonl", "ANSIBLE_NOCOLOR": "1"}
    progress = Progress()
    started = time.monotonic()
    with (OUTPUT / "ansible.jsonl").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        with process:
            try:
                for event in events(process.stdout or (), log):
                    line = progress.follow(event, time.monotonic() - started)
                    if line:
                        print(line, flush=True)
            except KeyboardInterrupt:
                process.wait()
                return INTERRUPTED, progress
    return process.returncode, progress


def summary(progress: Progress, seconds: float) -> str:
    """Return the closing lines: what stands, how fast it is, where to look, what to try next."""
    measured = json.loads((OUTPUT / "benchmark.json").read_text(encoding="utf-8"))
    speed = measured["throughput"]
    size = f"{measured['model_bytes'] / 2**20:.0f} MiB"
    together = figure(speed["parallel_generation_tokens_per_second"])
    lines = [
        f"done in {seconds:.0f} s, {progress.changed} changes",
        f"model        {measured['model_alias']}, {size}, {measured['threads']} threads",
        f"prompt       {figure(speed['prompt_tokens_per_second'])} tokens/s",
        f"generation   {figure(speed['generation_tokens_per_second'])} tokens/s",
        f"first token  {figure(speed['time_to_first_token_ms'])} ms",
        f"{speed['parallel_slots']} slots      {together} tokens/s together",
        "servers      http://127.0.0.1:18080 (llama.cpp, /health), http://127.0.0.1:18000 (Chroma)",
        f"measured     {(OUTPUT / 'benchmark.json').relative_to(ROOT)}, at {measured['measured_at']}",
        "stop them    make demo-stop",
        "next         curl -s http://127.0.0.1:18080/v1/models",
    ]
    return "\n".join(lines)


def figure(spread: dict[str, float]) -> str:
    """Return a median with its range."""
    return f"{spread['median']:8.1f}  ({spread['minimum']:.1f} to {spread['maximum']:.1f})"


def main() -> int:
    """Run the job; return the exit status."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    status, progress = run_playbooks(sys.argv[1:])
    if status == INTERRUPTED:
        print("\nstopped. What was finished is kept; `make demo` continues from there.", file=sys.stderr)
        return INTERRUPTED
    if status:
        reason = progress.failure or f"ansible-playbook ended with status {status}"
        print(f"\nnot done. {reason} (all events: build/demo/ansible.jsonl)", file=sys.stderr)
        return status
    print(summary(progress, time.monotonic() - started))
    return 0


if __name__ == "__main__":
    sys.exit(main())
