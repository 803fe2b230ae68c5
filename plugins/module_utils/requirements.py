"""What a machine must offer before anything is installed on it; each check says what it found and how to mend it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .processes import PortHolder, all_pids, environment_of, port_holder, resident_bytes_of
from .service_definition import NAME_VARIABLE, RUN_DIR_VARIABLE

MIB = 1 << 20


@dataclass(frozen=True)
class Check:
    """One requirement and how the machine meets it. `mend` is empty when it does."""

    subject: str
    wanted: str
    found: str
    ok: bool
    mend: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def check_memory(needed: int, available: int, own: int) -> Check:
    """`available` and `own` are bytes; `own` is what the platform's running services hold already."""
    reachable = available + own
    return Check(
        subject="memory",
        wanted=f"{_mib(needed)} available",
        found=f"{_mib(reachable)}" + (f", {_mib(own)} of them in use by this platform's services" if own else ""),
        ok=reachable >= needed,
        mend="" if reachable >= needed else "choose a smaller model, context or prompt cache, or close other programs",
    )


def check_disk(path: str, needed: int, free: int) -> Check:
    """`needed` and `free` are bytes."""
    ok = free >= needed
    mend = "" if ok else f"free {_mib(needed - free)} there, or move log_intelligence_state_dir to a larger disk"
    return Check(f"disk at {path}", f"{_mib(needed)} free", f"{_mib(free)} free", ok, mend)


def check_port(port: int, variable: str, holder: PortHolder | None, own: bool) -> Check:
    """`own` says whether the holder is the platform's own service, which is fine."""
    if holder is None or own:
        return Check(f"port {port}", "free", "free" if holder is None else "held by this platform", True)
    mend = f"stop that program, or set {variable} to another port"
    return Check(f"port {port}", "free", f"taken by {holder}", False, mend)


def check_python(minimum: str, version: tuple[int, ...]) -> Check:
    """`minimum` as in ``3.11``."""
    ok = version >= tuple(int(part) for part in minimum.split("."))
    mend = "" if ok else "install a newer Python and name it in ansible_python_interpreter"
    return Check("Python", f"{minimum} or newer", ".".join(map(str, version)), ok, mend)


def check_architecture(allowed: list[str], machine: str) -> Check:
    """`machine` as ``uname -m`` names it."""
    ok = machine in allowed
    mend = "" if ok else "use a machine of one of these architectures, for which the model server has builds"
    return Check("architecture", " or ".join(allowed), machine, ok, mend)


def check_writable(path: str) -> Check:
    """Whether `path`, or the nearest directory above it that exists, can be written to."""
    existing = nearest_existing(path)
    ok = os.access(existing, os.W_OK | os.X_OK)
    mend = "" if ok else f"make {existing} writable for this user, or choose a directory of your own"
    return Check(f"access to {path}", "writable", "writable" if ok else f"{existing} cannot be written to", ok, mend)


def nearest_existing(path: str) -> Path:
    """`path` itself, or the first directory above it that exists."""
    found = Path(path).absolute()
    while not found.exists():
        found = found.parent
    return found


def examine(wanted: dict[str, Any]) -> list[Check]:
    """Every requirement in `wanted`, whose keys are the options of the module host_requirements."""
    checks = []
    if wanted.get("architectures"):
        checks.append(check_architecture(wanted["architectures"], platform.machine()))
    if wanted.get("python_minimum"):
        checks.append(check_python(wanted["python_minimum"], tuple(sys.version_info[:3])))
    if wanted.get("memory_bytes"):
        own = own_memory_bytes(wanted["run_dir"])
        checks.append(check_memory(wanted["memory_bytes"], available_memory_bytes(), own))
    for disk in wanted.get("disks") or []:
        free = shutil.disk_usage(nearest_existing(disk["path"])).free
        checks.append(check_disk(disk["path"], disk["free_bytes"], free))
    for asked in wanted.get("ports") or []:
        holder = port_holder(asked["port"])
        own_names = {NAME_VARIABLE: asked["service"], RUN_DIR_VARIABLE: wanted["run_dir"]}
        own = holder is not None and own_names.items() <= holder.environment.items()
        checks.append(check_port(asked["port"], asked["variable"], holder, own))
    checks.extend(check_writable(path) for path in wanted.get("writable") or [])
    return checks


def available_memory_bytes() -> int:
    """What the kernel could give to a new process without swapping, limited by the control group."""
    rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    available = int(rows["MemAvailable"].split()[0]) * 1024
    limit, used = _read_number("/sys/fs/cgroup/memory.max"), _read_number("/sys/fs/cgroup/memory.current")
    return min(available, limit - used) if limit is not None and used is not None else available


def own_memory_bytes(run_dir: str) -> int:
    """RAM that the services supervised from `run_dir` hold."""
    owned = (pid for pid in all_pids() if environment_of(pid).get(RUN_DIR_VARIABLE) == run_dir)
    return sum(resident_bytes_of(pid) for pid in owned)


def as_table(checks: list[Check]) -> str:
    """The checks as lines of aligned columns, each problem followed by its mend."""
    heading = ("", "requirement", "wanted", "found")
    rows = [("ok" if check.ok else "NOT", check.subject, check.wanted, check.found) for check in checks]
    widths = [max(len(row[column]) for row in [heading, *rows]) for column in range(4)]
    layout = "  ".join(f"{{:{width}}}" for width in widths)
    lines = [layout.format(*heading).rstrip()]
    for check, row in zip(checks, rows):  # noqa: B905 - made from each other; `strict` needs Python 3.10 on the host
        lines.append(layout.format(*row).rstrip())
        if not check.ok:
            lines.append(f"     to mend: {check.mend}")
    return "\n".join(lines)


def _read_number(path: str) -> int | None:
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f} MiB"
