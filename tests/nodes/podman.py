"""Calls podman, with the errors that a person can act on."""

from __future__ import annotations

import subprocess


class PodmanError(RuntimeError):
    """podman refused; the message is its own."""


def podman(*arguments: str, check: bool = True, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run podman with Debian's runc; raise PodmanError with its message unless `check` is off."""
    command = ["podman", "--runtime", "runc", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, input=text)
    if check and done.returncode:
        raise PodmanError(f"podman {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    return done
