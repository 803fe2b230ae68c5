"""The manifests of the roles, read by Kubernetes' own schemas, and what their network policies let pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped] # carries no types
import pytest
import yaml

from tests.rendered import objects, render

VERSIONS = ("1.33", "1.34", "1.35", "1.36")
MANIFESTS = {
    "cluster": ["namespaces.yaml.j2", "access.yaml.j2", "network_policies.yaml.j2", "volumes.yaml.j2"],
    "llama_cpp": ["models.yaml.j2", "servers.yaml.j2"],
    "grafana": ["objects.yaml.j2"],
}
ACCESS = [
    {"namespace": "llm", "role": "operator", "users": ["ada"]},
    {"namespace": "logging", "role": "viewer", "groups": ["staff"], "service_accounts": ["reader"]},
]
FLOWS = [{"from": "alertmanager", "to": "outside", "ports": [587], "why": "Mail."}]
VARIABLES: dict[str, dict[str, Any]] = {
    "cluster": {"cluster_access": ACCESS, "cluster_extra_flows": FLOWS},
    "llama_cpp": {},
    "grafana": {"_grafana_password": "secret", "grafana_secrets_dir": "/none"},
}


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for role, templates in MANIFESTS.items():
        texts = render(role, templates, tmp_path_factory.mktemp(role), **VARIABLES[role])
        found |= {name: objects(text) for name, text in texts.items()}
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid_for_the_supported_versions(
    manifests: dict[str, list[dict[str, Any]]], version: str
) -> None:
    count = 0
    for parts in manifests.values():
        for one in parts:
            kubernetes_validate.validate(one, version, strict=True)
            count += 1
    assert count > 60


def test_a_misspelt_field_would_be_found() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"selectors": {}}}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(service, VERSIONS[0], strict=True)


def test_volumes_are_as_large_as_their_quota_and_bound_to_one_claim(
    manifests: dict[str, list[dict[str, Any]]],
) -> None:
    quotas = yaml.safe_load(Path("roles/cluster/defaults/main.yml").read_text())["cluster_storage_quotas"]
    volumes = [one for one in manifests["volumes.yaml.j2"] if one["kind"] == "PersistentVolume"]

    assert {
        one["spec"]["local"]["path"].rsplit("/", 1)[1]: int(one["spec"]["capacity"]["storage"]) for one in volumes
    } == (quotas)
    claims = {one["metadata"]["name"]: one["spec"]["claimRef"] for one in volumes}
    assert (claims["loki"]["namespace"], claims["loki"]["name"]) == ("logging", "storage-loki-0")
    assert (claims["llama-models"]["namespace"], claims["llama-models"]["name"]) == ("llm", "llama-models")
    assert {one["spec"]["persistentVolumeReclaimPolicy"] for one in volumes} == {"Retain"}


def test_a_chat_server_is_started_as_the_walkthrough_says(manifests: dict[str, list[dict[str, Any]]]) -> None:
    chat = next(one for one in manifests["servers.yaml.j2"] if one["metadata"]["name"] == "llama-cpp")
    container = chat["spec"]["template"]["spec"]["containers"][0]
    arguments = dict(zip(container["args"][:-1:2], container["args"][1::2], strict=False))

    assert arguments["--threads"] == "14" and arguments["--parallel"] == "2"
    assert chat["spec"]["strategy"] == {"type": "Recreate"}
    assert chat["spec"]["template"]["metadata"]["labels"]["app"] == "llama-cpp"
    patience = container["startupProbe"]["periodSeconds"] * container["startupProbe"]["failureThreshold"]
    assert patience >= 600


# ---- what the network policies let pass -----------------------------------------------------------------------------

POD = {
    "alloy": ("logging", {"app.kubernetes.io/name": "alloy"}),
    "loki": ("logging", {"app.kubernetes.io/name": "loki"}),
    "grafana": ("logging", {"app.kubernetes.io/name": "grafana"}),
    "stranger": ("logging", {"app": "stranger"}),
    "envoy": ("envoy-gateway-system", {"gateway.envoyproxy.io/owning-gateway-name": "eg"}),
    "llama-cpp": ("llm", {"app": "llama-cpp"}),
    "llama-embed": ("llm", {"app": "llama-embed"}),
    "chroma": ("llm", {"app.kubernetes.io/name": "chroma"}),
    "log-analyzer": ("llm", {"app.kubernetes.io/name": "log-analyzer"}),
    "test pod of llm": ("llm", {"run": "curl"}),
    "test pod of default": ("default", {"run": "curl"}),
    "dns": ("kube-system", {"k8s-app": "kube-dns"}),
    "prometheus": ("monitoring", {"app.kubernetes.io/name": "prometheus"}),
    "alertmanager": ("monitoring", {"app.kubernetes.io/name": "alertmanager"}),
    "the internet": ("", {}),
}
TABLE = [
    ("alloy", "loki", 3100, True),
    ("grafana", "loki", 3100, True),
    ("stranger", "loki", 3100, False),
    ("test pod of default", "loki", 3100, False),
    ("alloy", "loki", 9095, False),
    ("envoy", "grafana", 3000, True),
    ("test pod of default", "grafana", 3000, False),
    ("envoy", "llama-cpp", 8080, True),
    ("test pod of llm", "llama-cpp", 8080, True),
    ("test pod of default", "llama-cpp", 8080, False),
    ("grafana", "llama-cpp", 8080, False),
    ("test pod of llm", "chroma", 8000, False),
    ("test pod of llm", "llama-embed", 8080, False),
    ("log-analyzer", "chroma", 8000, True),
    ("log-analyzer", "llama-embed", 8080, True),
    ("log-analyzer", "loki", 3100, True),
    ("test pod of llm", "dns", 53, True),
    ("stranger", "dns", 53, True),
    ("llama-cpp", "the internet", 443, False),
    ("grafana", "the internet", 443, False),
    ("the internet", "envoy", 10443, True),
    ("the internet", "grafana", 3000, False),
    ("prometheus", "llama-cpp", 8080, True),
    ("prometheus", "llama-embed", 8080, True),
    ("prometheus", "log-analyzer", 8000, True),
    ("prometheus", "chroma", 8000, False),
    ("alertmanager", "log-analyzer", 8000, True),
    ("alertmanager", "the internet", 587, True),
    ("alertmanager", "the internet", 443, True),
    ("alertmanager", "the internet", 25, False),
    ("loki", "alertmanager", 9093, True),
    ("envoy", "log-analyzer", 8000, True),
    ("envoy", "chroma", 8000, True),
    ("grafana", "chroma", 8000, False),
    ("chroma", "the internet", 443, False),
    ("log-analyzer", "the internet", 443, False),
    ("test pod of llm", "log-analyzer", 8000, False),
    ("grafana", "prometheus", 9090, True),
]


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    return (selector.get("matchLabels") or {}).items() <= labels.items()


def meets(ends: list[dict[str, Any]], pod: str) -> bool:
    namespace, labels = POD[pod]
    for end in ends:
        if "ipBlock" in end:
            if pod == "the internet" or end["ipBlock"]["cidr"] == "0.0.0.0/0":
                return True
        elif selects(end["namespaceSelector"], {"kubernetes.io/metadata.name": namespace}) and selects(
            end["podSelector"], labels
        ):
            return True
    return False


def allows(policies: list[dict[str, Any]], pod: str, other: str, port: int, direction: str) -> bool:
    """One side of NetworkPolicy's semantics: without a policy for the pod everything passes, else any rule decides."""
    namespace, labels = POD[pod]
    own = [
        one["spec"]
        for one in policies
        if one["metadata"]["namespace"] == namespace
        and selects(one["spec"]["podSelector"], labels)
        and direction in one["spec"]["policyTypes"]
    ]
    rules: Iterator[dict[str, Any]] = (rule for spec in own for rule in spec.get(direction.lower(), []))
    key = "from" if direction == "Ingress" else "to"
    return not own or any(meets(rule[key], other) and port in [one["port"] for one in rule["ports"]] for rule in rules)


@pytest.mark.parametrize(("source", "target", "port", "expected"), TABLE)
def test_the_network_policies_pass_what_the_platform_needs_and_nothing_else(
    manifests: dict[str, list[dict[str, Any]]], source: str, target: str, port: int, expected: bool
) -> None:
    policies = manifests["network_policies.yaml.j2"]

    passes = allows(policies, source, target, port, "Egress") and allows(policies, target, source, port, "Ingress")

    assert passes is expected
