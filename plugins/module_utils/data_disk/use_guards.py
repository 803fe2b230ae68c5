"""Guards that make sure that nobody uses the disk. Nothing overrules them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .facts import Facts
from .refusal import Refusal
from .request import Request
from .standing import Standing, standing

_SYSTEM = (
    *("/proc", "/sys", "/dev", "/run", "/boot", "/etc", "/usr", "/bin", "/sbin", "/lib", "/root", "/tmp"),  # noqa: S108 - named only to be refused
    *("/var/lib/rancher", "/var/lib/kubelet"),  # a reset of K3s empties what lies below
)


def not_mounted(request: Request, facts: Facts) -> Iterator[Refusal]:
    """Neither the root disk nor any disk below a mounted filesystem, whatever lies between."""
    mounts = facts.own_mounts()
    ours = standing(request, facts) is Standing.OURS
    at_home = any(mount.path == request.mount_point and mount.root == "/" for mount in mounts)
    for mount in mounts:
        if ours and (at_home or mount.root != "/") and facts.disk and not facts.disk.children:
            continue  # our own filesystem, and the directories of it that running pods see
        what = "the system itself" if mount.path == "/" else "a filesystem"
        found = f"{what} is mounted from it: {mount.source} at {mount.path}"
        yield Refusal("not_mounted", found, f"findmnt --source {mount.source}; lsblk {facts.link}")


def not_swap(_request: Request, facts: Facts) -> Iterator[Refusal]:
    """Swap on the disk or on anything made of it."""
    if facts.disk:
        paths = {path for part in facts.disk.subtree() for path in (part.path, part.kernel_path)}
        for swap in facts.swaps:
            if swap in paths:
                yield Refusal("not_swap", f"{swap} on it is swap space in use", "swapon --show; lsblk")


def no_holders(_request: Request, facts: Facts) -> Iterator[Refusal]:
    """RAID, LVM, LUKS, multipath and their like hold the disks below them."""
    for holder in facts.holders:
        found = f"{holder} is built on it (RAID, LVM, LUKS, multipath or the like)"
        yield Refusal("no_holders", found, f"lsblk {facts.link}; ls /sys/class/block/{facts.link[5:]}/holders")
    above = [part for child in facts.disk.children for part in child.subtree()] if facts.disk else []
    stacked = sorted({part.path for part in above if part.kind != "part"})
    for path in stacked:
        if path.rpartition("/")[2] not in facts.holders:
            yield Refusal("no_holders", f"{path} is built on it", f"lsblk {facts.link}")


def not_busy(request: Request, facts: Facts) -> Iterator[Refusal]:
    """The kernel's own word: an exclusive claim fails when any program, pool or namespace has one."""
    if facts.link and not facts.exclusive and standing(request, facts) is not Standing.OURS:
        found = "the kernel does not give it out for exclusive use: a filesystem, a pool or a program has it"
        yield Refusal("not_busy", found, f"fuser -v {facts.link}; grep -l {facts.link} /proc/*/mountinfo")


def writable(_request: Request, facts: Facts) -> Iterator[Refusal]:
    """A write-protected disk is protected by somebody."""
    if facts.link and facts.read_only:
        yield Refusal("writable", "it is write-protected", f"blockdev --getro {facts.link}")


def uuid_unique(request: Request, facts: Facts) -> Iterator[Refusal]:
    """A copy of our filesystem elsewhere could be mounted in its place."""
    for disk in facts.disks:
        for part in disk.subtree():
            if part.uuid.lower() == request.uuid and part.path != facts.link:
                found = f"{part.path} carries the UUID {request.uuid}, too, and would be mounted in its place"
                yield Refusal("uuid_unique", found, "lsblk -o NAME,UUID,LABEL,SERIAL")


def place_is_free(request: Request, facts: Facts) -> Iterator[Refusal]:
    """Nothing is hidden below a mount, and nobody's mount point is taken."""
    path, look = request.mount_point, f"findmnt {request.mount_point}; ls -la {request.mount_point}"
    plain = path.startswith("/") and path == os.path.normpath(path) != "/" and not any(map(str.isspace, path))
    if not plain:
        yield Refusal("place_is_free", f"data_disk_mount_point {path!r} is not a plain absolute path", "ls -la /mnt")
        return
    if any(path == top or path.startswith(f"{top}/") for top in _SYSTEM):
        yield Refusal("place_is_free", f"data_disk_mount_point {path} belongs to the system", look)
    mounted = facts.mount_at(path)
    if mounted is not None and mounted not in facts.own_mounts():
        yield Refusal("place_is_free", f"{mounted.source} is mounted at {path}", look)
    elif not facts.place.plain:
        yield Refusal("place_is_free", f"{path} is not a plain directory", look)
    elif mounted is None and facts.place.entries:
        names = ", ".join(facts.place.entries[:5])
        yield Refusal("place_is_free", f"{path} holds {names} on the root disk, which the mount would hide", look)


def fstab_is_free(request: Request, facts: Facts) -> Iterator[Refusal]:
    """No other line of /etc/fstab speaks of the mount point, the disk or our UUID."""
    for line in facts.fstab.splitlines():
        fields = line.split()
        if len(fields) < 2 or fields[0].startswith("#"):
            continue
        own = fields[0] == f"UUID={request.uuid}"
        links = {request.by_id, facts.link, *(link for link, target in facts.links.items() if target == facts.link)}
        if (fields[1] == request.mount_point) != own or (fields[0] in links - {""}):
            yield Refusal("fstab_is_free", f"/etc/fstab says {line.strip()!r}", "cat /etc/fstab")


GUARDS = (
    not_mounted,
    not_swap,
    no_holders,
    not_busy,
    writable,
    uuid_unique,
    place_is_free,
    fstab_is_free,
)
