"""Reads and patches nodes through the Kubernetes API, on the controller."""

from __future__ import annotations

from typing import Any

from .cluster_api import MERGE, ClusterApi, ClusterError, RefusedError
from .placement import Plan

ATTEMPTS = 5


class NodeMissingError(ClusterError):
    """No node of that name has joined. `known` are the names of those that have."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.known = known
        joined = f"joined nodes are: {', '.join(known)}" if known else "no node has joined yet"
        super().__init__(
            f"No node of the cluster is called {name}; {joined}. Let the role k3s join it first, or correct its name "
            "in the inventory."
        )


class NodeApi:
    """The few calls that placement needs. Objects are the API's own JSON."""

    def __init__(self, cluster: ClusterApi) -> None:
        self._cluster = cluster

    def node(self, name: str) -> dict[str, Any]:
        """The node. Raises :class:`NodeMissingError` with the names that there are."""
        found = self._cluster.find(f"/api/v1/nodes/{name}")
        if found is None:
            raise NodeMissingError(name, self.names())
        return found

    def names(self) -> list[str]:
        """The names of the joined nodes."""
        return sorted(item["metadata"]["name"] for item in self._cluster.get("/api/v1/nodes").get("items") or [])

    def pods_on(self, name: str) -> list[dict[str, Any]]:
        """The pods that are bound to the node, in every namespace."""
        return list(self._cluster.get("/api/v1/pods", fieldSelector=f"spec.nodeName={name}").get("items") or [])

    def apply(self, name: str, change: Plan, node: dict[str, Any]) -> bool:
        """Sends the change; False when the node was altered since `node` was read, and nothing was done."""
        body = change.patch(node["metadata"]["resourceVersion"])
        try:
            self._cluster.request("PATCH", f"/api/v1/nodes/{name}", body, MERGE)
        except RefusedError as refused:
            if refused.status == 409:
                return False
            raise
        return True
