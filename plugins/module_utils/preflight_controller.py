"""What preflight looks at on the controller: secrets, the kubeconfig, and the files of an offline site."""

from __future__ import annotations

import base64
import hashlib
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import k3s_tokens
from .preflight_findings import ERROR, NOTE, WARNING, Finding

INVENTORY = "inventory"
_OPEN = stat.S_IRWXG | stat.S_IRWXO


def findings(wanted: dict[str, Any]) -> list[Finding]:
    """Everything that is wrong there. `wanted` has the options of the module preflight_report."""
    files = [*wanted["offline_files"], *(path for host in wanted["hosts"] for path in host["files"])]
    found = list(offline_files(list(dict.fromkeys(files))))
    if wanted["offline"]:
        found += offline_hosts(wanted["hosts"])
    if wanted["secrets_dir"]:
        found += secrets(Path(wanted["secrets_dir"]), wanted["secrets"])
    if wanted["kubeconfig"]:
        found += kubeconfig(Path(wanted["kubeconfig"]), wanted["hosts"])
    return found


def secrets(directory: Path, names: list[str]) -> Iterator[Finding]:
    """Whether the files below `directory` are private, and the tokens called `names` strong."""
    if directory.is_dir() and directory.stat().st_mode & _OPEN:
        yield _open(directory, "0700", WARNING)
    files = [path for path in sorted(directory.rglob("*")) if path.is_file()] if directory.is_dir() else []
    for path in files:
        if path.stat().st_mode & _OPEN:
            yield _open(path, "0600", ERROR)
    absent = [name for name in names if not (directory / name).is_file()]
    if absent:
        yield Finding(
            NOTE, INVENTORY, f"secrets to be generated: {', '.join(absent)}", f"They will lie in {directory}."
        )
    for name in (name for name in names if name not in absent):
        try:
            k3s_tokens.require_strength(k3s_tokens.read(directory / name) or "", name)
        except (k3s_tokens.WeakTokenError, k3s_tokens.TokenFileError) as problem:
            yield Finding(
                ERROR,
                INVENTORY,
                f"the secret {name} will not do",
                f"{str(problem).rstrip('.')}.",
                f"before the first run remove {directory / name}, and a strong one is generated; on a cluster that "
                "exists use the playbook rotate",
            )


def kubeconfig(path: Path, hosts: list[dict[str, Any]]) -> Iterator[Finding]:
    """Whether the homelab's kubeconfig leads to a server of this inventory. None yet is fine."""
    text = _text(path)
    if not text:
        return
    address = _server_of(text)
    known = {host[key] for host in hosts if host["role"] == "server" for key in ("name", "address", "node_ip")}
    if address and address not in known:
        yield Finding(
            ERROR,
            INVENTORY,
            f"{path.name} leads to {address}",
            f"No server of this inventory has that address ({', '.join(sorted(filter(None, known)))}); it may "
            "be another homelab's cluster.",
            f"name this homelab's own file in log_intelligence_kubeconfig, or move {path} away to have it fetched anew",
        )


def ca_of_kubeconfig(path: Path) -> str:
    """The SHA-256 of the cluster certificate in the file; empty when there is none."""
    found = re.search(r"certificate-authority-data:\s*([A-Za-z0-9+/=]+)", _text(path))
    if not found:
        return ""
    try:
        return hashlib.sha256(base64.b64decode(found[1]).strip()).hexdigest()
    except ValueError:
        return ""


def offline_files(paths: list[str]) -> Iterator[Finding]:
    """The files of an offline site that are not there."""
    missing = [path for path in paths if not Path(path).is_file() or Path(path).stat().st_size == 0]
    if missing:
        yield Finding(
            ERROR,
            INVENTORY,
            f"{len(missing)} of {len(paths)} files of the offline set are missing or empty",
            f"These are not on this machine: {', '.join(missing)}.",
            "copy the whole set again, or take the offline variables out of the inventory to download instead",
        )


def offline_hosts(hosts: list[dict[str, Any]]) -> Iterator[Finding]:
    """The hosts of an offline site that have no files to be set up from."""
    for host in hosts:
        if not host["files"]:
            yield Finding(
                WARNING,
                host["name"],
                "an offline site without files",
                "Neither k3s_binary_source nor k3s_images is set, so only a mirror inside the site can serve it.",
                "set both to files on this machine, or k3s_download_url and k3s_registries to the mirror",
            )


def _open(path: Path, mode: str, severity: str) -> Finding:
    found = stat.S_IMODE(path.stat().st_mode)
    return Finding(
        severity,
        INVENTORY,
        f"{path.name} can be read by others (mode {found:04o})",
        f"{path} holds what gives access to the whole cluster.",
        f"chmod {mode} {path}",
    )


def _server_of(text: str) -> str:
    found = re.search(r"""^\s*(?:-\s+)?server:\s*["']?(\S+?)["']?\s*$""", text, flags=re.MULTILINE)
    return (urlsplit(found[1]).hostname or "") if found else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
