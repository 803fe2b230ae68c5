#!/usr/bin/env python3
"""A stand-in for the program K3s, for tests of files, modes, units and tokens on machines where no real one is given.

It reads its settings as K3s does, tells systemd that it is ready, keeps the files that a role looks at, and answers
what the role asks: the kubelet's health, the server's CA, whether a token is known, and a node's state. It runs no pod,
keeps no datastore and has no API. What only a real K3s shows (joining, upgrades, containers) is not tested by passing
with this.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

VERSION = os.environ.get("FAKE_K3S_VERSION", "v1.35.0+k3s1")
CONFIG = Path("/etc/rancher/k3s")
KUBECONFIG = CONFIG / "k3s.yaml"
IDENTITY = "7f3c9f5e-0000-4000-8000-fa4e00000001"
CA_HASH = "fa" * 32


def settings() -> dict[str, str]:
    """The settings of one line each, from `config.yaml` and the files beside it."""
    found: dict[str, str] = {}
    for path in [CONFIG / "config.yaml", *sorted((CONFIG / "config.yaml.d").glob("*.yaml"))]:
        if path.is_file():
            pairs = re.findall(r"(?m)^([a-z-]+): (.+)$", path.read_text(encoding="utf-8"))
            found.update({name: value.strip('"') for name, value in pairs})
    return found


def quiet(answer: Any) -> type[BaseHTTPRequestHandler]:
    """A handler that sends what `answer` returns: status and body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Keeps the journal quiet."""

    return Handler


def serve(port: int, answer: Any, certificate: Path | None = None) -> None:
    """Answers on a port, in the background."""
    server = ThreadingHTTPServer(("", port), quiet(answer))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def node(name: str) -> dict[str, Any]:
    """A ready Node, as far as the role reads it."""
    ready = {"type": "Ready", "status": "True", "message": "stand-in"}
    return {
        "metadata": {"name": name},
        "spec": {},
        "status": {"conditions": [ready], "nodeInfo": {"kubeletVersion": VERSION}},
    }


def start_server(given: dict[str, str], data: Path) -> None:
    """Keeps the files of a server and answers on port 6443."""
    tokens = {
        "server": Path(given["token-file"]).read_text().strip(),
        "node": Path(given["agent-token-file"]).read_text().strip(),
    }
    (data / "server" / "db").mkdir(parents=True, exist_ok=True)
    joined = data / "server" / "db" / "state.db"
    joined.touch()
    for name, user in (("token", "server"), ("agent-token", "node")):
        path = data / "server" / name
        path.touch(mode=0o600)
        path.write_text(f"K10{CA_HASH}::{user}:{tokens[user]}\n")
    if given.get("secrets-encryption") == "true":
        (data / "server" / "cred").mkdir(exist_ok=True)
        (data / "server" / "cred" / "encryption-config.json").touch(mode=0o600)
    certificate = data / "server" / "fake.pem"
    if not certificate.exists():
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=k3s -keyout "
            f"{certificate}.key"
        )
        public = subprocess.run(command.split(), check=True, capture_output=True).stdout
        certificate.write_bytes(public + Path(f"{certificate}.key").read_bytes())
    bundle = certificate.read_text().partition("-----BEGIN PRIVATE")[0].encode()
    joined.write_text(f"{joined.read_text()}{given['node-name']}\n")

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        user = {"/v1-k3s/config": "node", "/v1-k3s/encrypt/status": "server"}.get(request.path)
        if request.path == "/cacerts":
            return 200, bundle
        if request.path.startswith("/fake/join/"):
            user = "node"
        right = base64.b64encode(f"{user}:{tokens.get(user or '')}".encode()).decode()
        if user and request.headers.get("Authorization") != f"Basic {right}":
            return 401, b"not authorized"
        name = request.path.rpartition("/")[2]
        if request.path.startswith("/fake/join/"):
            joined.write_text(f"{joined.read_text()}{name}\n")
        elif request.path.startswith("/fake/nodes/"):
            return (200, json.dumps(node(name)).encode()) if name in joined.read_text().split() else (404, b"not found")
        return 200, b"{}"

    serve(6443, answer, certificate)
    mode = int(given.get("write-kubeconfig-mode", "0600"), 8)
    KUBECONFIG.touch(mode=mode)
    KUBECONFIG.write_text(
        "apiVersion: v1\nclusters:\n- cluster:\n    server: https://127.0.0.1:6443\n  name: default\ncontexts:\n- "
        "context:\n"
        "    cluster: default\n    user: default\n  name: default\ncurrent-context: default\nkind: Config\nusers:\n- "
        "name: default\n"
        "  user:\n    client-key-data: fake-admin-key-of-the-stand-in\n"
    )


def ask(url: str, token: str = "") -> bytes:
    """One answer of the server, whoever signed its certificate; raises OSError, PermissionError for a wrong token."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=5, context=context)
    headers = {"Authorization": f"Basic {base64.b64encode(f'node:{token}'.encode()).decode()}"} if token else {}
    connection.request("GET", parts.path, headers=headers)
    answer = connection.getresponse()
    if answer.status >= 400:
        raise PermissionError(f"HTTP status {answer.status}")
    return answer.read()


def start_agent(given: dict[str, str], data: Path) -> None:
    """Joins, trying for ever and saying so, as an agent does."""
    token = Path(given["token-file"]).read_text().strip()
    while True:
        try:
            ask(f"{given['server']}/fake/join/{given['node-name']}", token)
            break
        except PermissionError:
            print('level=error msg="failed to retrieve configuration from server: not authorized"', flush=True)
        except OSError as error:
            print(f'level=error msg="failed to get CA certs: {error}"', flush=True)
        time.sleep(2)
    (data / "agent").mkdir(parents=True, exist_ok=True)
    for name in ("client-kubelet.crt", "kubelet.kubeconfig"):
        (data / "agent" / name).touch(mode=0o600)


def run(kind: str) -> None:
    """The unit's process."""
    given = settings()
    data = Path(given.get("data-dir", "/var/lib/rancher/k3s"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    (start_server if kind == "server" else start_agent)(given, data)
    serve(10248, lambda _request: (200, b"ok"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    signal.pause()


def kubectl(words: list[str]) -> None:
    """The few questions that the role asks."""
    words = [word for word in words if not word.startswith("--") or word == "--raw"]
    server = settings().get("server", "https://127.0.0.1:6443")
    if words[:2] == ["get", "namespace"]:
        print(IDENTITY, end="")
    elif words[:2] == ["get", "--raw"]:
        print(ask(f"{server}/fake/ready").decode())
    elif words[:2] == ["get", "node"]:
        print(ask(f"{server}/fake/nodes/{words[2]}").decode())


def main() -> None:
    """As K3s, by the first word."""
    words = sys.argv[1:]
    if words[:1] == ["--version"]:
        print(f"k3s version {VERSION} (stand-in)")
    elif words[:1] == ["kubectl"]:
        kubectl(words[1:])
    elif words[:1] in (["server"], ["agent"]):
        run(words[0])
    else:
        sys.exit(f"the stand-in for K3s does not know {words}")


if __name__ == "__main__":
    main()
