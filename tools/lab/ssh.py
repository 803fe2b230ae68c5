"""Logging in to a machine of the lab, with its host key checked."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Login:
    """Where and with what to log in."""

    port: int
    key: Path
    known_hosts: Path

    def command(self, *words: str, user: str = "root") -> list[str]:
        """Return the ssh command that runs the words, joined by blanks, in the machine's shell; none opens a shell."""
        options = {
            "UserKnownHostsFile": str(self.known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "ConnectTimeout": "15",
            "ServerAliveInterval": "10",
            "ServerAliveCountMax": "6",
            "LogLevel": "ERROR",
        }
        flags = [flag for name, value in options.items() for flag in ("-o", f'{name}="{value}"')]
        return ["ssh", "-F", "none", *flags, "-i", str(self.key), "-p", str(self.port), f"{user}@127.0.0.1", *words]

    def run(
        self, command: str, *, user: str = "root", check: bool = True, stdin: str = "", timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command; CalledProcessError when it fails and `check` is true; TimeoutExpired."""
        return subprocess.run(
            self.command("--", command, user=user),
            check=check,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def answers(self) -> bool:
        """Return whether an SSH server greets at the port; the forwarded port alone accepts connections long before."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_taken(port: int) -> bool:
    """Return whether someone listens on the port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
