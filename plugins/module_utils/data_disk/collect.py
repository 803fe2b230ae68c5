"""Looks at the host and changes nothing. What it returns is plain JSON, so that it can be recorded and read again."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import facts, host, place, quotas
from .apart import apart
from .regions import regions, scan
from .request import MARKER_NAME, DiskError, Request
from .standing import bears_our_filesystem, uuid_bytes

_BY_ID = Path("/dev/disk/by-id")
_COLUMNS = "NAME,KNAME,PATH,MAJ:MIN,TYPE,SIZE,SERIAL,MODEL,FSTYPE,LABEL,UUID"
_PATIENCE = 3.0
_NOTHING = {"serial": "", "bytes": 0, "read_only": False, "sequence": "", "holders": [], "partitions": []}
_NO_RECOVERY = {"xfs": "ro,norecovery", "ext4": "ro,noload"}


def observe(request: Request, *, claimed: int | None = None) -> dict[str, Any]:
    """Everything that :func:`facts.read` needs. `claimed`: the disk, when this run holds it already."""
    links = {str(link): os.path.realpath(link) for link in sorted(_BY_ID.glob("*"))} if _BY_ID.is_dir() else {}
    link = os.path.realpath(request.by_id) if request.by_id and Path(request.by_id).exists() else ""
    missing = [program for program in request.programs if not host.has(program)]
    block = bool(link) and stat.S_ISBLK(Path(link).stat().st_mode)
    seen: dict[str, Any] = {
        "link": link,
        "links": links,
        "missing_programs": missing,
        "lsblk": '{"blockdevices": []}',
        "udev": "",
        "sysfs": dict(_NOTHING),
        "exclusive": claimed is not None,
        "mountinfo": host.text_of("/proc/self/mountinfo"),
        "swaps": host.text_of("/proc/swaps"),
        "wipefs": None,
        "content": None,
        "inside": None,
        "journal": host.json_of(request.journal_path),
        "fstab": host.text_of("/etc/fstab"),
        "shares": {},
        "ids": _ids(request),
    }
    mounts = facts.read_mountinfo(seen["mountinfo"])
    here = [mount for mount in mounts if mount.path == request.mount_point]
    seen["place"] = place.look_below(request.mount_point, mounted=len(here))
    if not missing:
        seen["lsblk"] = host.output(["lsblk", "--json", "--bytes", "--output", _COLUMNS])
    if block and not missing:
        _observe_disk(request, link, here, seen, claimed)
    return seen


def _observe_disk(
    request: Request, link: str, here: list[facts.Mount], seen: dict[str, Any], claimed: int | None
) -> None:
    numbers = numbers_of(Path(link).stat().st_rdev)
    seen["udev"] = host.output(["udevadm", "info", "--query=property", f"--name={link}"], fine=(0, 1, 2, 4))
    seen["sysfs"] = sysfs_of(numbers)
    if claimed is None:
        told = any(
            numbers == mount.numbers or link == mount.source for mount in facts.read_mountinfo(seen["mountinfo"])
        )
        seen["exclusive"] = _can_be_claimed(link, 0 if told or seen["sysfs"]["holders"] else _PATIENCE)
    seen["wipefs"] = _wipefs(link)
    if bears_our_filesystem(request, facts.read_wipefs(seen["wipefs"])):
        mounted = bool(here) and here[-1].numbers == numbers and here[-1].root == "/"
        seen["inside"], seen["shares"] = _inside(request, link, mounted=mounted)
    if seen["inside"] is None or seen["inside"]["marker"] != request.marker:
        seen["content"] = _content(request, link, seen["sysfs"]["bytes"], began=seen["journal"] is not None)


def numbers_of(device: int) -> str:
    """``major:minor``."""
    return f"{os.major(device)}:{os.minor(device)}"


def sysfs_of(numbers: str) -> dict[str, Any]:
    """What the kernel says about the block device with these numbers."""
    base = Path("/sys/dev/block") / numbers
    partitions = sorted(entry.name for entry in base.glob("*") if (entry / "partition").exists())
    holders = [found.name for part in (".", *partitions) for found in sorted((base / part / "holders").glob("*"))]
    return {
        "serial": _serial(base),
        "bytes": int(host.text_of(str(base / "size")) or 0) * 512,
        "read_only": host.text_of(str(base / "ro")).strip() == "1",
        "sequence": host.text_of(str(base / "diskseq")).strip(),
        "holders": holders,
        "partitions": partitions,
    }


def _serial(base: Path) -> str:
    """NVMe and virtio say it in a text file, SCSI and SATA in page 80h of their vital product data."""
    for name in ("device/serial", "serial"):
        told = host.text_of(str(base / name)).strip()
        if told:
            return told
    try:
        page = (base / "device/vpd_pg80").read_bytes()
    except OSError:
        return ""
    return page[4:].decode("ascii", "replace").strip("\0 ")


def _can_be_claimed(link: str, patience: float) -> bool:
    """A mount of a process that was killed is taken down a moment after it; `patience` seconds are left for that."""
    deadline = time.monotonic() + patience
    while True:
        try:
            os.close(os.open(link, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
        except OSError as problem:
            if problem.errno != errno.EBUSY:
                raise DiskError(
                    f"{link} cannot be opened: {problem.strerror}. This needs root; see become."
                ) from problem
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.2)
        else:
            return True


def _wipefs(link: str) -> str | None:
    try:
        return host.output(["wipefs", "--json", "--no-act", link])
    except DiskError:
        return None


def _content(request: Request, link: str, size: int, *, began: bool) -> dict[str, Any]:
    """Samples, or every byte when that was asked for, or when a format that `began` may be done again over it."""
    descriptor = os.open(link, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = scan(descriptor, regions(size, whole=request.proof == "whole"), uuid_bytes(request))
        if began and found.nonzero_blocks and not found.foreign_blocks and not found.error and found.bytes_read < size:
            found = scan(descriptor, regions(size, whole=True), uuid_bytes(request))
    finally:
        os.close(descriptor)
    return dict(vars(found))


def _inside(request: Request, link: str, *, mounted: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Looks at the root of the filesystem. Its journal is not replayed for that, which would write to the disk."""

    def look() -> list[Any]:
        host.output(["mount", "-t", request.filesystem, "-o", _NO_RECOVERY[request.filesystem], link, empty])
        return [_root_of(empty), _shares(empty, None)]

    if mounted:
        return _root_of(request.mount_point), _shares(request.mount_point, link)
    with tempfile.TemporaryDirectory() as empty:
        try:
            inside, shares = apart(look)
        except DiskError as problem:
            return {"marker": None, "entries": [], "error": f"it cannot be mounted: {problem}"}, {}
    return inside, shares


