"""Runs a playbook in check mode and then for real, and compares what each reports changed.

`python -m tests.predicted [--nothing] -- PLAYBOOK ARGUMENTS…` exits 1 where the tasks or hosts differ, with --nothing
where there are any at all, and without it where there are none.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.cluster.playbook import Run, run_playbook


def main() -> int:
    """Run both and say how they differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.predicted", description=__doc__)
    parser.add_argument("--nothing", action="store_true", help="nothing is to be done")
    parser.add_argument("arguments", nargs="+")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asked = run_playbook(Path(folder) / "asked.log", *given.arguments, "--check")
        done = run_playbook(Path(folder) / "done.log", *given.arguments)
        return _judge(asked, done, given.nothing)


def _judge(asked: Run, done: Run, nothing: bool) -> int:
    for word, run in (("check mode", asked), ("the run", done)):
        if run.status:
            print(f"{word} failed:\n{run.end}")
            return 1
    differing = sorted({*asked.changed} ^ {*done.changed})
    for change in differing:
        print(f"{'only predicted' if change in asked.changed else 'not predicted'}: {change[0]} on {change[1]}")
    if nothing == bool(done.changed):
        print(f"changed: {done.changed}")
        return 1
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
