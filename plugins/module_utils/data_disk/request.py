"""What was asked for: one disk by its identity, the filesystem it shall carry, and the applications' shares of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MARKER_NAME = ".log-intelligence-data-disk.json"
_NAMESPACE = uuid.UUID("5f0b7c0e-6f0f-5b0a-9d5e-3d9f4f1f5c77")  # fixed for ever: adopted disks are known by it


class DiskError(Exception):
    """The work could not be done; the message says what, why, and the next step."""


@dataclass(frozen=True)
class Project:
    """One application's directory below the mount point. `bytes` is its hard limit; `mode` is octal, as in ``0750``."""

    name: str
    bytes: int
    owner: str
    group: str
    mode: str


@dataclass(frozen=True)
class Request:
    """The options of the module `data_disk`, in bytes and paths."""

    by_id: str
    serial: str
    bytes: int
    model: str
    filesystem: str
    mount_point: str
    label: str
    projects: tuple[Project, ...]
    erase_serial: str
    device_timeout: str
    proof: str
    state_dir: str

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Request:
        """From the module's options; anything left unset becomes empty."""
        projects = tuple(
            Project(
                name=str(each["name"]),
                bytes=int(each["bytes"]),
                owner=str(each["owner"]),
                group=str(each["group"]),
                mode=str(each["mode"]),
            )
            for each in options.get("projects") or []
        )
        words = ("by_id", "serial", "model", "filesystem", "mount_point", "label", "erase_serial", "device_timeout")
        return cls(
            bytes=int(options.get("bytes") or 0),
            projects=projects,
            proof=str(options.get("proof") or "sampled"),
            state_dir=str(options["state_dir"]),
            **{word: str(options.get(word) or "") for word in words},
        )

    @property
    def uuid(self) -> str:
        """The filesystem's UUID. It follows from the serial, so a copy on another disk is never taken for ours."""
        return str(uuid.uuid5(_NAMESPACE, self.serial))

    @property
    def marker(self) -> dict[str, str]:
        """What the file at the root of the filesystem says."""
        return {"made_by": "homelab.log_intelligence.data_disk", "serial": self.serial, "uuid": self.uuid}

    @property
    def mount_options(self) -> str:
        """For /etc/fstab. `nofail` and the time-out let the machine start without the disk; K3s waits for either."""
        before = ",".join(f"x-systemd.before={unit}" for unit in ("k3s.service", "k3s-agent.service"))
        return f"noatime,nofail,x-systemd.device-timeout={self.device_timeout},{before},prjquota"

    @property
    def fstab_line(self) -> str:
        """The line of /etc/fstab, without its end."""
        check_order = 0 if self.filesystem == "xfs" else 2
        return f"UUID={self.uuid} {self.mount_point} {self.filesystem} {self.mount_options} 0 {check_order}"

    @property
    def programs(self) -> tuple[str, ...]:
        """What must be installed on the host."""
        return ("lsblk", "wipefs", "udevadm", "mount", "umount", f"mkfs.{self.filesystem}")

    @property
    def journal_path(self) -> str:
        """Where a format under way is recorded, on the root disk."""
        name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in self.serial)
        return f"{self.state_dir}/{name}.formatting.json"
