"""Collects on a host what a diagnosis of K3s needs; nothing secret leaves it."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import k3s_probe, k3s_systemd, k3s_tokens
from .k3s_causes import Evidence
from .processes import port_holder

MASK = "********"
PORTS = (6443, 6444, 10250, 10248, 2379)
_SECRETS = (
    re.compile(r"K10[0-9a-f]{64}::[^\s\"']+"),
    re.compile(r"(?i)((?:token|password|secret|authorization)[\"']?\s*[=:]\s*[\"']?)(?!file)[^\s\"',}]{8,}"),
    re.compile(r"(?i)(://[^/\s:@]+:)[^@\s]+(?=@)"),
)


def mask(line: str, known: Iterable[str] = ()) -> str:
    """`line` without the secrets in `known` and without anything that looks like one."""
    for secret in known:
        if secret:
            line = line.replace(secret, MASK)
    for pattern in _SECRETS:
        line = pattern.sub(lambda found: (found[1] if found.re.groups else "") + MASK, line)
    return line


@dataclass(frozen=True)
class Subject:
    """The K3s to look at. `server` is the address that it joins, empty for a first server."""

    role: str
    node: str
    server: str
    token_file: Path
    data_dir: Path

    @property
    def unit(self) -> str:
        """The name of its unit."""
        return k3s_systemd.UNITS[self.role]


def collect(subject: Subject, lines: int = 300, since: float | None = None) -> Evidence:
    """What is to be seen now; of the journal only what was written since the moment `since`, when it is given."""
    token = k3s_tokens.read(subject.token_file)
    secret = k3s_tokens.passphrase(token) if token else ""
    journal = tuple(mask(line, [secret]) for line in k3s_systemd.journal(subject.unit, lines, since))
    answer = None
    if subject.server:
        user = k3s_probe.SERVER if subject.role == "server" else k3s_probe.NODE
        answer = k3s_probe.ask(subject.server, token, user, time.time())
    return Evidence(
        node=subject.node,
        server=answer.address if answer else "",
        journal=journal,
        reached=answer.reached if answer else None,
        reach_error=answer.error if answer else "",
        clock_seconds=answer.clock_seconds if answer else None,
        ca_matches=answer.ca_matches if answer else None,
        token_status=answer.status if answer else None,
        default_route=has_default_route(),
        free_bytes=free_bytes([Path("/var"), subject.data_dir]),
    )


def has_default_route() -> bool:
    """Whether the kernel has one, for IPv4 or IPv6."""
    four = _rows("/proc/net/route")[1:]
    six = _rows("/proc/net/ipv6_route")
    return any(row[1] == "00000000" for row in four) or any(
        row[0] == "0" * 32 and row[1] == "00" and row[-1] != "lo" for row in six
    )


def free_bytes(places: Iterable[Path]) -> dict[str, int]:
    """Bytes free by directory, for those that exist."""
    return {str(place): shutil.disk_usage(place).free for place in places if place.is_dir()}


def unit_summary(role: str) -> dict[str, Any]:
    """The unit's state, for the report."""
    return vars(k3s_systemd.state(k3s_systemd.UNITS[role]))


def port_holders() -> dict[str, str]:
    """Which process listens on each of K3s' TCP ports, or ``free``."""
    return {str(port): str(port_holder(port) or "free") for port in PORTS}


def _rows(path: str) -> list[list[str]]:
    try:
        return [line.split() for line in Path(path).read_text(encoding="ascii").splitlines() if line.strip()]
    except OSError:
        return []
