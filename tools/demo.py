"""Runs the main job on this machine: `make demo`.

One ansible-playbook call does the work; this shows its progress in the reader's words, keeps every event in
build/demo/ansible.jsonl, and ends with a summary, or with one paragraph that says what stopped it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

from tools.demo_incidents import AnalyzerError, send_recorded_faults
from tools.demo_progress import Progress, events
from tools.demo_summary import closing_lines

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "demo"
TIMINGS = OUTPUT / "timings.json"
PLAYBOOKS = (
    "site.yml",
    "playbooks/dataset.yml",
    "playbooks/evaluate.yml",
    "playbooks/analyzer_local.yml",
    "playbooks/report.yml",  # last, since it shows how long the others took
)
INTERRUPTED = 130


def run_playbooks(arguments: list[str]) -> tuple[int, Progress]:
    """Run the playbooks, showing progress; return the exit status and what was learnt."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory/local", *PLAYBOOKS, *arguments]
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.jsonl", "ANSIBLE_NOCOLOR": "1"}
    progress, before = Progress(), read_timings()
    started = time.monotonic()
    with (OUTPUT / "ansible.jsonl").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        with process:
            try:
                for event in events(process.stdout or (), log):
                    line = progress.follow(event, time.monotonic() - started)
                    if event.get("_event") in ("v2_playbook_on_play_start", "v2_playbook_on_stats"):
                        keep_timings(progress.timings(before))
                    if line:
                        print(line, flush=True)
            except KeyboardInterrupt:
                end(process)
                return INTERRUPTED, progress
    return process.returncode, progress


def end(process: subprocess.Popen[str]) -> None:
    """Let the playbooks end too, which may not have been told; from here on another Ctrl-C changes nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process.send_signal(signal.SIGINT)
    process.communicate()


def server_ports() -> dict[str, int]:
    """Return the ports of the inventory, by the name of the server."""
    shared = yaml.safe_load((ROOT / "inventory/local/group_vars/all/main.yml").read_text(encoding="utf-8"))
    names = {"llama.cpp": "llama_cpp_local_port", "Chroma": "chroma_port", "log analyzer": "log_analyzer_port"}
    return {name: shared[variable] for name, variable in names.items()}


def read_timings() -> dict[str, float]:
    """Return the seconds by stage that earlier runs left; empty when there were none."""
    try:
        found: dict[str, float] = json.loads(TIMINGS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def keep_timings(seconds: dict[str, float]) -> None:
    """Write the seconds by stage, for the report that the last playbook makes."""
    text = json.dumps(seconds, indent=2) + "\n"
    if not TIMINGS.is_file() or TIMINGS.read_text(encoding="utf-8") != text:
        partial = TIMINGS.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(TIMINGS)


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
    ports = server_ports()
    try:
        incidents = send_recorded_faults(f"http://127.0.0.1:{ports['log analyzer']}", ROOT / "examples" / "recordings")
    except AnalyzerError as error:
        print(f"\nnot done. {error} (its log: build/local/log-analyzer/server.log)", file=sys.stderr)
        return 1
    lines = closing_lines(OUTPUT, ports, incidents, time.monotonic() - started, progress.changed)
    print("\n" + "\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
