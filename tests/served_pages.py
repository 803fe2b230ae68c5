"""The service itself on a free port, with a database of its own and a clock that stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn

from k8s_log_agent.service.app import create_app
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.running import running
from k8s_log_agent.service.settings import Settings
from tests.recorded_incidents import RECORDED

NOW = RECORDED


@dataclass(frozen=True)
class Served:
    """Where it answers, and what it is made of."""

    address: str
    parts: Parts


@contextmanager
def parts_in(folder: Path, clock: Callable[[], datetime] = lambda: NOW, **settings: Any) -> Iterator[Parts]:
    """The parts over a fresh database in the folder."""
    database = f"sqlite:///{folder / 'incidents.db'}"
    with running(Settings.read({}, database_url=database, **settings), clock=clock) as parts:
        yield parts


@contextmanager
def served(folder: Path, clock: Callable[[], datetime] = lambda: NOW, **settings: Any) -> Iterator[Served]:
    """The whole service; its pages answer below `root_path` where the settings name one."""
    with parts_in(folder, clock, **settings) as parts:
        config = uvicorn.Config(create_app(parts), host="127.0.0.1", port=0, log_level="warning", lifespan="off")
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.01)
            if not thread.is_alive():
                raise RuntimeError("the service did not start")
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield Served(f"http://127.0.0.1:{port}{parts.settings.root_path}", parts)
        finally:
            server.should_exit = True
            thread.join(10)
