"""Runs in the virtual machine: answers one JSON object a line with one a line, so that one login serves many questions.

`{"shell": "..."}` is run by bash; `{"what": "claim", "check": false, "options": {...}}` calls the code under test.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

sys.path.insert(0, "/root/parts")

from data_disk import collect, door, request  # type: ignore[import-not-found]


def answer_to(asked: dict[str, Any]) -> dict[str, Any]:
    """What the shell printed, or what the module would return."""
    if "shell" in asked:
        done = subprocess.run(["/bin/bash", "-c", asked["shell"]], capture_output=True, text=True, check=False)
        return {"code": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
    try:
        wanted = request.Request.of(asked["options"])
        if asked["what"] == "observe":
            return dict(collect.observe(wanted))
        return dict(getattr(door, asked["what"])(wanted, check=asked["check"]))
    except door.RefusedError as refused:
        return {"refused": str(refused), **refused.details}
    except request.DiskError as problem:
        return {"failed": str(problem)}


for line in sys.stdin:
    print(json.dumps(answer_to(json.loads(line))), flush=True)
