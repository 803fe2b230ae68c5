"""How the objects of a cluster differ from the manifests that they were made from.

The API itself answers what an object would look like if its manifest were applied now (a server-side apply that is a
dry run); whatever differs from the object as it is has been altered from outside. Fields that the manifest does not
name are left alone.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol

from .cluster_api import APPLY, RefusedError

UNCOMPARED = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
HIDDEN = "(not shown)"


class Api(Protocol):
    """What is asked of the cluster."""

    def find(self, path: str, **query: str) -> dict[str, Any] | None:
        """As ClusterApi does."""
        ...

    def path_of(self, manifest: dict[str, Any], default_namespace: str) -> str:
        """As ClusterApi does."""
        ...

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "",
        query: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """As ClusterApi does."""
        ...


@dataclass(frozen=True)
class Drift:
    """One object that is not as its manifest says. `before` is None when it is missing."""

    manifest: dict[str, Any]
    path: str
    before: dict[str, Any] | None
    after: dict[str, Any]

    @property
    def name(self) -> str:
        """Kind and name, as kubectl takes them."""
        return f"{self.manifest['kind']}/{self.manifest['metadata']['name']}"

    def diff(self) -> dict[str, Any]:
        """Before and after for Ansible, reduced to the fields that differ."""
        secret = self.manifest["kind"] == "Secret"
        before: object
        after: object
        if self.before is None:
            before, after = None, HIDDEN if secret else comparable(self.after)
        else:
            before, after = difference(comparable(self.before), comparable(self.after))
            if secret:
                before, after = HIDDEN, HIDDEN
        return {"before": {self.name: before}, "after": {self.name: after}}


def owned_by_helm(manifest: dict[str, Any], release: str, namespace: str) -> dict[str, Any]:
    """`manifest` with the marks that Helm sets on everything that it installs."""
    marked = deepcopy(manifest)
    metadata = marked["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        "meta.helm.sh/release-name": release,
        "meta.helm.sh/release-namespace": namespace,
    }
    return marked


def find_drift(
    api: Api, manifests: list[dict[str, Any]], namespace: str, manager: str
) -> tuple[list[Drift], list[str]]:
    """The objects that differ, and a sentence for each that the API would not compare. `manager` owns the fields."""
    drifts: list[Drift] = []
    refused: list[str] = []
    for manifest in manifests:
        try:
            path = api.path_of(manifest, namespace)
            before = api.find(path)
            after = api.request("PATCH", path, manifest, APPLY, apply_query(manager, dry_run=True))
        except RefusedError as error:
            refused.append(f"{manifest['kind']}/{manifest['metadata']['name']} cannot be compared: {error}")
            continue
        if before is None or comparable(before) != comparable(after):
            drifts.append(Drift(manifest, path, before, after))
    return drifts, refused


def mend(api: Api, drifts: list[Drift], manager: str) -> None:
    """Applies the manifests of `drifts`."""
    for drift in drifts:
        api.request("PATCH", drift.path, drift.manifest, APPLY, apply_query(manager))


def apply_query(manager: str, *, dry_run: bool = False) -> dict[str, str]:
    """The parameters of a server-side apply."""
    query = {"fieldManager": manager, "force": "true"}
    return {**query, "dryRun": "All"} if dry_run else query


def comparable(found: dict[str, Any]) -> dict[str, Any]:
    """`found` without what the API keeps for itself."""
    kept = {key: value for key, value in found.items() if key != "status"}
    kept["metadata"] = {key: value for key, value in found.get("metadata", {}).items() if key not in UNCOMPARED}
    return kept


def difference(before: object, after: object) -> tuple[object, object]:
    """Both sides reduced to what differs; lists are kept whole."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return before, after
    left: dict[str, Any] = {}
    right: dict[str, Any] = {}
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) == after.get(key):
            continue
        left[key], right[key] = difference(before.get(key), after.get(key))
    return left, right
