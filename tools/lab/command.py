"""The command line of QEMU for one machine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tools.lab.accelerator import Accelerator
from tools.lab.image import BootFiles
from tools.lab.settings import MachineSettings

PROGRAM = "qemu-system-x86_64"
SEGMENT_GROUP = "239.77.0.1"
MANAGEMENT_SLOT, SEGMENT_SLOT = "0x3", "0x4"  # enp0s3 and enp0s4 inside the machine


@dataclass(frozen=True)
class Place:
    """A machine's own folder and what lies in it."""

    folder: Path

    @property
    def root(self) -> Path:
        """The layer above the shared image that takes this machine's writes."""
        return self.folder / "root.qcow2"

    @property
    def console(self) -> Path:
        """What the machine wrote to its serial console since it was started."""
        return self.folder / "console.log"

    @property
    def pid(self) -> Path:
        """QEMU's process number."""
        return self.folder / "qemu.pid"

    @property
    def seed(self) -> Path:
        """The archive that the machine unpacks at its start."""
        return self.folder / "seed.tar"

    @property
    def state(self) -> Path:
        """What the machine was started with."""
        return self.folder / "machine.json"

    @property
    def image(self) -> Path:
        """A link to the folder of the image that the root layer was put upon."""
        return self.folder / "image"

    @property
    def known_hosts(self) -> Path:
        """The machine's host key, as ssh wants it."""
        return self.folder / "known_hosts"

    @property
    def host_key(self) -> Path:
        """The private half of the machine's host key."""
        return self.folder / "ssh_host_ed25519_key"

    def disk(self, serial: str) -> Path:
        """The file behind the disk with this serial: raw and sparse."""
        return self.folder / "disks" / f"{serial}.raw"


def hardware_address(place: Place, card: str) -> str:
    """Return the same address at each start, and another for each machine and card."""
    digits = hashlib.sha256(f"{place.folder}/{card}".encode()).hexdigest()
    return ":".join(("52", "54", "00", digits[0:2], digits[2:4], digits[4:6]))


def tap_name(place: Place) -> str:
    """Return the name of the host's end of a card on a bridge: 15 characters are the most that Linux takes."""
    return f"lab{hashlib.sha256(str(place.folder).encode()).hexdigest()[:8]}"


def command_line(
    machine: MachineSettings, place: Place, boot: BootFiles, accelerator: Accelerator, ssh_port: int
) -> list[str]:
    """Return the whole command, to be run in the machine's folder: a socket's path must be short, so it is relative."""
    return [
        *(PROGRAM, "-name", f"{machine.name},process=lab-{machine.name}", "-daemonize", "-pidfile", str(place.pid)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", *accelerator.arguments),
        *("-smp", str(machine.cpus), "-m", f"{machine.memory_mib}M", "-rtc", "base=utc"),
        *("-device", "virtio-rng-pci"),
        *("-kernel", str(boot.kernel), "-initrd", str(boot.initrd)),
        *("-append", "root=/dev/vda rw console=ttyS0 panic=10 systemd.show_status=true"),
        *("-chardev", f"file,id=console,path={_value(place.console)}", "-serial", "chardev:console"),
        *("-qmp", "unix:qmp.sock,server=on,wait=off"),
        *("-fw_cfg", f"name=opt/homelab/seed,file={_value(place.seed)}"),
        *_root(place),
        *_network(machine, place, ssh_port),
        *_disks(machine, place),
    ]


def _root(place: Place) -> list[str]:
    drive = f"if=none,id=root,file={_value(place.root)},format=qcow2,discard=unmap"
    return ["-drive", drive, "-device", "virtio-blk-pci,drive=root,serial=lab-root"]


def _network(machine: MachineSettings, place: Place, ssh_port: int) -> list[str]:
    first = hardware_address(place, "management")
    found = [
        *("-netdev", f"user,id=management,ipv6=off,hostfwd=tcp:127.0.0.1:{ssh_port}-:22"),
        *("-device", f"virtio-net-pci,netdev=management,mac={first},addr={MANAGEMENT_SLOT}"),
    ]
    if machine.network is None:
        return found
    if machine.network.bridge:
        backend = f"tap,id=segment,ifname={tap_name(place)},script=no,downscript=no"
    else:
        backend = f"socket,id=segment,mcast={SEGMENT_GROUP}:{machine.network.segment_port},localaddr=127.0.0.1"
    second = hardware_address(place, "segment")
    return [
        *found,
        *("-netdev", backend, "-device", f"virtio-net-pci,netdev=segment,mac={second},addr={SEGMENT_SLOT}"),
    ]


def _disks(machine: MachineSettings, place: Place) -> list[str]:
    found = []
    for number, disk in enumerate(machine.disks):
        drive = f"drive-{disk.serial}"
        # A port of its own lets the disk be pulled out while the machine runs.
        slot = f"{0x10 + number // 8:#x}.{number % 8},multifunction=on"
        found += ["-device", f"pcie-root-port,id=port{number},chassis={number + 1},addr={slot}"]
        found += ["-drive", f"if=none,id={drive},file={_value(place.disk(disk.serial))},format=raw,discard=unmap"]
        found += ["-device", f"nvme,id=disk-{disk.serial},drive={drive},serial={disk.serial},bus=port{number}"]
    return found


def _value(path: Path) -> str:
    """Return the path as QEMU's options want it: a comma is written twice."""
    return str(path).replace(",", ",,")
