"""Whose custom resource definitions a cluster has, and what may be done with them.

One owner an API group: definitions that another installer keeps would be taken back by it, or removed with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .object_set import SET_LABEL

GATEWAY_API = "gateway.networking.k8s.io"
VERSION = f"{GATEWAY_API}/bundle-version"
CHANNEL = f"{GATEWAY_API}/channel"
K3S_RELEASES = ("traefik-crd", "traefik", "gateway-api-crd", "rke2-gateway-api-crd")

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Owner:
    """Who keeps a definition. `kind` is ours, nobody, helm or k3s; `told` names it for a person."""

    kind: str
    told: str

    @property
    def another(self) -> bool:
        """Whether it is somebody else's to change."""
        return self.kind in ("helm", "k3s")


@dataclass
class Decision:
    """What is to be done: groups to `apply`, groups to `leave` with the reason, and why others are `refused`."""

    apply: set[str] = field(default_factory=set)
    leave: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    taken_over: dict[str, str] = field(default_factory=dict)


def owner_of(found: Object) -> Owner:
    """Who keeps the definition `found`, by the marks that installers set."""
    metadata = found["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if SET_LABEL in labels:
        return Owner("ours", "this collection")
    release = annotations.get("meta.helm.sh/release-name", "")
    namespace = annotations.get("meta.helm.sh/release-namespace", "")
    if release in K3S_RELEASES and namespace == "kube-system":
        return Owner("k3s", f"K3s, by its packaged chart {release}")
    if release:
        return Owner("helm", f"the Helm release {release} in {namespace}")
    if "objectset.rio.cattle.io/owner-name" in annotations:
        return Owner("k3s", f"K3s, by its manifest {annotations['objectset.rio.cattle.io/owner-name']}")
    return Owner("nobody", "nobody")


def group_of(manifest: Object) -> str:
    """The API group that a definition is of; the policies of a bundle belong to the Gateway API's."""
    return str(manifest["spec"]["group"]) if manifest["kind"] == "CustomResourceDefinition" else GATEWAY_API


def decide(wanted: Iterable[Object], found: Mapping[str, Object], take_over: bool) -> Decision:
    """Decides for each group of `wanted`; `found` are the cluster's definitions by name."""
    decision = Decision()
    groups: dict[str, list[Object]] = {}
    for one in wanted:
        groups.setdefault(group_of(one), []).append(one)
    for group, manifests in groups.items():
        definitions = [one for one in manifests if one["kind"] == "CustomResourceDefinition"]
        _decide_group(decision, group, definitions, found, take_over)
    return decision


def _decide_group(
    decision: Decision, group: str, wanted: list[Object], found: Mapping[str, Object], take_over: bool
) -> None:
    there = [found[one["metadata"]["name"]] for one in wanted if one["metadata"]["name"] in found]
    others = sorted({owner.told for one in there if (owner := owner_of(one)).another})
    strangers = others or (["nobody"] if any(owner_of(one).kind == "nobody" for one in there) else [])
    short = _short_of(wanted, found)
    if not strangers:
        decision.apply.add(group)
    elif others and not short:
        decision.leave[group] = (
            f"The definitions of {group} belong to {', '.join(others)} and serve; they are left to it."
        )
    elif take_over:
        decision.apply.add(group)
        decision.taken_over[group] = ", ".join(strangers)
    elif others:
        decision.refused[group] = (
            f"The definitions of {group} belong to {', '.join(others)} and do not serve: {short}. Two installers would "
            "undo each other's work, so nothing was changed. Let that one go first (for K3s add traefik, and from 1.37 "
            "gateway-api-crd, to `disable` in k3s_config), or set envoy_gateway_take_over_crds, after which removing "
            "that installer would remove them."
        )
    elif _experimental(there) and not _experimental(wanted):
        decision.refused[group] = (
            f"The definitions of {group} are of the experimental channel, and nobody is known to keep them. Applying "
            "the standard ones would take away fields that objects may use, so nothing was changed. Set "
            "envoy_gateway_take_over_crds when no object uses them."
        )
    else:
        decision.apply.add(group)  # left by kubectl or by a chart's folder crds, which nobody upgrades
        decision.taken_over[group] = "nobody"


def _short_of(wanted: list[Object], found: Mapping[str, Object]) -> str:
    """What the cluster's definitions lack against `wanted`; empty when they serve."""
    missing = sorted(one["spec"]["names"]["kind"] for one in wanted if one["metadata"]["name"] not in found)
    if missing:
        return f"{', '.join(missing)} are missing"
    for one in wanted:
        there = found[one["metadata"]["name"]]
        kind = one["spec"]["names"]["kind"]
        lacking = sorted(_served(one) - _served(there))
        if lacking:
            return f"{kind} is not served as {', '.join(lacking)}"
        is_, asked = _annotation(there, VERSION), _annotation(one, VERSION)
        if asked and _number(is_) < _number(asked):
            return f"{kind} is of the bundle {is_ or 'of no version'}, and {asked} is needed"
    return ""


def _served(definition: Object) -> set[str]:
    return {one["name"] for one in definition["spec"]["versions"] if one.get("served")}


def _experimental(definitions: Iterable[Object]) -> bool:
    return any(_annotation(one, CHANNEL) == "experimental" for one in definitions)


def _annotation(found: Object, name: str) -> str:
    return str((found["metadata"].get("annotations") or {}).get(name, ""))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
