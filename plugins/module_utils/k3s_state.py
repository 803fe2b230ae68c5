"""What K3s is on a host: its role, versions, certificates and secrets' fingerprints. Only reads."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from . import k3s_binary, k3s_certificates, k3s_fingerprint, k3s_systemd, k3s_tokens

ADMIN_CONFIG = "/etc/rancher/k3s/k3s.yaml"
IDENTITY_PATH = "{.metadata.uid}"


def role(units: Path = k3s_systemd.UNIT_DIRECTORY) -> str | None:
    """``server`` or ``agent``, by the unit that is installed; None for neither."""
    return next((name for name, unit in k3s_systemd.UNITS.items() if (units / f"{unit}.service").is_file()), None)


def is_member(data_dir: Path) -> bool:
    """Whether this host has been part of a cluster and still holds what proves it."""
    return is_server_member(data_dir) or (data_dir / "agent" / "client-kubelet.crt").is_file()


def is_server_member(data_dir: Path) -> bool:
    """Whether a datastore lies here, SQLite's or etcd's."""
    return datastore(data_dir) is not None


def datastore(data_dir: Path) -> str | None:
    """``etcd`` or ``sqlite``; None without one."""
    database = data_dir / "server" / "db"
    if (database / "etcd" / "member").is_dir():  # K3s makes db/etcd with SQLite, too
        return "etcd"
    return "sqlite" if (database / "state.db").is_file() else None


def encrypts_secrets(data_dir: Path) -> bool | None:
    """Whether the datastore on this host holds Secrets encrypted; None when there is no datastore."""
    if not is_server_member(data_dir):
        return None
    return (data_dir / "server" / "cred" / "encryption-config.json").is_file()


def installed_version(program: Path) -> str | None:
    """What the program in use calls itself; None without one, or with one that does not run."""
    try:
        return k3s_binary.version_of(program)
    except k3s_binary.BinaryError:
        return None


def certificates(data_dir: Path, now: datetime) -> list[dict[str, Any]]:
    """Every certificate of the server and the agent, the one that ends first first."""
    places = (("server", data_dir / "server" / "tls"), ("agent", data_dir / "agent"))
    found = [
        {
            "name": f"{side}/{name}",
            "expires": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "days_left": (ends - now).days,
            "authority": name.endswith(("-ca.crt", "-ca.nochain.crt")),
        }
        for side, directory in places
        for name, ends in k3s_certificates.expiries(directory).items()
    ]
    return sorted(found, key=lambda one: str(one["expires"]))


def cluster_identity(program: Path) -> str | None:
    """The uid of the namespace kube-system, asked on a server; None when nobody answers."""
    command = [str(program), "kubectl", f"--kubeconfig={ADMIN_CONFIG}", "--request-timeout=5s"]
    command += ["get", "namespace", "kube-system"]
    try:
        done = subprocess.run(
            [*command, f"--output=jsonpath={IDENTITY_PATH}"], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def examine(program: Path, data_dir: Path, record_dir: Path, patterns: Sequence[str], now: datetime) -> dict[str, Any]:
    """Everything that the module k3s_info returns."""
    kind = role()
    unit = k3s_systemd.state(k3s_systemd.UNITS[kind]) if kind else None
    used = k3s_fingerprint.in_use(record_dir / k3s_systemd.UNITS[kind]) if kind and unit and unit.running else None
    disk = k3s_fingerprint.on_disk(patterns, str(program)) if kind and patterns else {}
    return {
        "role": kind,
        "architecture": os.uname().machine,
        "member": is_member(data_dir),
        "installed_version": installed_version(program),
        "running_version": k3s_fingerprint.version(used),
        "service": None
        if unit is None
        else {**vars(unit), "running": unit.running, "unit": k3s_systemd.UNITS[kind or ""]},
        "fingerprint": {
            "in_use": used,
            "on_disk": disk or None,
            "differences": k3s_fingerprint.differences(used, disk) if disk else [],
        },
        "datastore": datastore(data_dir),
        "secrets_encryption": encrypts_secrets(data_dir),
        "server_token_sha256": k3s_tokens.fingerprint_of_file(data_dir / "server" / "token"),
        "agent_token_sha256": k3s_tokens.fingerprint_of_file(data_dir / "server" / "agent-token"),
        "certificates": certificates(data_dir, now),
        "cluster_id": cluster_identity(program) if kind == "server" and unit and unit.running else None,
    }
