"""What ails a node: observed by its own means, judged apart from that."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from . import k3s_certificates, node_facts
from .backup import manifest
from .data_disk.health import health_of
from .preflight_findings import ERROR, NOTE, WARNING, Finding

_FULL, _FILLING = 95, 85  # percent; the kubelet evicts pods at 85 by default
_CERTIFICATE_DAYS = 30  # K3s renews when it starts within 120 days of the end
_BACKUP_DAYS = 2
_REAL = ("ext4", "xfs", "btrfs", "f2fs", "zfs", "vfat")


@dataclass(frozen=True)
class Space:
    """Use of a file system, in percent of bytes and of inodes."""

    mount: str
    bytes_percent: float
    inodes_percent: float


@dataclass(frozen=True)
class Observed:
    """What was seen on one node; None where nobody could tell."""

    spaces: tuple[Space, ...] = ()
    failed_units: tuple[str, ...] = ()
    clock_synchronised: bool | None = None
    memory_stall_percent: float | None = None  # of the last five minutes
    certificates: Mapping[str, datetime] = field(default_factory=dict)
    disks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    backups: Mapping[str, datetime | None] = field(default_factory=dict)
    mounts_missing: tuple[str, ...] = ()


def judge(host: str, seen: Observed, now: datetime) -> list[Finding]:
    """Everything that a person should know, in no order."""
    return [
        *(one for space in seen.spaces for one in _space(host, space)),
        *(_unit(host, unit) for unit in seen.failed_units),
        *_clock(host, seen.clock_synchronised),
        *_memory(host, seen.memory_stall_percent),
        *(one for name, end in seen.certificates.items() for one in _certificate(host, name, end, now)),
        *(one for disk, told in seen.disks.items() for one in _disk(host, disk, told)),
        *(one for item, made in seen.backups.items() for one in _backup(host, item, made, now)),
        *(_mount(host, mount) for mount in seen.mounts_missing),
    ]


def observe(
    *, certificate_dir: Path, backup_dir: Path, backup_items: Iterable[str], disks: Iterable[str], mounts: Iterable[str]
) -> Observed:
    """Looks at this machine; changes nothing and never fails."""
    items = {item: _newest(backup_dir / item) for item in backup_items}
    return Observed(
        spaces=tuple(_spaces(Path("/proc/self/mounts").read_text(encoding="utf-8"))),
        failed_units=tuple(
            line.split()[0] for line in _lines("systemctl", "--failed", "--plain", "--no-legend") if line
        ),
        clock_synchronised=node_facts.synchronised(),
        memory_stall_percent=_stall(Path("/proc/pressure/memory")),
        certificates=k3s_certificates.expiries(certificate_dir),
        disks={disk: health_of(disk) for disk in disks},
        backups=items,
        mounts_missing=tuple(one for one in mounts if not os.path.ismount(one)),
    )


def _space(host: str, space: Space) -> Iterable[Finding]:
    worst = max(space.bytes_percent, space.inodes_percent)
    if worst < _FILLING:
        return
    kind = "bytes" if space.bytes_percent >= space.inodes_percent else "inodes"
    yield Finding(
        ERROR if worst >= _FULL else WARNING,
        host,
        f"{space.mount} is {worst:.0f} % full ({kind})",
        "A full disk stops pods, logs and the datastore; the kubelet evicts pods before that.",
        f"`du -xh -d2 {space.mount} | sort -h | tail`; unused images: `k3s crictl rmi --prune`.",
    )


def _unit(host: str, unit: str) -> Finding:
    grave = unit.startswith(("k3s", "log-intelligence"))
    why = "It is part of this platform." if grave else "systemd gave up on it."
    return Finding(
        ERROR if grave else WARNING,
        host,
        f"{unit} has failed",
        why,
        f"`journalctl -u {unit} -n 50`, mend, `systemctl reset-failed {unit}`.",
    )


def _clock(host: str, synchronised: bool | None) -> Iterable[Finding]:
    if synchronised is False:
        yield Finding(
            WARNING, host, "the clock follows no time server", "Certificates and the order of log lines depend on it.",
            "`timedatectl timesync-status`; run site.yml --tags node, which brings a time service where none runs.",
        )  # fmt: skip


def _memory(host: str, percent: float | None) -> Iterable[Finding]:
    if percent is not None and percent >= 10:
        yield Finding(
            WARNING, host, f"programs waited {percent:.0f} % of the last five minutes for memory",
            "A node that is short of memory becomes slow and kills programs.",
            f"`kubectl top pods -A --sort-by=memory`, and what else runs: `ps aux --sort=-rss | head` on {host}.",
        )  # fmt: skip


def _certificate(host: str, name: str, end: datetime, now: datetime) -> Iterable[Finding]:
    left = end - now
    if left < timedelta(days=_CERTIFICATE_DAYS):
        over = left < timedelta()
        yield Finding(
            ERROR if over else WARNING, host,
            f"K3s' certificate {name} {'is over since' if over else 'ends in'} {abs(left.days)} days",
            "Without it the node or the API is lost to the others.",
            f"Restart K3s on {host}, which renews it: `systemctl restart k3s` (or k3s-agent).",
        )  # fmt: skip


def _disk(host: str, disk: str, told: Mapping[str, Any]) -> Iterable[Finding]:
    if not told.get("source"):
        yield Finding(NOTE, host, f"{disk} says nothing of its health", "Neither smartctl nor nvme is installed.", "")
        return
    if told.get("passed") is False or told.get("media_errors", 0):
        yield Finding(
            ERROR, host, f"{disk} reports that it fails ({told.get('media_errors', 0)} media errors)",
            "It may be gone tomorrow, with all that lies on it.",
            "Run playbooks/backup.yml now, look at `smartctl -a`, and get a new disk.",
        )  # fmt: skip
    elif told.get("wear_percent", 0) >= 90:
        yield Finding(
            WARNING, host, f"{disk} has used {told['wear_percent']} % of its writes", "It is at the end of its life.",
            "Plan for a new disk, and see that backups are young.",
        )  # fmt: skip


def _backup(host: str, item: str, made: datetime | None, now: datetime) -> Iterable[Finding]:
    if made is None:
        yield Finding(
            ERROR, host, f"there is no backup of {item}", "What is lost now is lost for good.",
            "Run playbooks/backup.yml.",
        )  # fmt: skip
    elif now - made > timedelta(days=_BACKUP_DAYS):
        yield Finding(
            WARNING, host, f"the newest backup of {item} is {(now - made).days} days old",
            "The timer should make one every night.",
            "`systemctl status log-intelligence-backup.service log-intelligence-backup.timer`.",
        )  # fmt: skip


def _mount(host: str, mount: str) -> Finding:
    return Finding(
        ERROR, host, f"{mount} is not mounted", "What belongs on the data disk has no place; its pods wait.",
        f"`systemctl status '{mount}'`, `dmesg | tail`; then run site.yml --tags data_disk.",
    )  # fmt: skip


def _spaces(mounts: str) -> Iterable[Space]:
    seen = set()
    for line in mounts.splitlines():
        device, mount, kind = line.split()[:3]
        if kind not in _REAL or device in seen:
            continue
        seen.add(device)
        try:
            told = os.statvfs(mount)
        except OSError:
            continue
        if told.f_blocks:
            used = 100 * (1 - told.f_bavail / told.f_blocks)
            inodes = 100 * (1 - told.f_favail / told.f_files) if told.f_files else 0.0
            yield Space(mount, used, inodes)


def _newest(folder: Path) -> datetime | None:
    described = manifest.newest(folder)
    return described.moment if described else None


def _stall(path: Path) -> float | None:
    try:
        full = next(line for line in path.read_text(encoding="ascii").splitlines() if line.startswith("full "))
        return float(dict(word.split("=") for word in full.split()[1:])["avg300"])
    except (OSError, StopIteration, KeyError, ValueError):
        return None


def _lines(*command: str) -> list[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        return []
