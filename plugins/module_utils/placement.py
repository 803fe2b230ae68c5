"""Labels and taints of a Kubernetes node: what the inventory wants against what is there, and the change between them.

Nothing here talks to a cluster. Nodes and pods are the API's own objects as dictionaries.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

ANNOTATION = "log-intelligence.homelab/placement"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_RESERVED_LABELS = re.compile(
    r"(beta\.)?kubernetes\.io/(hostname|arch|os)|(beta|node)\.kubernetes\.io/instance-type|node-role\.kubernetes\.io/.+"
)
_RESERVED_TAINTS = re.compile(r"node(\.cloudprovider)?\.kubernetes\.io/.+|node-role\.kubernetes\.io/.+")


class PlacementError(ValueError):
    """A label or taint that cannot be set as the inventory words it; the message says why and what to write instead."""


@dataclass(frozen=True)
class Taint:
    """One taint. Kubernetes tells taints apart by key and effect, not by value."""

    key: str
    effect: str
    value: str = ""

    @property
    def identity(self) -> str:
        """Key and effect, as ownership is recorded."""
        return f"{self.key}:{self.effect}"

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}" if self.value else self.identity

    def as_dict(self) -> dict[str, str]:
        """As the API takes it; an empty value is left out."""
        shown = {"key": self.key, "effect": self.effect}
        return {**shown, "value": self.value} if self.value else shown


@dataclass(frozen=True)
class Wanted:
    """What the inventory says of one node."""

    labels: dict[str, str]
    taints: tuple[Taint, ...]


@dataclass(frozen=True)
class Plan:
    """The change of one node, and the state after it. False when nothing is to be done."""

    labels_set: dict[str, str]
    labels_removed: tuple[str, ...]
    taints_set: tuple[Taint, ...]
    taints_removed: tuple[Taint, ...]
    left_alone: tuple[str, ...]
    before: dict[str, Any] = field(repr=False)
    after: dict[str, Any] = field(repr=False)
    spec_taints: list[dict[str, Any]] = field(repr=False)

    def __bool__(self) -> bool:
        return self.before != self.after

    @property
    def sets_something(self) -> bool:
        """Whether labels or taints themselves change, and not only the record of who owns them."""
        return bool(self.labels_set or self.labels_removed or self.taints_set or self.taints_removed)

    def patch(self, resource_version: str) -> dict[str, Any]:
        """A JSON merge patch, refused by the API when the node has changed since it was read."""
        labels: dict[str, str | None] = {**self.labels_set, **dict.fromkeys(self.labels_removed)}
        metadata: dict[str, Any] = {
            "resourceVersion": resource_version,
            "annotations": {ANNOTATION: self.after["annotation"] or None},
        }
        if labels:
            metadata["labels"] = labels
        body: dict[str, Any] = {"metadata": metadata}
        if self.taints_set or self.taints_removed:
            body["spec"] = {"taints": self.spec_taints}
        return body


def wanted_of(labels: dict[str, Any], taints: list[dict[str, Any]]) -> Wanted:
    """The inventory's labels and taints, checked. Raises :class:`PlacementError` at the first that cannot be set."""
    checked = {_key(name, "label"): _value(value, f"label {name}") for name, value in labels.items()}
    for name in checked:
        if _RESERVED_LABELS.fullmatch(name):
            raise PlacementError(f"The label {name} belongs to Kubernetes itself; take it out of node_labels")
    made = [_taint(given) for given in taints]
    identities = [taint.identity for taint in made]
    for identity in identities:
        if identities.count(identity) > 1:
            raise PlacementError(f"The taint {identity} is given twice; keep one of them in node_taints")
    return Wanted(checked, tuple(sorted(made, key=lambda taint: taint.identity)))


