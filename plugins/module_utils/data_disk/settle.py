"""What follows a claimed disk: the mount point, /etc/fstab, the mount, one directory with its quota per application."""

from __future__ import annotations

import os
from pathlib import Path

from . import host, place, quotas
from .facts import Facts
from .plan import Plan, SharePlan, without_line
from .request import DiskError, Request

FSTAB = "/etc/fstab"


def mount(request: Request, plan: Plan, facts: Facts) -> None:
    """Prepares the mount point, writes /etc/fstab and mounts, as far as `plan` finds these missing."""
    mounted = sum(mount.path == request.mount_point for mount in facts.mounts)
    if plan.protect_place:
        place.protect(request.mount_point, mounted=mounted)
    if plan.fstab is not None:
        write_fstab(plan.fstab)
    if plan.mount == "again":
        unmount(request.mount_point)
    if plan.mount in ("mount", "again"):
        host.output(["mount", request.mount_point])
        _mounted_right(request)
    elif plan.mount == "remount":
        host.output(["mount", "-o", "remount", request.mount_point])


def share_out(request: Request, plan: Plan) -> None:
    """Gives each application its directory and its limit."""
    device = os.path.realpath(request.by_id)
    for share in plan.shares:
        if share.due:
            _give(request, share, device)


def write_fstab(content: str) -> None:
    """Replaces /etc/fstab in one step and lets systemd read it."""
    host.write_whole(FSTAB, content, 0o644)
    if Path("/run/systemd/system").is_dir():
        host.output(["systemctl", "daemon-reload"])


def unmount(path: str) -> None:
    """Fails when anything uses it: nothing is ever unmounted lazily or by force."""
    try:
        host.output(["umount", path])
    except DiskError as busy:
        raise DiskError(
            f"{path} is in use and was left mounted ({busy}). Look at: fuser -vm {path}; stop what uses it, "
            "then run this again."
        ) from busy


def release(request: Request, facts: Facts) -> None:
    """The way back: unmounted, out of /etc/fstab, mount point removed. The disk itself is not written to."""
    if facts.mount_at(request.mount_point) is not None:
        unmount(request.mount_point)
    listed = without_line(facts.fstab, request) != facts.fstab
    if listed:
        write_fstab(without_line(facts.fstab, request))
    place.release(request.mount_point, listed=listed)


def _mounted_right(request: Request) -> None:
    """What is mounted must be the disk that was claimed."""
    found, wanted = Path(request.mount_point).stat().st_dev, Path(request.by_id).stat().st_rdev
    if found != wanted:
        unmount(request.mount_point)
        raise DiskError(
            f"Another device than {request.by_id} was mounted at {request.mount_point} by its UUID, and has been "
            "unmounted again. Look at: lsblk -o NAME,UUID,SERIAL."
        )


def _give(request: Request, share: SharePlan, device: str) -> None:
    path = f"{request.mount_point}/{share.project.name}"
    if share.before is None:
        Path(path).mkdir(mode=0o700)
    if share.before is None or (share.before.project, share.before.inherits) != (share.number, True):
        quotas.set_project(path, share.number)
    quotas.set_limit(device, share.number, share.limit)
    os.chown(path, share.owner, share.group, follow_symlinks=False)
    Path(path).chmod(int(share.wanted.mode, 8))
