"""Runs a role of this collection on an inventory of one host named `cluster`, and tells what each task did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """How a run ended: the names of the tasks that changed something, and the message of the one that failed."""

    changed: tuple[str, ...]
    failure: str
    output: str
    results: dict[str, dict[str, Any]]

    @property
    def ok(self) -> bool:
        """Whether all of it succeeded."""
        return not self.failure


def run_role(
    role: str,
    variables: dict[str, Any],
    directory: Path,
    *,
    check: bool = False,
    tasks_from: str = "main",
    tags: str = "",
) -> Run:
    """Runs `role` with `variables`; its inventory and playbook are written below `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {"all": {"children": {"kubernetes": {"hosts": {"cluster": {**host, **variables}}}}}}
    include = {"name": f"homelab.log_intelligence.{role}", "tasks_from": tasks_from}
    play = [
        {
            "hosts": "cluster",
            "gather_facts": False,
            "tasks": [{"name": f"Run {role}", "ansible.builtin.include_role": include}],
        }
    ]
    (directory / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    (directory / "play.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml", "play.yml", "--diff"]
    command += ["--check"] if check else []
    command += ["--tags", tags] if tags else []
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
        "ANSIBLE_HOME": str(ROOT / ".ansible" / "home"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    return _read(done.stdout, done.stderr)


def _read(stdout: str, stderr: str) -> Run:
    start = stdout.find("{")
    assert start >= 0, stdout + stderr
    told = json.loads(stdout[start:])
    results = [
        (task["task"]["name"].rsplit(" : ", 1)[-1], result)
        for play in told["plays"]
        for task in play["tasks"]
        for result in task["hosts"].values()
    ]
    changed = tuple(name for name, result in results if result.get("changed"))
    failed = [result for _name, result in results if result.get("failed")]
    stats = told["stats"].get("cluster", {})
    lost = stats.get("failures", 1) or stats.get("unreachable", 1)
    failure = str(failed[-1].get("msg", failed[-1])) if lost and failed else ("no result" if lost else "")
    return Run(changed, failure, stdout + stderr, dict(results))
