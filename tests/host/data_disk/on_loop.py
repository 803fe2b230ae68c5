"""Formats a loop device, in a process of its own that is killed: LOOP STATE SECONDS.

The kill takes the whole process group, SECONDS after the journal has been written; a negative number never kills.
A loop device has no serial and no link by id, so the guards that ask for these are left out here, and only these.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk import claim, collect, facts, plan
from ansible_collections.homelab.log_intelligence.plugins.module_utils.data_disk.request import Request

SERIAL = "LOOP"
LEFT_OUT = {"named_by_id", "link_by_udev", "whole_disk"}


def stand_in() -> None:
    """Makes a loop device pass for a disk with a serial."""
    plan.GUARDS = tuple(guard for guard in plan.GUARDS if guard.__name__ not in LEFT_OUT)
    collect._serial = lambda base: SERIAL


def asked(loop: str, state: Path) -> Request:
    """A request for the whole loop device; nothing is mounted for good."""
    size = int(Path(f"/sys/class/block/{Path(loop).name}/size").read_text()) * 512
    place = {"mount_point": "/mnt/log-intelligence-loop", "state_dir": str(state), "label": "k8s-storage"}
    given = {"by_id": loop, "serial": SERIAL, "bytes": size, "filesystem": "xfs", "device_timeout": "5s", **place}
    return Request.of(given)


def look(request: Request) -> tuple[plan.Plan, facts.Facts]:
    """What would be done now."""
    seen = facts.read(collect.observe(request))
    return plan.decide(request, seen), seen


def finish(request: Request) -> plan.Plan:
    """Does everything up to a marked filesystem, and returns what was planned."""
    planned, seen = look(request)
    if planned.make_filesystem:
        claim.make_filesystem(request, planned, seen)
    if planned.write_marker:
        claim.write_marker(request)
    if planned.forget_journal:
        claim.forget_journal(request)
    return planned


def arm(seconds: float) -> None:
    """Has this process and all that it starts killed that long after the journal was written."""
    begin = claim._begin_journal

    def begin_and_arm(request: Request, planned: plan.Plan, now: facts.Facts) -> None:
        begin(request, planned, now)
        subprocess.Popen(["/bin/sh", "-c", f"sleep {seconds}; kill -KILL -{os.getpgrp()}"])

    claim._begin_journal = begin_and_arm


if __name__ == "__main__":
    stand_in()
    if float(sys.argv[3]) >= 0:
        arm(float(sys.argv[3]))
    finish(asked(sys.argv[1], Path(sys.argv[2])))
