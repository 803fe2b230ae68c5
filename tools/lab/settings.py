"""What a lab consists of, and how it is read from the inventory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import yaml

from tools.lab.errors import LabError

SECTOR = 512
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
SERIAL = re.compile(r"[A-Za-z0-9]{1,20}")
ACCELERATORS = ("auto", "kvm", "tcg")


@dataclass(frozen=True)
class Disk:
    """An NVMe disk: a sparse file that is empty when new and shows under /dev/disk/by-id with its serial."""

    serial: str
    size: int  # bytes

    def __post_init__(self) -> None:
        if not SERIAL.fullmatch(self.serial):
            raise LabError(f"{self.serial!r} is no serial of a disk: use 1 to 20 letters and digits.")
        if self.size <= 0 or self.size % SECTOR:
            raise LabError(f"The disk {self.serial} has {self.size} bytes: give a positive multiple of {SECTOR}.")

    @property
    def by_id(self) -> str:
        """The stable path of the disk inside the machine."""
        return f"/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_{self.serial}"


@dataclass(frozen=True)
class Network:
    """The second card: on a segment that the lab's machines share, or on a bridge of the host (needs root)."""

    address: IPv4Interface
    segment_port: int = 0  # UDP port of the shared segment on the loopback device
    bridge: str = ""

    def __post_init__(self) -> None:
        if bool(self.segment_port) == bool(self.bridge):
            raise LabError(f"The card with {self.address} needs one of a shared segment and a bridge.")


@dataclass(frozen=True)
class Image:
    """What goes into the shared image; another value of any field makes another image."""

    suite: str = "bookworm"
    mirror: str = "http://deb.debian.org/debian"
    packages: tuple[str, ...] = ()  # beside those that every image has
    root_bytes: int = 12 * 1024**3  # sparse; the size of each machine's root disk


@dataclass(frozen=True)
class MachineSettings:
    """One machine as asked for. `ssh_port` 0 takes any free port of 127.0.0.1."""

    name: str
    ssh_port: int = 0
    network: Network | None = None
    cpus: int = 2
    memory_mib: int = 2048
    disks: tuple[Disk, ...] = ()

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise LabError(f"{self.name!r} is no name of a machine: use small letters, digits and dashes.")
        if len({disk.serial for disk in self.disks}) != len(self.disks):
            raise LabError(f"Two disks of {self.name} have one serial; give each its own.")

    def with_disks(self, *disks: Disk) -> MachineSettings:
        """Return the same machine with these disks, in this order, in place of its own."""
        return replace(self, disks=disks)


@dataclass(frozen=True)
class LabSettings:
    """A whole lab."""

    name: str
    machines: tuple[MachineSettings, ...]
    image: Image = Image()
    accelerator: str = "auto"


def read_lab(path: Path) -> LabSettings:
    """Read the lab's settings from a file of variables; raise LabError that names the file and the value to mend."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as problem:
        raise LabError(f"{path} cannot be read: {problem}. Put it in order.") from problem
    try:
        return lab_from(values)
    except (LabError, KeyError, TypeError, ValueError) as problem:
        why = f"{problem.args[0]} is missing" if isinstance(problem, KeyError) else str(problem)
        raise LabError(f"{path} does not describe a lab: {why} Mend it there and run this again.") from problem


def lab_from(values: Mapping[str, Any]) -> LabSettings:
    """Make settings of variables named lab_*; each error says which value is wrong."""
    port = int(values["lab_segment_port"])
    machines = tuple(_machine(name, given, port) for name, given in values["lab_machines"].items())
    _refuse_doubles(machines)
    accelerator = values.get("lab_accelerator", "auto")
    if accelerator not in ACCELERATORS:
        raise LabError(f"lab_accelerator is {accelerator!r}; it can be {', '.join(ACCELERATORS)}.")
    image = dict(values.get("lab_image", {}))
    _refuse_unknown("lab_image", image, {field.name for field in fields(Image)})
    image["packages"] = tuple(image.get("packages", ()))
    return LabSettings(str(values["lab_name"]), machines, Image(**image), accelerator)


def _machine(name: str, given: Mapping[str, Any], segment_port: int) -> MachineSettings:
    _refuse_unknown(name, given, {"ssh_port", "network", "cpus", "memory_mib", "disks"})
    network = given["network"]
    _refuse_unknown(f"{name}.network", network, {"address", "bridge"})
    bridge = str(network.get("bridge", ""))
    disks = []
    for disk in given.get("disks", ()):
        _refuse_unknown(f"{name}.disks", disk, {"serial", "bytes"})
        disks.append(Disk(str(disk["serial"]), int(disk["bytes"])))
    return MachineSettings(
        name=name,
        ssh_port=int(given["ssh_port"]),
        network=Network(IPv4Interface(network["address"]), 0 if bridge else segment_port, bridge),
        cpus=int(given.get("cpus", 2)),
        memory_mib=int(given.get("memory_mib", 2048)),
        disks=tuple(disks),
    )


def _refuse_unknown(place: str, given: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(given) - known):
        raise LabError(f"{place} has {', '.join(unknown)}, which means nothing; known are {', '.join(sorted(known))}.")


def _refuse_doubles(machines: tuple[MachineSettings, ...]) -> None:
    ports = [machine.ssh_port for machine in machines]
    addresses = [machine.network.address.ip for machine in machines if machine.network]
    serials = [disk.serial for machine in machines for disk in machine.disks]
    for what, found in (("ssh_port", ports), ("address", addresses), ("serial", serials)):
        if len(set(found)) != len(found):
            raise LabError(f"Two machines have one {what}; give each its own.")
