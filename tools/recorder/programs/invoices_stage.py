"""The stage of the invoice worker's recording: its pods and the queue that feeds it."""

from __future__ import annotations

import json
import random
import time

from tools.recorder.programs.checkout_stage import PYTHON
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client


class Scene:
    """Pods of the worker and the queue that feeds it."""

    def __init__(self, recording: Recording, dice: random.Random) -> None:
        self.recording, self.dice, self.number = recording, dice, 20_000

    def pod(self, namespace: str = "billing") -> Pod:
        """A new pod with a generated name."""
        ending = "".join(self.dice.choices("bcdfghjklmnpqrstvwxz2456789", k=5))
        return self.recording.pod(f"invoices-5d9c8b7f6-{ending}", namespace=namespace, container="worker")

    def start(self, pod: Pod, env: dict[str, str] | None = None, **how: object) -> RunningProgram:
        """Start the worker behind its entrypoint and wait until it is ready."""
        values = {"REDIS_URL": "redis://redis:6379/1", "PYTHONFAULTHANDLER": "1", **(env or {})}
        command = ["bash", "/app/entrypoint.sh", PYTHON, "worker.py"]
        running = pod.run(command, env=values, cwd="/app", **how)  # type: ignore[arg-type]  # options of Pod.run, passed through
        running.wait_for("worker ready", 20)
        return running

    def invoices(self, count: int, **fields: object) -> None:
        """Put invoices into the queue and wait until they are taken."""
        for _ in range(count):
            self.number += self.dice.randrange(1, 9)
            invoice = {"id": f"INV-{self.number}", "amount": self.dice.randrange(100, 90_000) / 100, **fields}
            self.push(json.dumps(invoice))
        self.drain()

    def push(self, text: str) -> None:
        """Put one text into the queue."""
        client("redis-cli", "-n", "1", "-x", "RPUSH", "invoices", text=text)

    def drain(self, seconds: float = 15) -> None:
        """Wait until the queue is empty, for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and client("redis-cli", "-n", "1", "LLEN", "invoices").strip() != "0":
            time.sleep(0.1)
        time.sleep(0.2)

    def stop(self, running: RunningProgram) -> None:
        """Let the worker end by itself."""
        self.push("stop")
        try:
            running.wait(12)
        finally:
            client("redis-cli", "-n", "1", "DEL", "invoices")
