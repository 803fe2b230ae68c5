"""Decides from facts alone: refuse with every reason, or the steps that are still missing (often none)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from . import content_guards, identity_guards, share_guards, use_guards
from .facts import Facts, Share
from .refusal import Refusal
from .request import Project, Request
from .standing import Standing, standing

Guard = Callable[[Request, Facts], Iterator[Refusal]]
GUARDS: tuple[Guard, ...] = (
    *identity_guards.GUARDS,
    *use_guards.GUARDS,
    *content_guards.GUARDS,
    *share_guards.GUARDS,
)

FIRST_PROJECT = 1000  # numbers below are left to whoever uses them by hand
_REMOUNTABLE = ("noatime",)


@dataclass(frozen=True)
class SharePlan:
    """How one application's directory shall be, and how it was: `before` is None when there was none."""

    project: Project
    number: int
    owner: int
    group: int
    before: Share | None

    @property
    def wanted(self) -> Share:
        """The state after the step."""
        used = self.before.used if self.before else 0
        limit = None if self.before and self.before.limit is None else self.limit
        return Share(self.owner, self.group, plain_mode(self.project.mode), self.number, True, limit, used)

    @property
    def limit(self) -> int:
        """Bytes; the kernel counts in KiB."""
        return self.project.bytes // 1024 * 1024

    @property
    def due(self) -> bool:
        """Whether anything differs."""
        return self.before != self.wanted


@dataclass(frozen=True)
class Plan:
    """What to do, in the order of the fields. Without refusals, `standing` tells how the disk was found."""

    refusals: tuple[Refusal, ...]
    standing: Standing
    erase: bool = False
    make_filesystem: bool = False
    write_marker: bool = False
    forget_journal: bool = False
    protect_place: bool = False
    fstab: str | None = None
    mount: str = ""  # "", "mount", "again" (unmount first) or "remount"
    shares: tuple[SharePlan, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def changes(self) -> bool:
        """Whether anything is left to do."""
        return bool(
            self.make_filesystem
            or self.write_marker
            or self.forget_journal
            or self.protect_place
            or self.fstab is not None
            or self.mount
            or any(share.due for share in self.shares)
        )


def decide(request: Request, facts: Facts) -> Plan:
    """All refusals at once, or a plan."""
    refusals = [refusal for guard in GUARDS for refusal in guard(request, facts)]
    found = standing(request, facts)
    erase = False
    if refusals and request.erase_serial == request.serial != "" and all(refusal.erasable for refusal in refusals):
        refusals, erase = [], True
    if refusals:
        return Plan(tuple(refusals), found)
    fstab = with_line(facts.fstab, request)
    return Plan(
        refusals=(),
        standing=found,
        erase=erase,
        make_filesystem=erase or found in (Standing.EMPTY, Standing.HALF_MADE),
        write_marker=found is not Standing.OURS,
        forget_journal=found is Standing.OURS and facts.journal is not None,
        protect_place=facts.place.protected is False or not facts.place.exists,
        fstab=None if fstab == facts.fstab else fstab,
        mount=_mount_due(request, facts),
        shares=_shares(request, facts),
        warnings=_warnings(request, facts, found),
    )


def _mount_due(request: Request, facts: Facts) -> str:
    mounted = facts.mount_at(request.mount_point)
    if mounted is None:
        return "mount"
    if "prjquota" not in mounted.options:
        return "again"
    return "" if mounted.options.issuperset(_REMOUNTABLE) else "remount"


def _shares(request: Request, facts: Facts) -> tuple[SharePlan, ...]:
    """Directories keep their project numbers, also on a reinstalled machine; new ones get the lowest free."""
    taken = {share.project for share in facts.shares.values()}
    plans = []
    for project in request.projects:
        before = facts.shares.get(project.name)
        alone = before and sum(before.project == other.project for other in facts.shares.values()) == 1
        if before and alone and before.project >= FIRST_PROJECT:
            number = before.project
        else:
            number = next(number for number in range(FIRST_PROJECT, 1 << 31) if number not in taken)
            taken.add(number)
        owner, group = facts.ids[f"user:{project.owner}"], facts.ids[f"group:{project.group}"]
        if owner is None or group is None:
            raise AssertionError("the guard owners_known lets no unknown name pass")
        plans.append(SharePlan(project, number, owner, group, before))
    return tuple(plans)


def _warnings(request: Request, facts: Facts, found: Standing) -> tuple[str, ...]:
    told = []
    if request.erase_serial and found is Standing.OURS:
        told.append(
            "data_disk_erase_serial is set, but the disk is already in use for this; nothing was erased. Remove it "
            "from the inventory."
        )
    for project in request.projects:
        share = facts.shares.get(project.name)
        if share and share.used > project.bytes:
            told.append(f"{project.name} holds {share.used} bytes, more than its new limit; it can only shrink.")
    if facts.mount_at(request.mount_point) and facts.place.entries:
        names = ", ".join(facts.place.entries)
        told.append(f"Below the mount, {request.mount_point} on the root disk holds {names}; unmount to see it.")
    if facts.place.exists and facts.place.protected is None:
        told.append(
            f"{request.mount_point} cannot be made immutable on this root filesystem, so programs could write there "
            "while the disk is missing."
        )
    return tuple(told)


def with_line(fstab: str, request: Request) -> str:
    """/etc/fstab with our line in its place, or at the end; every other line stays as it is."""
    own, kept, listed = f"{request.fstab_line}\n", [], False
    for line in fstab.splitlines(keepends=True):
        if line.split()[:1] != [f"UUID={request.uuid}"]:
            kept.append(line)
        elif not listed:
            kept.append(own)
            listed = True
    before = "".join(kept)
    if listed:
        return before
    return before + ("" if before.endswith("\n") or not before else "\n") + own


def without_line(fstab: str, request: Request) -> str:
    """/etc/fstab without our line."""
    source = f"UUID={request.uuid}"
    return "".join(line for line in fstab.splitlines(keepends=True) if line.split()[:1] != [source])


def plain_mode(mode: str) -> str:
    """``750`` and ``0750`` are one mode."""
    return f"{int(mode, 8):04o}"


def state_before(request: Request, facts: Facts, plan: Plan) -> dict[str, Any]:
    """For a diff: how things are."""
    line = next((row for row in facts.fstab.splitlines() if row.split()[:1] == [f"UUID={request.uuid}"]), "")
    mounted = facts.mount_at(request.mount_point)
    return {
        "disk": plan.standing.value,
        "fstab": line,
        "mounted": mounted is not None,
        "project quotas": mounted is not None and "prjquota" in mounted.options,
        "mount point immutable": bool(facts.place.protected),
        "projects": {share.project.name: _told(share.before) for share in plan.shares},
    }


def state_after(request: Request, facts: Facts, plan: Plan) -> dict[str, Any]:
    """For a diff: how things shall be."""
    return {
        "disk": Standing.OURS.value,
        "fstab": request.fstab_line,
        "mounted": True,
        "project quotas": True,
        "mount point immutable": plan.protect_place or bool(facts.place.protected),
        "projects": {share.project.name: _told(share.wanted) for share in plan.shares},
    }


def _told(share: Share | None) -> dict[str, Any] | None:
    if share is None:
        return None
    return {
        "owner": share.owner,
        "group": share.group,
        "mode": share.mode,
        "bytes": share.limit,
        "number": share.project,
    }
