"""A stand-in for the part of the Kubernetes API that keeps Secrets: list by labels, merge patch, delete. No more.

What is shown with it counts only for how Helm's records are read and mended; tests/contract/test_helm_release.py shows
the same against a real API with real Helms.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml


class FakeSecretsApi:
    """The Secrets by name, and the requests that changed something."""

    def __init__(self, secrets: list[dict[str, Any]]) -> None:
        self.secrets = {one["metadata"]["name"]: one for one in secrets}
        self.changes: list[tuple[str, str]] = []

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """Status and content for one request."""
        name = urlsplit(path).path.rsplit("/", 1)[1]
        if method == "GET":
            wanted = dict(part.split("=", 1) for part in query.get("labelSelector", [""])[0].split(",") if part)
            found = [one for one in self.secrets.values() if wanted.items() <= one["metadata"]["labels"].items()]
            return 200, {"items": found}
        self.changes.append((method, name))
        if method == "DELETE":
            return 200, self.secrets.pop(name)
        secret = self.secrets[name]
        secret["metadata"]["labels"] |= body["metadata"]["labels"]
        secret["data"] |= body["data"]
        return 200, secret


@contextmanager
def serve(api: FakeSecretsApi, directory: Path) -> Iterator[Path]:
    """Serves `api` on a free port; gives a kubeconfig that leads to it."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            parts = urlsplit(self.path)
            status, content = api.answer(self.command, parts.path, parse_qs(parts.query), body)
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PATCH = do_DELETE = _do  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    named = {"name": "fake", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
    context = {"name": "fake", "context": {"cluster": "fake", "user": "fake"}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fake",
        "clusters": [named],
        "contexts": [context],
    }
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump({**config, "users": [{"name": "fake", "user": {}}]}), encoding="utf-8")
    try:
        yield kubeconfig
    finally:
        server.shutdown()
        server.server_close()
