"""The objects that a Helm release consists of, read from Helm's own record."""

from __future__ import annotations

from typing import Any, Protocol

from ansible.module_utils.common.yaml import yaml_load_all

from . import helm_history


class Api(Protocol):
    """What is asked of the cluster."""

    def find(self, path: str, **query: str) -> dict[str, Any] | None:
        """As ClusterApi does."""
        ...


def records(api: Api, namespace: str, release: str, status: str = "") -> list[dict[str, Any]]:
    """The Secrets of the release, with `status` only those of that status, in no order."""
    selector = f"owner=helm,name={release}" + (f",status={status}" if status else "")
    found = api.find(f"/api/v1/namespaces/{namespace}/secrets", labelSelector=selector) or {}
    return [one for one in found.get("items", []) if one.get("type") == helm_history.SECRET_TYPE]


def deployed(api: Api, namespace: str, release: str) -> list[dict[str, Any]]:
    """The manifests of the deployed revision, without hooks; nothing when none is deployed."""
    found = records(api, namespace, release, "deployed")
    if not found:
        return []
    latest = max(found, key=lambda one: int(one["metadata"]["labels"]["version"]))
    return [one for one in yaml_load_all(helm_history.read(latest)["manifest"]) if one]
