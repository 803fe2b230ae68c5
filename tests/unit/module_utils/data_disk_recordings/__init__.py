"""What a real machine with fourteen NVMe disks answered, and a way to change one answer at a time."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk import facts
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.request import Request

HERE = Path(__file__).resolve().parent
LINK = "/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_{}"
DISK_BYTES = 512 << 20


def observed(serial: str, scene: str = "idle") -> dict[str, Any]:
    """What was collected about one disk; `scene` is idle, in_use or claimed."""
    folder = HERE / scene
    shared = {name: (folder / name).read_text() for name in ("mountinfo", "swaps", "fstab")}
    shared["lsblk"] = (folder / "lsblk.json").read_text()
    links = json.loads((folder / "links.json").read_text())
    own = json.loads((folder / "disks.json").read_text())[serial]
    return copy.deepcopy({**shared, "links": links, **own})


def recorded(serial: str, scene: str = "idle", **changes: Any) -> facts.Facts:
    """The same as facts, with `changes` to what was collected."""
    return facts.read({**observed(serial, scene), **changes})


def asked(serial: str, /, **changes: Any) -> Request:
    """A request that fits the disk, with `changes`."""
    given = {
        "by_id": LINK.format(serial),
        "serial": serial,
        "bytes": DISK_BYTES,
        "model": "QEMU NVMe Ctrl",
        "filesystem": "xfs",
        "mount_point": "/mnt/k8s-storage",
        "label": "k8s-storage",
        "projects": [],
        "device_timeout": "5s",
        "state_dir": "/var/lib/log-intelligence/data-disk",
    }
    return Request.of({**given, **changes})


def journal(request: Request, **changes: str) -> dict[str, str]:
    """What a run writes down before it formats an empty disk."""
    return {"serial": request.serial, "uuid": request.uuid, "bytes": str(DISK_BYTES), "was": "empty", **changes}
