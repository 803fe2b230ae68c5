"""Runs a module of this collection as Ansible does: a process of its own, arguments as JSON, the answer on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = "ansible_collections.homelab.log_intelligence.plugins.modules"


def run_module(name: str, arguments: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    """The module's answer; `failed` is set in it when the task would have failed."""
    given = {"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check, "_ansible_diff": True}}
    path = os.pathsep.join([str(ROOT / ".ansible" / "collections"), str(ROOT / "src")])
    done = subprocess.run(
        [sys.executable, "-m", f"{_PACKAGE}.{name}"],
        input=json.dumps(given),
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip(), done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert "Traceback" not in done.stderr, done.stderr
    return answer
