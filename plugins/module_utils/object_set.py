"""A set of objects that is wanted in a cluster: what has to be applied, and what has to go."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol

from . import manifest_drift
from .cluster_api import APPLY, ClusterError, RefusedError
from .manifest_drift import Drift, apply_query, comparable

MANAGER = "log-intelligence"
SET_LABEL = "log-intelligence.homelab/set"


class Api(manifest_drift.Api, Protocol):
    """What is asked of the cluster."""

    def collection_of(self, api_version: str, kind: str) -> str:
        """As ClusterApi does."""
        ...


@dataclass(frozen=True)
class Plan:
    """What is to be applied and removed; `remove` holds the objects as they are."""

    apply: tuple[Drift, ...] = ()
    remove: tuple[dict[str, Any], ...] = ()


def plan(
    api: Api,
    manifests: list[dict[str, Any]],
    set_name: str | None,
    prune: list[dict[str, str]],
    groups_to_come: tuple[str, ...] = (),
) -> Plan:
    """Compares `manifests` with the cluster. Raises ClusterError for what the API refuses.

    Kinds of the API groups `groups_to_come` need not be known yet: their objects are taken as missing.
    """
    wanted = [labelled(one, set_name) if set_name else one for one in manifests]
    coming = {one["metadata"]["name"] for one in wanted if one["kind"] == "Namespace"}
    drifts = [drift for one in wanted if (drift := compare(api, one, coming, groups_to_come))]
    kept = {name_of(one) for one in wanted}
    leaving = [
        {**found, "apiVersion": kind["api_version"], "kind": kind["kind"]}
        for kind in prune
        for found in _of_set(api, kind, set_name, groups_to_come)
    ]
    return Plan(tuple(drifts), tuple(one for one in leaving if name_of(one) not in kept))


def plan_removal(api: Api, manifests: list[dict[str, Any]]) -> Plan:
    """The objects of `manifests` that are there, the last one first."""
    there = []
    for one in reversed(manifests):
        try:
            found = api.find(api.path_of(one, "default"))
        except RefusedError as refused:
            if refused.status != 404:
                raise
            continue
        if found:
            there.append({**found, "apiVersion": one["apiVersion"], "kind": one["kind"]})
    return Plan(remove=tuple(there))


def compare(api: Api, manifest: dict[str, Any], coming: set[str], groups_to_come: tuple[str, ...] = ()) -> Drift | None:
    """How the object differs; `coming` are namespaces of the same set, which need not exist yet."""
    path = ""
    try:
        path = api.path_of(manifest, "default")
        before = api.find(path)
        after = api.request("PATCH", path, manifest, APPLY, apply_query(MANAGER, dry_run=True))
    except RefusedError as refused:
        namespace = manifest["metadata"].get("namespace", "default")
        if not path and _group_of(manifest["apiVersion"]) in groups_to_come:
            return Drift(manifest, path, None, manifest)
        if refused.status == 404 and (namespace in coming or "namespaces" in str(refused)):
            return Drift(manifest, path, None, manifest)
        raise ClusterError(
            f"{name_of(manifest)} would not be taken: {refused}. Correct the variables that it is made from, and run "
            "again."
        ) from refused
    if before is not None and comparable(before) == comparable(after):
        return None
    return Drift(manifest, path, before, after)


def carry_out(api: Api, planned: Plan) -> Plan:
    """Applies in the given order, then removes; returns `planned`."""
    for drift in planned.apply:
        try:
            api.request("PATCH", drift.path, drift.manifest, APPLY, apply_query(MANAGER))
        except RefusedError as refused:
            raise ClusterError(f"{drift.name} was not taken: {refused}. After the mend run again.") from refused
    for found in planned.remove:
        api.request("DELETE", api.path_of(found, "default"), query={"propagationPolicy": "Background"})
    return planned


def labelled(manifest: dict[str, Any], set_name: str) -> dict[str, Any]:
    """`manifest` with the label of its set."""
    marked = deepcopy(manifest)
    marked["metadata"]["labels"] = {**(marked["metadata"].get("labels") or {}), SET_LABEL: set_name}
    return marked


def name_of(manifest: dict[str, Any]) -> str:
    """Kind, namespace and name."""
    metadata = manifest["metadata"]
    where = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{manifest['kind']}/{where}{metadata['name']}"


def removal_diff(found: dict[str, Any]) -> dict[str, Any]:
    """Before and after of an object that goes."""
    return {"before": {name_of(found): "present"}, "after": {name_of(found): "absent"}}


def _group_of(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _of_set(
    api: Api, kind: dict[str, str], set_name: str | None, groups_to_come: tuple[str, ...]
) -> list[dict[str, Any]]:
    if not set_name:
        return []
    try:
        path = api.collection_of(kind["api_version"], kind["kind"])
    except RefusedError:
        if _group_of(kind["api_version"]) in groups_to_come:
            return []
        raise
    found = api.find(path, labelSelector=f"{SET_LABEL}={set_name}") or {}
    items: list[dict[str, Any]] = found.get("items", [])
    return items
