"""What a machine said about its disks, as values. Everything here is read from recorded text and nothing is run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Device:
    """One row of ``lsblk --json --bytes`` with what lies on top of it. `numbers` is ``major:minor``."""

    path: str
    kernel_path: str
    numbers: str
    kind: str
    bytes: int
    serial: str
    model: str
    filesystem: str
    label: str
    uuid: str
    children: tuple[Device, ...]

    def subtree(self) -> Iterator[Device]:
        """The device itself and everything made of it."""
        yield self
        for child in self.children:
            yield from child.subtree()


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo. `root` is the directory of the filesystem that is seen at `path`."""

    numbers: str
    root: str
    path: str
    filesystem: str
    source: str
    options: frozenset[str]


@dataclass(frozen=True)
class Signature:
    """Something that libblkid recognised at `offset` bytes."""

    kind: str
    offset: int
    uuid: str
    label: str


@dataclass(frozen=True)
class Content:
    """What the examined regions hold, in blocks of 4 KiB. `foreign` blocks are non-zero and lack our UUID."""

    bytes_read: int
    nonzero_blocks: int
    nonzero_offsets: tuple[int, ...]
    foreign_blocks: int
    error: str


@dataclass(frozen=True)
class Inside:
    """What a filesystem that bears our UUID holds at its root. `error` says why it could not be looked into."""

    marker: Mapping[str, str] | None
    entries: tuple[str, ...]
    error: str


@dataclass(frozen=True)
class Place:
    """The mount point. `entries` and `protected` concern the directory below the mount; None means unknown."""

    exists: bool
    plain: bool
    entries: tuple[str, ...]
    protected: bool | None


@dataclass(frozen=True)
class Share:
    """A directory at the root of the filesystem, with its project quota in bytes (0: none; None: unknown)."""

    owner: int
    group: int
    mode: str
    project: int
    inherits: bool
    limit: int | None
    used: int


@dataclass(frozen=True)
class Facts:
    """All that a decision may depend on. `signatures` and `content` are None where they could not be read."""

    link: str
    links: Mapping[str, str]
    disks: tuple[Device, ...]
    udev: Mapping[str, str]
    serial: str
    bytes: int
    read_only: bool
    sequence: str
    holders: tuple[str, ...]
    partitions: tuple[str, ...]
    exclusive: bool
    mounts: tuple[Mount, ...]
    swaps: tuple[str, ...]
    signatures: tuple[Signature, ...] | None
    content: Content | None
    inside: Inside | None
    journal: Mapping[str, str] | None
    fstab: str
    place: Place
    shares: Mapping[str, Share]
    ids: Mapping[str, int | None]
    missing_programs: tuple[str, ...]

    @property
    def disk(self) -> Device | None:
        """The whole disk that the link leads to."""
        return next((disk for disk in self.disks if disk.path == self.link), None)

    def own_mounts(self) -> tuple[Mount, ...]:
        """Mounts of the disk or of anything made of it."""
        if self.disk is None:
            return ()
        parts = tuple(self.disk.subtree())
        numbers = {part.numbers for part in parts}
        paths = {part.path for part in parts} | {part.kernel_path for part in parts}
        return tuple(mount for mount in self.mounts if mount.numbers in numbers or mount.source in paths)

    def mount_at(self, path: str) -> Mount | None:
        """What is seen at `path`: the last mount there."""
        return next((mount for mount in reversed(self.mounts) if mount.path == path), None)


def read(observed: Mapping[str, Any]) -> Facts:
    """`observed` is what :mod:`collect` returns: texts as the programs print them, and plain JSON values."""
    sysfs = observed["sysfs"]
    content, inside, place = observed["content"], observed["inside"], observed["place"]
    return Facts(
        link=observed["link"],
        links=observed["links"],
        disks=read_lsblk(observed["lsblk"]),
        udev=read_udev(observed["udev"]),
        serial=sysfs["serial"],
        bytes=sysfs["bytes"],
        read_only=sysfs["read_only"],
        sequence=sysfs["sequence"],
        holders=tuple(sysfs["holders"]),
        partitions=tuple(sysfs["partitions"]),
        exclusive=observed["exclusive"],
        mounts=read_mountinfo(observed["mountinfo"]),
        swaps=read_swaps(observed["swaps"]),
        signatures=read_wipefs(observed["wipefs"]),
        content=None
        if content is None
        else Content(**{**content, "nonzero_offsets": tuple(content["nonzero_offsets"])}),
        inside=None if inside is None else Inside(inside["marker"], tuple(inside["entries"]), inside["error"]),
        journal=observed["journal"],
        fstab=observed["fstab"],
        place=Place(**{**place, "entries": tuple(place["entries"])}),
        shares={name: Share(**share) for name, share in observed["shares"].items()},
        ids=observed["ids"],
        missing_programs=tuple(observed["missing_programs"]),
    )


def read_lsblk(text: str) -> tuple[Device, ...]:
    """Every disk of the machine with what lies on top of it."""
    return tuple(_device(row) for row in json.loads(text)["blockdevices"])


def _device(row: Mapping[str, Any]) -> Device:
    def word(column: str) -> str:
        return str(row.get(column) or "").strip()

    return Device(
        path=word("path") or f"/dev/{word('kname') or word('name')}",
        kernel_path=f"/dev/{word('kname')}",
        numbers=word("maj:min"),
        kind=word("type"),
        bytes=int(row.get("size") or 0),
        serial=word("serial"),
        model=word("model"),
        filesystem=word("fstype"),
        label=word("label"),
        uuid=word("uuid"),
        children=tuple(_device(child) for child in row.get("children") or ()),
    )


def read_udev(text: str) -> dict[str, str]:
    """``udevadm info --query=property``."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def read_mountinfo(text: str) -> tuple[Mount, ...]:
    """``/proc/self/mountinfo``; the options are those of the mount and of its filesystem together."""
    mounts = []
    for line in text.splitlines():
        fields = line.split(" ")
        tail = fields[fields.index("-") + 1 :]
        options = frozenset(fields[5].split(",")) | frozenset(tail[2].split(",") if len(tail) > 2 else ())
        mounts.append(Mount(fields[2], unescape(fields[3]), unescape(fields[4]), tail[0], unescape(tail[1]), options))
    return tuple(mounts)


def read_swaps(text: str) -> tuple[str, ...]:
    """The paths in ``/proc/swaps``."""
    return tuple(unescape(line.split()[0]) for line in text.splitlines()[1:] if line.strip())


def read_wipefs(text: str | None) -> tuple[Signature, ...] | None:
    """``wipefs --json --no-act``; None stays None, which means that it could not be read."""
    if text is None:
        return None
    rows = json.loads(text)["signatures"] if text.strip() else []
    return tuple(
        Signature(row["type"], int(row["offset"], 16), row.get("uuid") or "", row.get("label") or "") for row in rows
    )


def unescape(text: str) -> str:
    r"""Turns the kernel's octal escapes, as in ``\040``, into the characters that they stand for."""
    return _OCTAL.sub(lambda found: chr(int(found.group(1), 8)), text)
