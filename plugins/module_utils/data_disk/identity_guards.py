"""Guards that make sure that the disk is the one that was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .facts import Facts
from .refusal import Refusal
from .request import Request

_BY_ID = re.compile(r"/dev/disk/by-id/[^/]+")
_PARTITION = re.compile(r"-part[0-9]+$")
_LIST_DISKS = "lsblk --nodeps -o NAME,SERIAL,MODEL,SIZE; ls -l /dev/disk/by-id"
_TOLERANCE = 0.01  # makers round; two sizes of disk differ by far more


def named_by_id(request: Request, _facts: Facts) -> Iterator[Refusal]:
    """Kernel names change between starts; names by path or by content do not name a disk."""
    if not _BY_ID.fullmatch(request.by_id):
        yield Refusal(
            "named_by_id",
            f"data_disk_by_id is {request.by_id or 'empty'!r}, and only a link below /dev/disk/by-id names the same "
            "disk after every start",
            _LIST_DISKS,
        )
    elif _PARTITION.search(request.by_id):
        yield Refusal("named_by_id", f"{request.by_id} is a partition, and a whole disk is needed", _LIST_DISKS)


def serial_given(request: Request, _facts: Facts) -> Iterator[Refusal]:
    """Without a serial, a size and a label there is nothing to hold the disk against."""
    if not request.serial.strip() or request.serial != request.serial.strip():
        yield Refusal("serial_given", f"data_disk_serial is {request.serial!r}", _LIST_DISKS)
    if request.bytes <= 0:
        yield Refusal("serial_given", f"data_disk_bytes is {request.bytes}", "lsblk --nodeps --bytes -o NAME,SIZE")


def present(request: Request, facts: Facts) -> Iterator[Refusal]:
    """The link must lead somewhere."""
    if not facts.link:
        known = ", ".join(
            f"{disk.path} (serial {disk.serial or 'unknown'}, {disk.bytes} bytes)"
            for disk in facts.disks
            if disk.kind == "disk"
        )
        yield Refusal("present", f"{request.by_id} does not exist; the disks here are {known or 'none'}", _LIST_DISKS)


def whole_disk(request: Request, facts: Facts) -> Iterator[Refusal]:
    """Not a partition, a volume, a loop device or a reader's slot."""
    if facts.link and (facts.disk is None or facts.disk.kind != "disk"):
        yield Refusal("whole_disk", f"{request.by_id} leads to {facts.link}, which is not a whole disk", "lsblk")


def link_by_udev(request: Request, facts: Facts) -> Iterator[Refusal]:
    """A link that someone made by hand says nothing."""
    if facts.link and request.by_id not in facts.udev.get("DEVLINKS", "").split():
        look = f"udevadm info --query=property --name={facts.link}"
        yield Refusal("link_by_udev", f"udev does not know {request.by_id} as a name of {facts.link}", look)


def serial_matches(request: Request, facts: Facts) -> Iterator[Refusal]:
    """The kernel's own answer decides; lsblk must not contradict it."""
    if not facts.link:
        return
    look = f"lsblk --nodeps -o NAME,SERIAL {facts.link}; cat /sys/class/block/{facts.link[5:]}/device/serial"
    told = facts.disk.serial if facts.disk else ""
    if facts.serial != request.serial:
        yield Refusal(
            "serial_matches",
            f"the disk at {request.by_id} has the serial {facts.serial or 'unknown'!r}, "
            f"and {request.serial!r} was named",
            look,
        )
    elif told not in ("", facts.serial):
        yield Refusal("serial_matches", f"the kernel says {facts.serial!r} and lsblk says {told!r}", look)


def serial_unique(request: Request, facts: Facts) -> Iterator[Refusal]:
    """Cheap bridges give every disk the same serial, and two namespaces share one."""
    same = [disk.path for disk in facts.disks if disk.kind == "disk" and disk.serial == request.serial != ""]
    if len(same) > 1:
        yield Refusal("serial_unique", f"{' and '.join(same)} have the serial {request.serial!r}", _LIST_DISKS)


def size_matches(request: Request, facts: Facts) -> Iterator[Refusal]:
    """Within 1 %."""
    if facts.link and abs(facts.bytes - request.bytes) > _TOLERANCE * request.bytes:
        look = f"lsblk --nodeps --bytes -o NAME,SIZE {facts.link}"
        found = f"{facts.link} has {facts.bytes} bytes, and {request.bytes} were named; 1 % may differ"
        yield Refusal("size_matches", found, look)


def model_matches(request: Request, facts: Facts) -> Iterator[Refusal]:
    """When a model was named; underscores count as the spaces that udev makes them from."""
    found = facts.disk.model if facts.disk else ""
    if facts.link and request.model and _plain(found) != _plain(request.model):
        look = f"lsblk --nodeps -o NAME,MODEL {facts.link}"
        yield Refusal("model_matches", f"the model is {found!r}, and {request.model!r} was named", look)


def erase_names_this(request: Request, _facts: Facts) -> Iterator[Refusal]:
    """A serial typed for one disk must not open another."""
    if request.erase_serial not in ("", request.serial):
        yield Refusal(
            "erase_names_this",
            f"data_disk_erase_serial is {request.erase_serial!r}, and the disk named is {request.serial!r}",
            _LIST_DISKS,
        )


def _plain(model: str) -> str:
    return " ".join(model.replace("_", " ").split())


GUARDS = (
    named_by_id,
    serial_given,
    present,
    whole_disk,
    link_by_udev,
    serial_matches,
    serial_unique,
    size_matches,
    model_matches,
    erase_names_this,
)
