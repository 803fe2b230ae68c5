"""Which K3s version may follow which."""

from __future__ import annotations

import re

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-(?P<pre>[0-9A-Za-z.]+))?(?:\+k3s(?P<build>\d+))?")


class VersionError(Exception):
    """A version is not written as K3s writes it."""


def parse(version: str) -> tuple[int, int, int, int, int]:
    """Numbers that sort as versions do.

    ``v1.36.4+k3s1`` gives ``(1, 36, 4, 1, 1)``, a release candidate a 0 before last.
    """
    found = _VERSION.fullmatch(version)
    if not found:
        raise VersionError(f"{version} is not a K3s version; it is written like v1.36.4+k3s1")
    numbers = [int(found[group]) for group in (1, 2, 3)]
    return numbers[0], numbers[1], numbers[2], 0 if found["pre"] else 1, int(found["build"] or 0)


def objection(installed: str | None, wanted: str) -> str | None:
    """Why `wanted` may not follow `installed`, with the next step; None when it may."""
    if installed is None:
        return None
    old, new = parse(installed), parse(wanted)
    if new < old:
        return (
            f"{wanted} is older than {installed}, which runs here, and a datastore cannot go back. "
            f"Set k3s_version to {installed} or newer, or restore a backup made with the older version"
        )
    if new[0] != old[0] or new[1] > old[1] + 1:
        step = f"v{old[0]}.{old[1] + 1}"
        return f"from {installed} to {wanted} a minor version would be skipped. Go to a release of {step} first"
    return None


def agent_objection(agent: str, server: str | None) -> str | None:
    """Why an agent may not run `agent` under a server of version `server`; None when it may."""
    if server is None or parse(agent)[:2] <= parse(server)[:2]:
        return None
    return (
        f"an agent must not be newer than its server: {agent} is wanted here and the server runs {server}. Upgrade "
        "the server first"
    )
