"""The service as a process of its own, as a user starts it, and what a test starts beside it; all end with the test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx

Value = TypeVar("Value")


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def process(command: Sequence[str | Path], log: Path, **variables: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs until the context ends; what it says is in `log`."""
    environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    with log.open("wb") as said:
        running = subprocess.Popen([*map(str, command)], stdout=said, stderr=subprocess.STDOUT, env=environment)
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(30)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


@contextmanager
def served(folder: Path, **settings: str | Path) -> Iterator[httpx.Client]:
    """A client of a service with these settings beside its defaults."""
    port = free_port()
    variables = {f"K8S_LOG_AGENT_{name.upper()}": value for name, value in settings.items()}
    database = f"sqlite:///{folder / 'log-analyzer.db'}"
    command = [sys.executable, "-m", "k8s_log_agent.cli", "serve", "--listen-port", str(port)]
    log = folder / "serve.log"
    with (
        process([*command, "--database-url", database], log, **variables) as running,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client,
    ):
        eventually(lambda: answers(client, "/healthz") or running.poll() is not None, 60)
        assert running.poll() is None, log.read_text()
        yield client


def answers(client: httpx.Client, path: str) -> bool:
    """Whether it answers well."""
    try:
        return client.get(path).is_success
    except httpx.HTTPError:
        return False


def eventually(ask: Callable[[], Value], seconds: float = 30) -> Value:
    """The first answer that is something; asked again for so long."""
    end = time.monotonic() + seconds
    while True:
        if found := ask():
            return found
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.1)
