"""Checks what the operator asked for against what runs already; all problems at once, before anything is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import k3s_versions

SECRET_KEYS = (
    "token agent-token datastore-endpoint vpn-auth etcd-s3-access-key etcd-s3-secret-key etcd-s3-session-token".split()
)
OWN_KEYS = {
    "token-file": "k3s_token",
    "agent-token-file": "k3s_agent_token",
    "data-dir": "k3s_data_dir",
    "node-name": "k3s_node_name",
    "node-label": "the role node_placement, which can take labels away again",
    "node-taint": "k3s_node_taints",
    "secrets-encryption": "k3s_secrets_encryption",
    "cluster-init": "the number of hosts in k3s_server_group",
    "server": "k3s_api_address",
}


@dataclass(frozen=True)
class Request:
    """What is asked for on one host. Fingerprints are those of :func:`k3s_tokens.fingerprint`."""

    role: str
    host: str
    version: str
    servers: Sequence[str]
    node_names: Sequence[str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    kubelet_settings: Mapping[str, Any] = field(default_factory=dict)
    secrets_encryption: bool = True
    server_token_sha256: str | None = None
    cpu_policy: str = "none"


def problems(wanted: Request, found: Mapping[str, Any], server: Mapping[str, Any] | None) -> list[str]:
    """One sentence each, with the next step.

    `found` and `server` are answers of k3s_info from here and the first server.
    """
    return [*_of_the_inventory(wanted), *_of_the_settings(wanted), *_of_this_host(wanted, found, server)]


def _of_the_inventory(wanted: Request) -> Iterator[str]:
    count = len(wanted.servers)
    if count == 0:
        yield "no host is in the group of the servers; put one there"
    elif count % 2 == 0:
        yield (
            f"{count} servers are asked for ({', '.join(wanted.servers)}): etcd needs an odd number, since with "
            f"{count} the loss of "
            f"{count // 2} stops the cluster, no better than with {count - 1}. Use one, three or five"
        )
    twice = sorted(name for name, times in Counter(wanted.node_names).items() if times > 1)
    if twice:
        yield (
            f"several hosts have the node name {', '.join(twice)}; a second one would take the first one's place. Set "
            "k3s_node_name"
        )


def _of_the_settings(wanted: Request) -> Iterator[str]:
    for key in wanted.settings:
        plain = key[:-1] if key.endswith("+") else key
        if plain in SECRET_KEYS:
            name = f"K3S_{plain.upper().replace('-', '_')}"
            yield (
                f"k3s_config holds {key}, a secret, in a file that is shown with --diff; put it into k3s_environment "
                f"as {name}"
            )
        elif plain in OWN_KEYS:
            yield f"k3s_config sets {key}, which this role manages; use {OWN_KEYS[plain]}"
    reserved = {**wanted.kubelet_settings.get("kubeReserved", {}), **wanted.kubelet_settings.get("systemReserved", {})}
    if wanted.cpu_policy == "static" and not reserved.get("cpu"):
        yield (
            "the static CPU manager needs processors that are kept for the system; set k3s_system_reserved: "
            "{cpu: 500m} or more"
        )


def _of_this_host(wanted: Request, found: Mapping[str, Any], server: Mapping[str, Any] | None) -> Iterator[str]:
    other = {"server": "agent", "agent": "server"}[wanted.role]
    if found.get("role") == other:
        yield f"{wanted.host} runs K3s as {other} and is now to be {wanted.role}; reset it first (playbooks/reset.yml)"
        return
    try:
        installed = found.get("installed_version") if found.get("member") else None
        objections = [k3s_versions.objection(installed, wanted.version)]
        if wanted.role == "agent" and server:
            running = server.get("running_version") or server.get("installed_version")
            objections.append(k3s_versions.agent_objection(wanted.version, running))
    except k3s_versions.VersionError as error:
        objections = [str(error)]
    yield from (one for one in objections if one)
    encrypts = found.get("secrets_encryption")
    if wanted.role == "server" and encrypts is not None and encrypts != wanted.secrets_encryption:
        now, then = ("on", "off") if encrypts else ("off", "on")
        yield (
            f"Secrets encryption is {now} in this cluster and cannot be turned {then} by a setting without losing "
            "Secrets; set "
            f"k3s_secrets_encryption: {str(encrypts).lower()}, or use `k3s secrets-encrypt` on the server"
        )
    yield from _of_the_tokens(wanted, found)


def _of_the_tokens(wanted: Request, found: Mapping[str, Any]) -> Iterator[str]:
    used = found.get("server_token_sha256")
    if wanted.role == "server" and found.get("datastore") and used and wanted.server_token_sha256 not in (None, used):
        yield (
            "the server token is not the one that this cluster was made with (sha256 "
            f"{wanted.server_token_sha256} instead of {used}), and K3s would not start again. Put the right one into "
            "k3s_token or the "
            "file k3s-token in k3s_secrets_dir; it lies on this host in server/token below k3s_data_dir"
        )
