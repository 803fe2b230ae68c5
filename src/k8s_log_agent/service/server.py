"""Runs the application under uvicorn until a signal ends it: requests first, then jobs, then what waits to be told."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from k8s_log_agent.service.app import create_app
from k8s_log_agent.service.running import running
from k8s_log_agent.service.security import BoundedHttp
from k8s_log_agent.service.settings import Settings
from k8s_log_agent.service.telemetry import logs

_STOP_SECONDS = 10
_MOST_CONNECTIONS = 1000
_BACKLOG = 512


class _Server(uvicorn.Server):
    """Ends the endless answers (events) when it is told to stop, so that stopping need not wait for them."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None], started: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._started = started

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """As uvicorn does, after the listeners were sent home."""
        self._stopping()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, and says so."""
        await super().startup(sockets)
        if self.started:
            self._started()


def run(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; `ready` is told the address.

    Raises `DatabaseError`, `SettingsError`, `LokiAccessError` and `OSError` where it cannot start.
    """
    logs.configure()
    with socket.create_server(
        (settings.listen_host, settings.listen_port), family=_family(settings.listen_host), backlog=_BACKLOG
    ) as listening:
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        with running(settings) as parts:
            config = uvicorn.Config(
                create_app(parts),
                http=BoundedHttp,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=_STOP_SECONDS,
                timeout_keep_alive=15,
                limit_concurrency=_MOST_CONNECTIONS,
            )
            server = _Server(config, parts.bus.close, lambda: ready(f"http://{shown}:{port}{settings.root_path}"))
            with _told_once():
                server.run(sockets=[listening])


@contextmanager
def _told_once() -> Iterator[None]:
    """Keeps uvicorn, which sends itself again the signal that stopped it, from ending the process before its time."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, lambda _number, _frame: None) for one in signals]
    try:
        yield
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
