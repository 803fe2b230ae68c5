"""Which accelerator QEMU can use on this host."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

KVM_GET_API_VERSION = 0xAE00
KVM_API_VERSION = 12


@dataclass(frozen=True)
class Accelerator:
    """The arguments for QEMU, and the reason for them in words."""

    name: str
    arguments: tuple[str, ...]
    reason: str


def choose(wanted: str, *, kvm: Path = Path("/dev/kvm"), cpuinfo: Path = Path("/proc/cpuinfo")) -> Accelerator:
    """Return the accelerator for `wanted`: auto, kvm or tcg (software emulation)."""
    obstacle = "" if wanted == "kvm" else "asked for" if wanted == "tcg" else obstacle_to_kvm(kvm, cpuinfo)
    if not obstacle:
        return Accelerator("kvm", ("-accel", "kvm", "-cpu", "host"), "the processor runs the machines itself")
    return Accelerator("tcg", ("-accel", "tcg,thread=multi", "-cpu", "max"), f"software emulation, since {obstacle}")


def obstacle_to_kvm(kvm: Path, cpuinfo: Path) -> str:
    """Return why KVM cannot be used, or nothing.

    A device file alone proves little: some cloud machines have one and stall at the first instruction of a guest,
    and their processors show neither vmx nor svm.
    """
    try:
        flags = set(cpuinfo.read_text(encoding="utf-8").partition("\nflags")[2].partition("\n")[0].split())
    except OSError:
        flags = set()
    if not flags & {"vmx", "svm"}:
        return "the processor shows no virtualisation (neither vmx nor svm)"
    try:
        device = os.open(kvm, os.O_RDWR | os.O_CLOEXEC)
    except OSError as problem:
        return f"{kvm} cannot be opened ({problem.strerror})"
    try:
        return "" if fcntl.ioctl(device, KVM_GET_API_VERSION) == KVM_API_VERSION else f"{kvm} has another version"
    except OSError as problem:
        return f"{kvm} does not answer ({problem.strerror})"
    finally:
        os.close(device)
