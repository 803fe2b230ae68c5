"""The notification service as the scripts start and use it."""

from __future__ import annotations

import random
from collections.abc import Mapping

from tools.recorder.recording import Pod
from tools.recorder.running import RunningProgram
from tools.recorder.upstream import ask

COMPONENT = ("app", "notify")


TEMPLATES = {
    "welcome": {"text": "Welcome, {name}!"},
    "shipped": {"text": "Order {order} has left {city}."},
    "reset": {"text": "Your code is {code}, {name}."},
}


VALUES = {"name": "Ada", "order": 1207, "city": "Kiel", "code": 4711}


def serve(
    pod: Pod,
    port: int,
    *,
    env: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
    script: str = "server.mjs",
    **how: object,
) -> RunningProgram:
    """Start the service, or another script of it, below /app."""
    settings = {
        "NOTIFY_PORT": str(port),
        "NOTIFY_RELAY_URL": "http://127.0.0.1:8025",
        "NOTIFY_RELAY_TOKEN": "t-5f0c2b",
        "NOTIFY_TEMPLATES": "/app/templates.json",
        **(env or {}),
    }
    return pod.run(["node", *options, f"/app/{script}"], env=settings, cwd="/app", **how)  # type: ignore[arg-type]  # options of Pod.run


def order(template: str, to: str) -> dict[str, object]:
    """A request to send a message."""
    return {"to": to, "template": template, "values": VALUES}


def traffic(port: int, dice: random.Random, rounds: int) -> None:
    """Messages, questions for the status, digests, and now and then a page that does not exist."""
    base = f"http://127.0.0.1:{port}"
    for _ in range(rounds):
        kind = dice.random()
        if kind < 0.6:
            address = f"{dice.choice(['ada', 'ben', 'cleo', 'dan'])}{dice.randrange(90)}@example.org"
            ask(f"{base}/notify", method="POST", body=order(dice.choice(sorted(TEMPLATES)), address))
        elif kind < 0.8:
            ask(f"{base}/status")
        elif kind < 0.9:
            ask(f"{base}/digest?entries={dice.randrange(5, 60)}")
        elif kind < 0.96:
            ask(f"{base}/broadcast?template=welcome", method="POST")
        else:
            ask(f"{base}/favicon.ico")
