"""Whether a host already is what is asked for, so that a run has nothing to do there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import k3s_binary, k3s_files, k3s_kubeconfig, k3s_readiness, k3s_service_plan, k3s_systemd
from .k3s_evidence import Subject
from .k3s_state import ADMIN_CONFIG


@dataclass(frozen=True)
class Program:
    """The program in use. Without `sha256` whatever lies at `path` is right, as when it was downloaded by its list."""

    path: Path
    link: Path
    version: str
    sha256: str = ""
    aliases: Sequence[str] = ()
    keep: int = 1


def of_program(wanted: Program, installed_version: str | None) -> Iterator[str]:
    """What is to be done about the program, one phrase each."""
    if installed_version != wanted.version:
        yield f"the version is {installed_version or 'absent'} instead of {wanted.version}"
        return
    if not k3s_binary.link_is_right(wanted.link, wanted.path):
        yield f"{wanted.link} does not lead to {wanted.path}"
    elif wanted.sha256 and not k3s_binary.is_right(wanted.path, wanted.sha256):
        yield f"{wanted.path} has another content"
    elif not k3s_binary.is_guarded(wanted.path):
        yield f"{wanted.path} may be written by others, or not run by all"
    yield from (f"{one} is missing" for one in k3s_binary.free_links(wanted.link.parent, wanted.aliases, wanted.link))
    yield from (f"{one} is no longer needed" for one in k3s_binary.older(wanted.path, wanted.keep))


def of_files(wanted: Iterable[k3s_files.Wanted]) -> Iterator[str]:
    """What is to be done about the files."""
    yield from (f"{change.wanted.path}: {change.kind}" for change in k3s_files.plan(wanted))


def of_service(subject: Subject, differences: Sequence[str]) -> Iterator[str]:
    """What is to be done about the unit; `differences` are those of its fingerprint."""
    planned = k3s_service_plan.plan(k3s_systemd.state(subject.unit), differences, [])
    if planned.action:
        yield from (f"{subject.unit}: {reason}" for reason in planned.reasons)
    elif planned.changes:
        yield f"{subject.unit}: it is not enabled"


def of_node(subject: Subject, program: Program) -> Iterator[str]:
    """What the node still waits for."""
    found = k3s_readiness.look(subject, str(program.link), program.version)
    if found.missing:
        yield found.missing
    elif found.drained:
        yield f"the node {subject.node} was drained by a run that was broken off"


def of_kubeconfig(wanted: Mapping[str, Any], cluster_id: str | None, source: str = ADMIN_CONFIG) -> Iterator[str]:
    """Whether the controller's copy is the server's file; `wanted` has its path, sha256, server, name and cluster_id.

    The file itself never leaves the host for this, only sums are compared.
    """
    try:
        text = k3s_kubeconfig.rewritten(Path(source).read_text(encoding="utf-8"), wanted["server"], wanted["name"])
    except (OSError, k3s_kubeconfig.KubeconfigError) as error:
        yield f"{source} cannot be read: {error}"
        return
    if hashlib.sha256(text.encode()).hexdigest() != wanted["sha256"] or wanted["cluster_id"] != cluster_id:
        yield f"{wanted['path']} on the controller is not this cluster's"
