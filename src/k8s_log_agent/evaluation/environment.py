"""What the run stood on: the machine, without its name, and the versions of what decides the results."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from k8s_log_agent import __version__
from k8s_log_agent.evaluation.summary import Machine

DISTRIBUTIONS = ("ansible-core", "chromadb", "xllamacpp", "onnxruntime", "drain3-improved", "pydantic")


def read_machine(root: Path = Path("/")) -> Machine:
    """What `root` says of its machine; what it does not say is `unknown` or 0."""
    cpu = _fields(root / "proc/cpuinfo", ":")
    memory = _fields(root / "proc/meminfo", ":").get("MemTotal", "0 kB").split()[0]
    system = _fields(root / "etc/os-release", "=")
    return Machine(
        processor=cpu.get("model name", platform.machine() or "unknown"),
        processors=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=int(memory) * 1024,
        system=system.get("PRETTY_NAME", platform.system() or "unknown"),
        kernel=platform.release(),
    )


def read_versions() -> dict[str, str]:
    """Versions by name; what is not installed is left out."""
    found = {"k8s-log-agent": __version__, "Python": platform.python_version()}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _fields(path: Path, separator: str) -> dict[str, str]:
    """The first value of each name in a file of `name separator value` lines."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(separator)
        fields.setdefault(name.strip(), value.strip().strip('"'))
    return fields
