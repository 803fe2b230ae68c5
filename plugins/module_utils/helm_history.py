"""What Helm has recorded about a release, and what has to be mended in it before Helm can go on.

Helm keeps each revision in a Secret `sh.helm.release.v1.<name>.v<revision>` of the release's namespace: JSON, gzipped,
as base64 within the base64 of the Secret. A Helm that was killed leaves its revision pending, and each later one
refuses with "another operation is in progress".
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

PENDING = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")
GOOD = ("deployed", "superseded")
SECRET_TYPE = "helm.sh/release.v1"  # noqa: S105 - the name of a kind of Secret


@dataclass(frozen=True)
class Revision:
    """One recorded revision; `age_seconds` counts from its last change."""

    number: int
    status: str
    age_seconds: float
    secret: str


@dataclass(frozen=True)
class Repair:
    """What to do: revisions to forget, the one to mark as failed, or how long to wait first."""

    forget: tuple[Revision, ...] = ()
    mark_failed: Revision | None = None
    wait_seconds: float = 0.0
    reason: str = ""

    @property
    def needed(self) -> bool:
        """Whether anything is to be changed."""
        return bool(self.forget or self.mark_failed)


def read(secret: dict[str, Any]) -> dict[str, Any]:
    """The release that `secret` holds, as Helm wrote it."""
    inner = base64.b64decode(base64.b64decode(secret["data"]["release"]))
    if inner[:2] == b"\x1f\x8b":
        inner = gzip.decompress(inner)
    release: dict[str, Any] = json.loads(inner)
    return release


def write(release: dict[str, Any]) -> str:
    """`release` as the value of `data.release`."""
    packed = gzip.compress(json.dumps(release, separators=(",", ":")).encode(), mtime=0)
    return base64.b64encode(base64.b64encode(packed)).decode()


def revision_of(secret: dict[str, Any], now: datetime) -> Revision:
    """The revision that `secret` holds; its labels are enough, so that nothing large is unpacked."""
    metadata = secret["metadata"]
    labels = metadata.get("labels", {})
    changed = labels.get("modifiedAt") or labels.get("createdAt")
    when = (
        datetime.fromtimestamp(int(changed), timezone.utc)  # noqa: UP017 - Python 3.9 has no datetime.UTC
        if changed
        else datetime.fromisoformat(metadata["creationTimestamp"].replace("Z", "+00:00"))
    )
    age = max(0.0, (now - when).total_seconds())
    return Revision(int(labels["version"]), labels["status"], age, metadata["name"])


def plan(revisions: list[Revision], pending_seconds: float) -> Repair:
    """What is to be mended. A pending revision younger than `pending_seconds` may be somebody's running Helm.

    With a good revision in the history the broken one is marked as failed, since Helm upgrades from there and loses
    nothing. Without one its records are forgotten: the objects stay, and the next installation adopts them and runs
    the hooks that the first one may not have reached.
    """
    ordered = sorted(revisions, key=lambda one: one.number)
    if not ordered:
        return Repair()
    last = ordered[-1]
    good = [one for one in ordered if one.status in GOOD]
    stuck = last.status in PENDING
    if not stuck and not (last.status == "failed" and not good):
        return Repair()
    wait = max(0.0, pending_seconds - last.age_seconds) if stuck else 0.0
    if good:
        what = f"revision {last.number} is {last.status}; revision {good[-1].number} was the last good one"
        return Repair(mark_failed=last, wait_seconds=wait, reason=what)
    what = f"revision {last.number} is {last.status}, and none was ever deployed"
    return Repair(forget=tuple(ordered), wait_seconds=wait, reason=what)


def as_failed(secret: dict[str, Any], reason: str) -> dict[str, Any]:
    """The merge patch that turns the revision in `secret` into a failed one, in its record and in its label."""
    release = read(secret)
    release["info"]["status"] = "failed"
    release["info"]["description"] = f"Interrupted: {reason}"
    return {
        "metadata": {"labels": {"status": "failed"}},
        "data": {"release": write(release)},
    }