def _root_of(path: str) -> dict[str, Any]:
    return {
        "marker": host.json_of(f"{path}/{MARKER_NAME}"),
        "entries": sorted(entry.name for entry in Path(path).iterdir())[:20],
        "error": "",
    }


def _shares(root: str, link: str | None) -> dict[str, Any]:
    """Without a `link` the quotas are off and the limits unknown."""
    found = {}
    for entry in sorted(os.scandir(root), key=lambda each: each.name):
        if not entry.is_dir(follow_symlinks=False):
            continue
        state = entry.stat(follow_symlinks=False)
        number, inherits = quotas.project_of(entry.path)
        limit, used = (quotas.limit_of(link, number) if number else (0, 0)) if link else (None, 0)
        found[entry.name] = {
            "owner": state.st_uid,
            "group": state.st_gid,
            "mode": f"{stat.S_IMODE(state.st_mode):04o}",
            "project": number,
            "inherits": inherits,
            "limit": limit,
            "used": used,
        }
    return found


def _ids(request: Request) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for project in request.projects:
        found[f"user:{project.owner}"] = _number(project.owner, lambda name: pwd.getpwnam(name).pw_uid)
        found[f"group:{project.group}"] = _number(project.group, lambda name: grp.getgrnam(name).gr_gid)
    return found


def _number(name: str, look_up: Callable[[str], int]) -> int | None:
    if name.isdecimal():
        return int(name)
    try:
        return look_up(name)
    except KeyError:
        return None
