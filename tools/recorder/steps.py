"""Small bounded steps that scripts share: waiting for ports, running client commands, holding a port."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.recorder.pod_log import RecordingFailedError
from tools.recorder.running import NEUTRAL_ENVIRONMENT, Confinement


def wait_for_port(port: int, host: str = "127.0.0.1", seconds: float = 20) -> None:
    """Wait until something accepts connections."""
    deadline = time.monotonic() + seconds
    while True:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((host, port)) == 0:
                return
        if time.monotonic() > deadline:
            raise RecordingFailedError(f"Nothing listened on {host}:{port} within {seconds:g} s.")
        time.sleep(0.1)


@contextmanager
def port_held(port: int, host: str = "0.0.0.0") -> Iterator[None]:  # noqa: S104 -- inside the sandbox there is only loopback
    """Keep a port taken."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, port))
        holder.listen()
        yield


def client(
    *command: str, text: str | None = None, seconds: float = 20, env: Mapping[str, str] | None = None, user: str = ""
) -> str:
    """Run a client whose output is not part of the recording; its output is returned, whatever its status."""
    wrapped = Confinement(user or None).wrap(command, None)
    try:
        result = subprocess.run(
            wrapped,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            cwd="/",
            env={**NEUTRAL_ENVIRONMENT, **(env or {})},
        )
    except subprocess.TimeoutExpired:
        return ""
    return result.stdout + result.stderr


def write_file(path: str | Path, text: str, mode: int = 0o644) -> Path:
    """Write a configuration file, folders included."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    target.chmod(mode)
    return target


def background(*command: str, user: str = "", cwd: str | Path = "/") -> subprocess.Popen[bytes]:
    """Start a program that belongs to the scene but not to the recording; the sandbox's end ends it."""
    wrapped = Confinement(user or None).wrap(command, None)
    return subprocess.Popen(
        wrapped, cwd=cwd, env=NEUTRAL_ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
