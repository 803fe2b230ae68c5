"""A machine's second card on a bridge of the host, as a container network has one; needs root."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tools.lab.errors import LabError
from tools.lab.programs import need


def connect(name: str, bridge: str) -> None:
    """Make the tap device `name` and join it to `bridge`; nothing happens when that is so already."""
    if os.geteuid() != 0:
        raise LabError(f"Joining a machine to the bridge {bridge} needs root. Run this as root, or give it no bridge.")
    need("ip")
    if not Path(f"/sys/class/net/{bridge}/bridge").is_dir():
        raise LabError(
            f"There is no bridge {bridge} on this host. A container network has one only while a container runs on it: "
            "start that container first. `ip link show type bridge` lists what there is."
        )
    if not Path(f"/sys/class/net/{name}").exists():
        _ip("tuntap", "add", "dev", name, "mode", "tap")
    _ip("link", "set", "dev", name, "master", bridge, "up")


def remove(name: str) -> None:
    """Remove the tap device; nothing happens when there is none."""
    if Path(f"/sys/class/net/{name}").exists():
        _ip("link", "delete", "dev", name)


def _ip(*arguments: str) -> None:
    result = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True, timeout=30)
    if result.returncode:
        raise LabError(f"`ip {' '.join(arguments)}` failed: {result.stderr.strip()}. Check the bridge and try again.")
