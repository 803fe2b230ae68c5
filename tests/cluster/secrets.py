"""What must never be printed: read from the controller's secrets and from the nodes after a run."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from tests.nodes.lab import Node

_SHORTEST = 12  # characters; anything shorter is a word, a user's name, a port
_NODE_SECRETS = (
    "/var/lib/rancher/k3s/server/token",
    "/var/lib/rancher/k3s/server/agent-token",
    "/var/lib/rancher/k3s/server/cred/passwd",
    "/etc/rancher/node/password",
)


def on_controller(folder: Path) -> set[str]:
    """Return the secret values of the files below the inventory's secrets."""
    found: set[str] = set()
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".json":  # a record of which cluster this is; nothing in it opens a door
            text = path.read_text(encoding="utf-8", errors="replace")
            found |= _of_kubeconfig(text) if "client-key-data" in text else _lines(text)
    return found


def on_node(node: Node) -> set[str]:
    """Return the secret values that K3s keeps on a node."""
    found: set[str] = set()
    for place in _NODE_SECRETS:
        found |= _lines(node.run("sh", "-c", f"cat {place} 2>/dev/null || true"))
    return found


def spelled(values: set[str]) -> set[str]:
    """Return the values and their base64 forms, as a module's arguments or a file's content may show them."""
    encoded = {base64.b64encode(value.encode()).decode().rstrip("=")[:-1] for value in values}
    return values | {value for value in encoded if len(value) >= _SHORTEST}


def _lines(text: str) -> set[str]:
    if "-----BEGIN" in text:
        private = text.partition("PRIVATE KEY-----")[2]
        return {line for line in private.splitlines() if len(line) > 40 and not line.startswith("-")}
    return {line.strip() for line in text.splitlines() if len(line.strip()) >= _SHORTEST}


def _of_kubeconfig(text: str) -> set[str]:
    users = yaml.safe_load(text)["users"]
    return {value for user in users for name, value in user["user"].items() if name in {"client-key-data", "token"}}
