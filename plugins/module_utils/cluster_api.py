"""Requests to a Kubernetes API from the controller, with the credentials of one kubeconfig file."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class ClusterError(Exception):
    """The cluster cannot be used; one paragraph with the next step."""


class RefusedError(ClusterError):
    """The API answered with an error. `status` is the HTTP status, `reason` the API's own word for it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class ClusterApi:
    """JSON in and out. Raises ClusterError when nobody answers, RefusedError when the API says no."""

    def __init__(self, kubeconfig: str, timeout_seconds: float = 30.0) -> None:
        self.kubeconfig = kubeconfig
        self.timeout = timeout_seconds
        self._client = _client_of(kubeconfig)
        self._resources: dict[str, list[dict[str, Any]]] = {}
        self._require_the_recorded_cluster()

    @property
    def server(self) -> str:
        """The address of the API."""
        return str(self._client.configuration.host)

    @property
    def client(self) -> Any:  # noqa: ANN401 - the package kubernetes is loaded at run time and carries no types
        """The authenticated client of the Python package kubernetes."""
        return self._client

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The object or list at `path`."""
        return self.request("GET", path, query=query)

    def find(self, path: str, **query: str) -> dict[str, Any] | None:
        """The same, or None where there is none."""
        try:
            return self.request("GET", path, query=query)
        except RefusedError as refused:
            if refused.status == 404:
                return None
            raise

    def text(self, path: str, **query: str) -> str:
        """The answer as it came, for logs."""
        return self._send("GET", path, None, "", query).decode("utf-8", "replace")

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """One request; the answer is an object."""
        answer = json.loads(self._send(method, path, body, content_type, query or {}) or b"{}")
        return answer if isinstance(answer, dict) else {"items": answer}

    def path_of(self, manifest: dict[str, Any], default_namespace: str) -> str:
        """Where the object of `manifest` lies. Raises RefusedError 404 for a kind that the API does not know."""
        version = str(manifest["apiVersion"])
        resource = self._resource(version, str(manifest["kind"]))
        name = manifest["metadata"]["name"]
        if not resource["namespaced"]:
            return f"{_base(version)}/{resource['name']}/{name}"
        namespace = manifest["metadata"].get("namespace") or default_namespace
        return f"{_base(version)}/namespaces/{namespace}/{resource['name']}/{name}"

    def collection_of(self, api_version: str, kind: str) -> str:
        """Where all objects of a kind lie, over all namespaces."""
        return f"{_base(api_version)}/{self._resource(api_version, kind)['name']}"

    def _require_the_recorded_cluster(self) -> None:
        """Compares with the identity that the role k3s records beside the kubeconfig, where it has done so."""
        record = Path(f"{self.kubeconfig}.cluster.json")
        try:
            known = str(json.loads(record.read_text(encoding="utf-8"))["cluster_id"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ClusterError(f"{record} cannot be read: {error}. Run site.yml, which records it anew.") from error
        found = self.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
        if found != known:
            raise ClusterError(
                f"{self.kubeconfig} leads to the cluster {found} at {self.server}, and this inventory belongs to the "
                f"cluster {known}. Nothing was changed. Put the kubeconfig of this homelab there, or, when its cluster "
                f"was made anew on purpose, remove {self.kubeconfig} and {record} and run site.yml."
            )

    def _resource(self, version: str, kind: str) -> dict[str, Any]:
        if version not in self._resources:
            self._resources[version] = self.get(_base(version)).get("resources", [])
        for one in self._resources[version]:
            if one["kind"] == kind and "/" not in one["name"]:
                return one
        raise RefusedError(404, "NotFound", f"the API at {self.server} knows no {kind} of {version}")

    def _send(self, method: str, path: str, body: object, content_type: str, query: dict[str, str]) -> bytes:
        headers = {"Accept": "application/json"}
        for setting in self._client.configuration.auth_settings().values():
            if setting["in"] == "header":
                headers[setting["key"]] = setting["value"]
        if body is not None:
            headers["Content-Type"] = content_type
        url = self.server + path + (f"?{urlencode(query)}" if query else "")
        encoded = None if body is None else json.dumps(body).encode()
        try:
            answer = self._client.rest_client.pool_manager.request(
                method, url, body=encoded, headers=headers, timeout=self.timeout, retries=False
            )
        except Exception as error:
            raise ClusterError(
                f"The Kubernetes API at {self.server}, named in {self.kubeconfig}, does not answer: {error}. "
                "Check that the server node runs and that this machine reaches it, then run the same command again."
            ) from error
        if answer.status >= 400:
            raise _refused(answer.status, answer.data, f"{method} {path}", self.kubeconfig)
        return bytes(answer.data)


def _base(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _client_of(kubeconfig: str) -> Any:  # noqa: ANN401 - as above
    try:
        config = importlib.import_module("kubernetes.config")
    except ImportError as error:
        raise ClusterError(
            f"The Python package kubernetes cannot be used by {sys.executable}: {error}. "
            f"Install it with `{sys.executable} -m pip install kubernetes` and run again."
        ) from error
    if not Path(kubeconfig).is_file():
        raise ClusterError(
            f"There is no kubeconfig at {kubeconfig}. Run site.yml, which fetches it when K3s is installed, or set "
            "log_intelligence_kubeconfig to the file of this homelab."
        )
    try:
        return config.new_client_from_config(config_file=kubeconfig)
    except Exception as error:  # the package raises its own, YAML's and file errors alike
        raise ClusterError(
            f"{kubeconfig} cannot be used as a kubeconfig: {error}. Remove it and run site.yml, which fetches it anew."
        ) from error


def _refused(status: int, data: bytes, asked: str, kubeconfig: str) -> RefusedError:
    try:
        told = json.loads(data)
        reason, message = str(told.get("reason", "")), str(told.get("message", ""))
    except ValueError:
        reason, message = "", data[:200].decode("utf-8", "replace")
    if status == 401:
        message = (
            f"The credentials of {kubeconfig} are not accepted; the cluster may have been installed anew. "
            "Remove the file and run site.yml, which fetches it again."
        )
    elif status == 403:
        message = f"The credentials of {kubeconfig} may not do this: {message}. Use the administrator's kubeconfig."
    return RefusedError(status, reason, message or f"{asked} was answered with {status}")
