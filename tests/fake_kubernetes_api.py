"""A stand-in for a Kubernetes API that knows nodes and pods only; it checks resource versions as the real one does."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class FakeKubernetesApi:
    """`nodes` and `pods` are API objects. `conflicts` writes come from somebody else before the next patches."""

    address: str = ""
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    pods: list[dict[str, Any]] = field(default_factory=list)
    patches: list[dict[str, Any]] = field(default_factory=list)
    conflicts: int = 0
    refuse: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def add_node(self, name: str, labels: dict[str, str], taints: list[dict[str, str]]) -> None:
        self.nodes[name] = {
            "metadata": {"name": name, "labels": labels, "annotations": {}, "resourceVersion": "1"},
            "spec": {"taints": taints},
        }

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> tuple[int, Any]:
        if self.refuse:
            return self.refuse, {"message": "refused by the test", "reason": "Refused"}
        if path == "/stop":
            self.stopped.set()
            return 200, {}
        if path == "/api/v1/pods":
            node = query["fieldSelector"][0].removeprefix("spec.nodeName=")
            return 200, {"items": [pod for pod in self.pods if pod["spec"]["nodeName"] == node]}
        if path == "/api/v1/nodes":
            return 200, {"items": list(self.nodes.values())}
        found = self.nodes.get(path.removeprefix("/api/v1/nodes/"))
        if found is None:
            return 404, {"message": "not found", "reason": "NotFound"}
        return self._patch(found, body) if method == "PATCH" else (200, found)

    def _patch(self, node: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
        if self.conflicts:
            self.conflicts -= 1
            node["metadata"]["resourceVersion"] += "0"
        if body["metadata"].pop("resourceVersion") != node["metadata"]["resourceVersion"]:
            return 409, {"message": "the object has been modified", "reason": "Conflict"}
        self.patches.append(body)
        _merge(node, body)
        node["metadata"]["resourceVersion"] += "1"
        return 200, node


@contextmanager
def served(directory: Path) -> Iterator[tuple[FakeKubernetesApi, Path]]:
    """The API on a free port, and a kubeconfig for it in `directory`."""
    api = FakeKubernetesApi()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            asked = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            status, answer = api.answer(self.command, asked.path, parse_qs(asked.query), body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self) -> None:
            self._handle()

        def do_PATCH(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

        def log_message(self, *args: object) -> None:
            """Keeps the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(
        f"{{apiVersion: v1, kind: Config, current-context: c, users: [{{name: u, user: {{}}}}], "
        f"clusters: [{{name: k, cluster: {{server: '{api.address}'}}}}], "
        "contexts: [{name: c, context: {cluster: k, user: u}}]}"
    )
    yield api, kubeconfig
    server.shutdown()
    server.server_close()


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> None:
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict):
            _merge(target.setdefault(name, {}), value)
        else:
            target[name] = value


def main() -> None:
    """Serves two nodes until `POST /stop`, for the molecule scenario; the kubeconfig goes into the directory given."""
    with served(Path(sys.argv[1])) as (api, _kubeconfig):
        for name in ("node-1", "node-2"):
            api.add_node(name, {"kubernetes.io/hostname": name}, [])
        api.stopped.wait()


if __name__ == "__main__":
    main()