def plan(node: dict[str, Any], wanted: Wanted) -> Plan:
    """What has to change on `node`, an object of the API.

    Set by us and wanted no longer: removed, unless somebody else has given it another value since. Never touched: what
    the annotation does not list.
    """
    labels = dict(node["metadata"].get("labels") or {})
    raw = list((node.get("spec") or {}).get("taints") or [])
    taints = {taint.identity: taint for taint in map(_found_taint, raw)}
    own = owned(node)

    kept_by_others: list[str] = []
    labels_removed: list[str] = []
    for name, value in own.labels.items():
        if name not in wanted.labels and name in labels:
            (labels_removed if labels[name] == value else kept_by_others).append(name)
    taints_removed = []
    wanted_identities = {taint.identity for taint in wanted.taints}
    for taint in own.taints:
        found = taints.get(taint.identity)
        if found and found.identity not in wanted_identities:
            if found.value == taint.value:
                taints_removed.append(found)
            else:
                kept_by_others.append(str(found))

    labels_set = {name: value for name, value in sorted(wanted.labels.items()) if labels.get(name) != value}
    taints_set = tuple(taint for taint in wanted.taints if taints.get(taint.identity) != taint)
    replaced = {taint.identity for taint in (*taints_set, *taints_removed)}
    spec_taints = [entry for entry in raw if _found_taint(entry).identity not in replaced]
    spec_taints += [taint.as_dict() for taint in taints_set]

    after_labels = {name: value for name, value in labels.items() if name not in labels_removed} | labels_set
    after_taints = sorted(str(_found_taint(entry)) for entry in spec_taints)
    annotation = (node["metadata"].get("annotations") or {}).get(ANNOTATION, "")
    return Plan(
        labels_set=labels_set,
        labels_removed=tuple(sorted(labels_removed)),
        taints_set=taints_set,
        taints_removed=tuple(taints_removed),
        left_alone=tuple(sorted(kept_by_others)),
        before={"labels": labels, "taints": sorted(str(taint) for taint in taints.values()), "annotation": annotation},
        after={"labels": after_labels, "taints": after_taints, "annotation": record_of(wanted)},
        spec_taints=spec_taints,
    )


def owned(node: dict[str, Any]) -> Wanted:
    """What we have set on the node before, by its annotation. One that cannot be read owns nothing."""
    text = (node["metadata"].get("annotations") or {}).get(ANNOTATION)
    try:
        found = json.loads(text) if text else {}
        labels = {str(name): str(value) for name, value in found.get("labels", {}).items()}
        taints = tuple(_found_taint(entry) for entry in found.get("taints", []))
    except (ValueError, AttributeError, KeyError, TypeError):
        return Wanted({}, ())
    return Wanted(labels, taints)


def record_of(wanted: Wanted) -> str:
    """The annotation's text: what we set, with the values; empty when there is nothing."""
    if not wanted.labels and not wanted.taints:
        return ""
    shown = {"labels": wanted.labels, "taints": [taint.as_dict() for taint in wanted.taints]}
    return json.dumps(shown, sort_keys=True, separators=(",", ":"))


def _found_taint(entry: dict[str, Any]) -> Taint:
    return Taint(entry["key"], entry["effect"], entry.get("value") or "")


def _taint(given: dict[str, Any]) -> Taint:
    key, effect = given.get("key"), given.get("effect")
    if not key or not effect:
        raise PlacementError(f"A taint needs a key and an effect, and {given} lacks one")
    _key(key, "taint")
    if effect not in EFFECTS:
        raise PlacementError(f"The taint {key} has the effect {effect}; Kubernetes knows {', '.join(EFFECTS)}")
    if _RESERVED_TAINTS.fullmatch(key):
        raise PlacementError(f"The taint {key} is set by Kubernetes itself; take it out of node_taints")
    given_value = given.get("value")
    return Taint(key, effect, _value("" if given_value is None else given_value, f"taint {key}"))


def _key(name: object, kind: str) -> str:
    prefix, slash, rest = str(name).rpartition("/")
    if not _NAME.fullmatch(rest) or (slash and not _PREFIX.fullmatch(prefix)):
        raise PlacementError(
            f"The {kind} {name} is not a name that Kubernetes takes: up to 63 letters, digits, '-', '_' and '.', with "
            "an optional DNS name and '/' before it"
        )
    return str(name)


def _value(value: object, of: str) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    text = str(value)
    if text and not _NAME.fullmatch(text):
        raise PlacementError(
            f"The value {text!r} of the {of} is not one that Kubernetes takes: up to 63 letters, digits, "
            "'-', '_' and '.'"
        )
    return text
