"""The two things that the module `data_disk` does, each as one call: look, decide, and, unless only checking, act."""

from __future__ import annotations

from typing import Any

from . import claim as claiming
from . import collect, facts, health, settle
from .plan import Plan, decide, state_after, state_before, without_line
from .refusal import Refusal
from .request import DiskError, Request
from .standing import standing


class RefusedError(DiskError):
    """The disk was left as it is. `details` are for a machine to read."""

    def __init__(self, request: Request, plan: Plan, seen: facts.Facts) -> None:
        super().__init__(refusal_text(request, plan.refusals))
        self.details = {
            "refusals": [refusal.as_dict() for refusal in plan.refusals],
            "disks": known_disks(seen),
            "standing": plan.standing.value,
        }


def claim(request: Request, *, check: bool) -> dict[str, Any]:
    """Brings the disk to the wanted state. Raises RefusedError with every reason, or DiskError when a step fails."""
    seen = facts.read(collect.observe(request))
    plan = decide(request, seen)
    if plan.refusals:
        raise RefusedError(request, plan, seen)
    if plan.changes and not check:
        if plan.make_filesystem:
            claiming.make_filesystem(request, plan, seen)
        if plan.write_marker:
            claiming.write_marker(request)
        if plan.forget_journal:
            claiming.forget_journal(request)
        settle.mount(request, plan, seen)
        done = _looked_again(request) if plan.mount else plan
        settle.share_out(request, done)
    return {
        "changed": plan.changes,
        "uuid": request.uuid,
        "device": seen.link,
        "bytes": seen.bytes,
        "standing": plan.standing.value,
        "projects": {
            share.project.name: {"number": share.number, "limit_bytes": share.limit, "used_bytes": share.wanted.used}
            for share in plan.shares
        },
        "health": health.health_of(seen.link),
        "warnings": list(plan.warnings),
        "diff": {"before": state_before(request, seen, plan), "after": state_after(request, seen, plan)},
    }


def release(request: Request, *, check: bool) -> dict[str, Any]:
    """Takes the mount and its traces away and leaves the disk as it is."""
    seen = facts.read(collect.observe(request))
    mounted = seen.mount_at(request.mount_point)
    if mounted is not None and mounted not in seen.own_mounts():
        raise DiskError(
            f"{mounted.source} is mounted at {request.mount_point}, and not {request.by_id}; nothing was changed. "
            f"Look at: findmnt {request.mount_point}."
        )
    listed = without_line(seen.fstab, request) != seen.fstab
    own_place = listed or bool(seen.place.protected)
    removable = seen.place.exists and seen.place.plain and not seen.place.entries and own_place
    before = {"mounted": mounted is not None, "fstab": listed, "mount point": removable}
    changes = any(before.values())
    if changes and not check:
        settle.release(request, seen)
    return {
        "changed": changes,
        "uuid": request.uuid,
        "device": seen.link,
        "bytes": seen.bytes,
        "standing": standing(request, seen).value,
        "projects": {},
        "health": health.health_of(seen.link) if seen.link else {"source": ""},
        "warnings": [],
        "diff": {"before": before, "after": dict.fromkeys(before, False)},
    }


def refusal_text(request: Request, refusals: tuple[Refusal, ...]) -> str:
    """One paragraph: that nothing was changed, each reason with how to look at it, and the next step."""
    reasons = " ".join(
        f"{number}) {refusal.found} (to look: {refusal.look})." for number, refusal in enumerate(refusals, start=1)
    )
    count = "one reason" if len(refusals) == 1 else f"{len(refusals)} reasons"
    mends = [refusal.mend for refusal in refusals if refusal.mend]
    if mends:
        step = " ".join(mends)
    elif all(refusal.erasable for refusal in refusals):
        step = (
            "If nothing on it is needed, format it by typing its serial out for one run: "
            f"data_disk_erase_serial={request.serial}."
        )
    else:
        step = "Mend each of them, or correct the data_disk_ variables of this host, then run this again."
    return f"The disk {request.by_id} was left as it is, for {count}: {reasons} {step}"


def known_disks(seen: facts.Facts) -> list[dict[str, Any]]:
    """The whole disks of the host, as the inventory would name them."""
    return [
        {
            "by_id": sorted(link for link, target in seen.links.items() if target == disk.path),
            "serial": disk.serial,
            "bytes": disk.bytes,
            "model": disk.model,
            "device": disk.path,
        }
        for disk in seen.disks
        if disk.kind == "disk"
    ]


def _looked_again(request: Request) -> Plan:
    """Directories and quotas can be read only once the filesystem is mounted."""
    seen = facts.read(collect.observe(request))
    plan = decide(request, seen)
    if plan.refusals:
        raise RefusedError(request, plan, seen)
    return plan
