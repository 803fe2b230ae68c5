"""What this machine offers to node containers, read once and said plainly where it is not enough."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PROGRAMS = {"podman": "podman", "runc": "runc", "mmdebstrap": "mmdebstrap"}
_CAP_SYS_RESOURCE = 24


@dataclass(frozen=True)
class Host:
    """Facts of the machine that carries the nodes."""

    unified_cgroups: bool
    may_raise_limits: bool

    @classmethod
    def read(cls) -> Host:
        """Read this machine."""
        return cls(
            unified_cgroups=Path("/sys/fs/cgroup/cgroup.controllers").exists(),
            may_raise_limits=_has_capability(Path("/proc/self/status").read_text(encoding="ascii"), _CAP_SYS_RESOURCE),
        )


def why_not() -> str | None:
    """Return why no node can be made here, with the command that mends it; None where nodes can be made."""
    if os.name != "posix" or not Path("/proc/self/status").exists():
        return "node containers need Linux"
    if os.geteuid() != 0:
        return "node containers are privileged (systemd, kubelet) and need root: run the same command with sudo"
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        return f"node containers need {', '.join(missing)}: apt-get install {' '.join(missing)}"
    return None


def why_not_run() -> str | None:
    """Return why a container does not start here although the programs are there; found out by starting one."""
    command = "podman --runtime runc run --rm --privileged --cgroupns=private --network=none"
    command += " --ulimit nofile=20000:20000 --ulimit nproc=1000:1000 --rootfs /:O true"
    started = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    if started.returncode == 0:
        return None
    return f"a privileged container does not start here: {started.stderr.strip().splitlines()[-1][:300]}"


def _has_capability(status: str, bit: int) -> bool:
    bounding = next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:"))
    return bool(int(bounding, 16) >> bit & 1)
