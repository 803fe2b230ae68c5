"""Remedies as text and commands, so that a command can be copied as it is.

The sentences come from the table of causes, never from a model. Names of pods and namespaces come from logs and are
put into a command only where they are names that Kubernetes allows, so that a shell reads nothing else into them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from k8s_log_agent.service.models import Incident

PROGRAMS = frozenset(
    "chronyc cmctl df dmesg docker du helm journalctl k3s kubectl openssl rabbitmqctl redis-cli skopeo smartctl ss "
    "sysctl systemctl".split()
)
_ENDS = frozenset("also and as for from in it its on or shows the then to with".split())
_TOKEN = re.compile(r"(?:'[^']{0,200}'|\"[^\"]{0,200}\"|[^\s'\"])+|['\"]")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_POD = re.compile(r"(?:^|/)pods/(?P<namespace>[^/_]{1,63})_(?P<pod>[^/_]{1,253})_[^/_]{1,64}/[^/]{1,63}/")
_IN_A_NAMESPACE = re.compile(
    r"\s-n\s|\s-A(?:\s|$)|\s--namespace"
    r"|\s(?:NODE|nodes?|pv|storageclass|volumeattachment|apiservice|\w{1,40}webhookconfigurations)\b"
)
_PLACEHOLDERS = {name: re.compile(rf"(?<![\w-]){name}(?![\w-])") for name in ("POD", "NAMESPACE")}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a remedy: words, or a command to copy."""

    text: str
    command: bool


def remedy_pieces(remedy: str, incident: Incident) -> tuple[Piece, ...]:
    """The sentence cut into words and commands, these with the incident's pod and namespace where they are known."""
    place = _place(incident)
    pieces: list[Piece] = []
    end = 0
    for start, stop in _commands(remedy):
        pieces.append(Piece(remedy[end:start], command=False))
        pieces.append(Piece(filled(remedy[start:stop], **place), command=True))
        end = stop
    pieces.append(Piece(remedy[end:], command=False))
    return tuple(piece for piece in pieces if piece.text)


def filled(command: str, pod: str, namespace: str) -> str:
    """The command with the names that are known; an unknown one is empty and leaves its place as it is."""
    if pod and _PLACEHOLDERS["POD"].search(command):
        command = _PLACEHOLDERS["POD"].sub(pod, command)
    if namespace:
        command = _PLACEHOLDERS["NAMESPACE"].sub(namespace, command)
        if command.startswith("kubectl ") and not _IN_A_NAMESPACE.search(command):
            command = f"kubectl -n {namespace} {command.removeprefix('kubectl ')}"
    return command


def _place(incident: Incident) -> dict[str, str]:
    namespace, pod = incident.namespace, ""
    for line in incident.verdict.evidence:
        if found := _POD.search(line.source):
            namespace, pod = namespace or found["namespace"], found["pod"]
            break
    return {"pod": pod if _NAME.fullmatch(pod) else "", "namespace": namespace if _NAME.fullmatch(namespace) else ""}


def _commands(remedy: str) -> list[tuple[int, int]]:
    """Where commands begin and end: at a known program, until a word of the sentence or its punctuation."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    stop = words = 0
    for token in _TOKEN.finditer(remedy):
        text = token.group()
        bare = text.lstrip("(")
        if start is not None and text in _ENDS:
            if words > 1:
                found.append((start, stop))
            start = None
        if start is None:
            if bare in PROGRAMS:
                start, stop, words = token.end() - len(bare), token.end(), 1
            continue
        if token.start() > stop or words > 1 or text != bare:
            kept = text.rstrip(").;,:") if not text.endswith("'") else text
            stop, words = token.start() + len(kept), words + 1
            if kept != text:
                found.append((start, stop))
                start = None
    if start is not None and words > 1:
        found.append((start, stop))
    return found
