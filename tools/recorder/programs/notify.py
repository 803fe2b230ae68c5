"""Notify: a Node service of our own that logs JSON lines, with a relay that it depends on."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from itertools import chain, repeat

from tools.recorder.privacy import CHECKOUT
from tools.recorder.program import Program
from tools.recorder.programs import notify_faults
from tools.recorder.programs.notify_stage import TEMPLATES, serve, traffic
from tools.recorder.recording import Recording
from tools.recorder.steps import write_file
from tools.recorder.upstream import Answer, Upstream

PROGRAM = Program(
    name="notify",
    kind="app",
    split="training",
    version=("node", "--version"),
    command=("node", "/app/server.mjs"),
    packages=("node:20",),
)


def _healthy(recording: Recording, dice: random.Random) -> None:
    pod = recording.pod("notify-7c9d8f6b5-x2x4q", namespace="shop")
    for run, port in enumerate((3000, 3010, 3020)):
        flaky = chain([500, 200, 200, 503] if run else [], repeat(200))

        def relay(_method: str, _path: str, statuses: Iterator[int] = flaky) -> Answer:
            status = next(statuses)
            return Answer(status, '{"queued": true}' if status == 200 else "try again later")

        with (
            recording.healthy(
                f"Messages in three templates, run {run + 1}; a retry that succeeds is ordinary", {"port": str(port)}
            ),
            Upstream(8025, relay),
        ):
            program = serve(pod, port)
            program.wait_for("listening on port")
            traffic(port, dice, 205)
            program.stop()


def record(recording: Recording) -> None:
    """Healthy runs, then every fault at least three times."""
    dice = random.Random(11)  # noqa: S311 -- traffic, not secrets
    source = CHECKOUT / "tools" / "recorder" / "apps" / "node_notify"
    shutil.copytree(source, "/app", dirs_exist_ok=True)
    shutil.copytree(source, "/app/full")
    write_file("/app/templates.json", json.dumps(TEMPLATES))
    _healthy(recording, dice)
    notify_faults.record(recording, dice)
