"""What a machine is: system, kernel, control groups, modules, memory, swap, clock. Linux; reads only.

Each function takes the root of the file system, so that recorded trees can stand in for a machine.
"""

from __future__ import annotations

import ctypes
import gzip
import os
import platform
import re
import shutil
import struct
import sys
import time
from pathlib import Path
from typing import Any

from .processes import all_pids

CAP_SYS_MODULE = 16
CLOCK_UNSYNCHRONISED = 0x40
TIME_SERVICES = {"systemd-timesyn", "chronyd", "ntpd", "openntpd", "ntpd-rs"}
_CONFIG_NAMES = {"br_netfilter": "BRIDGE_NETFILTER", "overlay": "OVERLAY_FS"}


def system(root: Path) -> dict[str, Any]:
    """Distribution, kernel, architecture, and how this module runs there."""
    release = os_release(_text(root / "etc/os-release") or _text(root / "usr/lib/os-release"))
    return {
        "hostname": platform.node(),
        "machine_id": _text(root / "etc/machine-id").strip(),
        "id": release.get("ID", ""),
        "id_like": release.get("ID_LIKE", "").split(),
        "version": release.get("VERSION_ID", ""),
        "name": release.get("PRETTY_NAME", ""),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "pointer_bits": struct.calcsize("P") * 8,
        "python": ".".join(map(str, sys.version_info[:3])),
        "uid": os.geteuid(),
        "systemd": (root / "run/systemd/system").is_dir(),
        "container": container(root),
        "cpus": os.cpu_count() or 1,
    }


def os_release(text: str) -> dict[str, str]:
    """The variables of an os-release file."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def container(root: Path) -> str:
    """What kind of container this is; empty on a machine of its own."""
    named = _text(root / "run/systemd/container").strip()
    if named:
        return named
    for entry in _text(root / "proc/1/environ").split("\0"):
        if entry.startswith("container="):
            return entry.partition("=")[2]
    return "container" if (root / ".dockerenv").exists() or (root / "run/.containerenv").exists() else ""


def memory(root: Path) -> dict[str, Any]:
    """Bytes of memory, and the swap areas with their sizes in bytes."""
    rows = dict(line.split(":", 1) for line in _text(root / "proc/meminfo").splitlines() if ":" in line)
    areas = [line.split() for line in _text(root / "proc/swaps").splitlines()[1:]]
    return {
        "total_bytes": int((rows.get("MemTotal") or "0").split()[0]) * 1024,
        "swap": [{"path": area[0], "bytes": int(area[2]) * 1024} for area in areas if len(area) > 2],
    }


def control_groups(root: Path) -> dict[str, Any]:
    """The version of control groups that a kubelet would find, and the controllers that are switched on."""
    unified = _text(root / "sys/fs/cgroup/cgroup.controllers")
    if unified:
        return {"version": 2, "controllers": sorted(unified.split())}
    rows = [line.split() for line in _text(root / "proc/cgroups").splitlines() if not line.startswith("#")]
    return {"version": 1, "controllers": sorted(row[0] for row in rows if len(row) > 3 and row[3] == "1")}


def kernel_modules(root: Path, names: list[str]) -> dict[str, str]:
    """For each name: ``loaded``, ``built in``, ``loadable``, ``not permitted`` or ``missing``."""
    return {name: _module_state(root, name) for name in names}


def _module_state(root: Path, name: str) -> str:
    if f"\n{name} " in "\n" + _text(root / "proc/modules"):
        return "loaded"
    release = root / "lib/modules" / platform.release()
    if (root / "sys/module" / name).is_dir() or _listed(release / "modules.builtin", name):
        return "built in"
    option = _CONFIG_NAMES.get(name, name.upper())
    if f"\nCONFIG_{option}=y\n" in "\n" + _kernel_config(root):
        return "built in"
    if name == "br_netfilter" and (root / "proc/sys/net/bridge/bridge-nf-call-iptables").exists():
        return "built in"
    if not _listed(release / "modules.dep", name):
        return "missing"
    return "loadable" if _may_load(root) else "not permitted"


def _listed(path: Path, name: str) -> bool:
    pattern = "/" + name.replace("_", "[_-]") + r"\.ko(\.\w+)?(:|$)"
    return re.search(pattern, _text(path), flags=re.MULTILINE) is not None


def _kernel_config(root: Path) -> str:
    try:
        return gzip.decompress((root / "proc/config.gz").read_bytes()).decode("ascii", "replace")
    except (OSError, EOFError, ValueError):
        return _text(root / "boot" / f"config-{platform.release()}")


def _may_load(root: Path) -> bool:
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", _text(root / "proc/self/status"), flags=re.MULTILINE)
    permitted = found is not None and bool(int(found.group(1), 16) >> CAP_SYS_MODULE & 1)
    return permitted and shutil.which("modprobe", path="/usr/sbin:/sbin:/usr/bin:/bin") is not None


def clock(sent_at: float) -> dict[str, Any]:
    """Seconds that this clock is ahead of the controller's, and what keeps it right.

    `sent_at` is the controller's time when it began to call; the way here counts as being ahead, some seconds at most.
    """
    services = sorted({name for pid in all_pids() if (name := command_name(pid)) in TIME_SERVICES})
    return {"ahead_seconds": round(time.time() - sent_at, 3), "synchronised": synchronised(), "services": services}


def synchronised() -> bool | None:
    """Whether the kernel holds its clock for synchronised; None where it cannot be asked."""
    if struct.calcsize("l") != 8:
        return None
    buffer = ctypes.create_string_buffer(512)
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    status = struct.unpack_from("i", buffer, 40)[0]
    return not status & CLOCK_UNSYNCHRONISED


def command_name(pid: int) -> str:
    """The kernel's short name of the process, up to 15 letters; empty when it is gone."""
    return _text(Path(f"/proc/{pid}/comm")).strip()


def process_started_at(name: str) -> float | None:
    """When the oldest process of that short name was started, in seconds since 1970; None when there is none."""
    booted = re.search(r"^btime (\d+)$", _text(Path("/proc/stat")), flags=re.MULTILINE)
    ticks = [
        int(_text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()[19])
        for pid in all_pids()
        if command_name(pid) == name
    ]
    if not ticks or booted is None:
        return None
    return int(booted.group(1)) + min(ticks) / os.sysconf("SC_CLK_TCK")


def protection(root: Path) -> dict[str, Any]:
    """Firewalls that run, SELinux' mode, and services known to disturb a cluster's network."""
    running = {command_name(pid) for pid in all_pids()}
    firewalls = ["firewalld"] if "firewalld" in running else []
    if re.search(r"^ENABLED=yes", _text(root / "etc/ufw/ufw.conf"), flags=re.MULTILINE):
        firewalls.append("ufw")
    enforcing = _text(root / "sys/fs/selinux/enforce").strip()
    cloud_setup = root / "etc/systemd/system/timers.target.wants/nm-cloud-setup.timer"
    return {
        "firewalls": firewalls,
        "selinux": {"1": "enforcing", "0": "permissive"}.get(enforcing, "off"),
        "disturbing": ["nm-cloud-setup.timer"] if cloud_setup.exists() or cloud_setup.is_symlink() else [],
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
