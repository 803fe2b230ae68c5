"""The role envoy_gateway on a real Kubernetes API with the real definitions: first run, second run, drift, owners."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import api_server
from tests.cluster_tools import binary
from tests.custom_resources import CRDS
from tests.gateway.examples import ROUTES
from tests.reference_charts import values_only_chart
from tests.role_runner import Run, run_role

CERTIFICATE = "Keep a certificate, or check the given one"
KEYS = "Read the keys and passwords, and make those that are missing"
DEFINITIONS = "Apply the definitions, or leave them to their owner"
CHART = "Deploy the chart"
SECRETS = "Apply the certificate, the keys and the passwords"
GATEWAY = "Apply the class, Envoy and the Gateway"
ROUTED = "Apply the routes and their policies"
ALL = (DEFINITIONS, CHART, CERTIFICATE, KEYS, SECRETS, GATEWAY, ROUTED)


class Gateway:
    """One API, the role applied to it, and kubectl."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.kubeconfig = api_server.start(directory / "server")
        self.secrets = directory / "secrets"
        self.variables: dict[str, Any] = {
            "envoy_gateway_kubeconfig": str(self.kubeconfig),
            "envoy_gateway_secrets_dir": str(self.secrets),
            "envoy_gateway_chart_ref": str(values_only_chart("gateway-helm", directory)),
            "envoy_gateway_chart_version": "",
            "envoy_gateway_crds_ref": str(CRDS),
            "envoy_gateway_crds_version": "",
            "envoy_gateway_helm_binary": binary("helm4"),
            "envoy_gateway_routes": ROUTES,
            "envoy_gateway_wait": False,
            "helm_release_wait": False,
        }

    def apply(self, *, check: bool = False, tasks_from: str = "main", **variables: Any) -> Run:
        given = {**self.variables, **variables}
        return run_role("envoy_gateway", given, self.directory / "run", check=check, tasks_from=tasks_from)

    def kubectl(self, *words: str, given: str | None = None) -> str:
        command = [binary("kubectl"), "--kubeconfig", str(self.kubeconfig), *words]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    if reason := api_server.missing():
        pytest.skip(f"no Kubernetes API: {reason}")
    one = Gateway(tmp_path_factory.mktemp("gateway"))
    try:
        for name in ("logging", "llm"):
            one.kubectl("create", "namespace", name)
        predicted = one.apply(check=True)
        assert predicted.ok, predicted.failure
        first = one.apply()
        assert first.ok, first.failure
        assert predicted.changed == first.changed == ALL
        yield one
    finally:
        api_server.stop(one.directory / "server")


def test_a_second_run_changes_nothing(gateway: Gateway) -> None:
    again = gateway.apply()

    assert again.ok, again.failure
    assert again.changed == ()


def test_keys_and_certificate_are_for_their_owner_alone(gateway: Gateway) -> None:
    kept = sorted(gateway.secrets.iterdir())

    assert [path.name for path in kept] == ["gateway-llama-route-homelab", "gateway.crt", "gateway.key"]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    assert gateway.secrets.stat().st_mode & 0o777 == 0o700


ALTERED = [
    (
        DEFINITIONS,
        ["label", "crd", "gateways.gateway.networking.k8s.io", "log-intelligence.homelab/set=x", "--overwrite"],
    ),
    (SECRETS, ["delete", "secret", "llama-route-keys", "-n", "default"]),
    (
        GATEWAY,
        [
            "patch",
            "envoyproxy",
            "eg",
            "-n",
            "envoy-gateway-system",
            "--type=merge",
            "-p",
            '{"spec":{"shutdown":{"drainTimeout":"1s"}}}',
        ],
    ),
    (
        GATEWAY,
        [
            "patch",
            "gatewayclass",
            "eg",
            "--type=merge",
            "-p",
            '{"metadata":{"labels":{"a":"b"}},"spec":{"parametersRef":{"name":"x"}}}',
        ],
    ),
    (GATEWAY, ["delete", "clienttrafficpolicy", "eg", "-n", "envoy-gateway-system"]),
    (ROUTED, ["delete", "securitypolicy", "llama-route"]),
    (
        ROUTED,
        ["patch", "httproute", "llama-route", "--type=json", "-p", '[{"op":"remove","path":"/spec/rules/0/timeouts"}]'],
    ),
    (ROUTED, ["delete", "referencegrant", "gateway-routes", "-n", "logging"]),
]


def test_what_was_altered_from_outside_is_mended_and_nothing_else(gateway: Gateway) -> None:
    for _task, command in ALTERED:
        gateway.kubectl(*command)
    (gateway.secrets / "gateway.key").chmod(0o644)

    predicted, mended = gateway.apply(check=True), gateway.apply()

    assert mended.ok, mended.failure
    assert predicted.changed == mended.changed == (DEFINITIONS, CERTIFICATE, SECRETS, GATEWAY, ROUTED)
    assert mended.results[DEFINITIONS]["applied"] == ["CustomResourceDefinition/gateways.gateway.networking.k8s.io"]
    assert mended.results[GATEWAY]["applied"] == ["EnvoyProxy/eg", "GatewayClass/eg", "ClientTrafficPolicy/eg"]
    applied = {"HTTPRoute/llama-route", "SecurityPolicy/llama-route", "ReferenceGrant/gateway-routes"}
    assert set(mended.results[ROUTED]["applied"]) == applied
    assert (gateway.secrets / "gateway.key").stat().st_mode & 0o777 == 0o600


def test_a_route_that_is_taken_out_is_removed_with_its_policies(gateway: Gateway) -> None:
    less = [route for route in ROUTES if route["name"] not in ("limited", "asked")]

    run = gateway.apply(envoy_gateway_routes=less)

    assert run.changed == (ROUTED,)
    assert set(run.results[ROUTED]["removed"]) == {
        f"{kind}/default/{name}"
        for kind, name in [
            ("HTTPRoute", "limited"),
            ("BackendTrafficPolicy", "limited"),
            ("HTTPRoute", "asked"),
            ("SecurityPolicy", "asked"),
        ]
    }
    assert gateway.apply().changed == (ROUTED,)


def test_a_route_that_the_api_refuses_is_named(gateway: Gateway) -> None:
    wrong = {"name": "wrong", "path": "no-slash", "backends": [{"name": "a", "port": 80}]}

    run = gateway.apply(envoy_gateway_routes=[wrong])

    assert "HTTPRoute/default/wrong would not be taken" in run.failure
    assert "Correct the variables" in run.failure


def test_a_misspelt_key_of_a_route_is_refused_before_anything_is_done(gateway: Gateway) -> None:
    wrong = {"name": "wrong", "pth": "/a", "backends": [{"name": "a", "port": 80}]}

    run = gateway.apply(envoy_gateway_routes=[wrong])

    assert "pth" in str(run.output) and run.changed == () and not run.ok


def test_a_taken_port_80_is_named_with_its_service(gateway: Gateway) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "traefik", "namespace": "kube-system"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"a": "b"}},
    }
    gateway.kubectl("apply", "-f", "-", given=json.dumps(service))
    try:
        refused = gateway.apply()
    finally:
        gateway.kubectl("delete", "service", "traefik", "-n", "kube-system")

    assert "kube-system/traefik" in refused.failure and "disable" in refused.failure
    assert gateway.apply().changed == ()


def test_definitions_of_k3s_are_left_when_they_serve_and_refused_when_they_do_not(gateway: Gateway) -> None:
    name = "gateways.gateway.networking.k8s.io"
    marks = ["meta.helm.sh/release-name=traefik-crd", "meta.helm.sh/release-namespace=kube-system"]
    gateway.kubectl("annotate", "crd", name, *marks)
    gateway.kubectl("label", "crd", name, "log-intelligence.homelab/set-")
    try:
        left = gateway.apply()
        gateway.kubectl("delete", "crd", "tlsroutes.gateway.networking.k8s.io")
        refused = gateway.apply()
    finally:
        gateway.kubectl("annotate", "crd", name, *[f"{mark.split('=')[0]}-" for mark in marks])

    assert left.ok, left.failure
    assert left.changed == () and "K3s, by its packaged chart traefik-crd" in left.output
    assert "TLSRoute are missing" in refused.failure and "gateway-api-crd" in refused.failure and refused.changed == ()
    mended = gateway.apply()
    assert mended.changed == (DEFINITIONS,)
    assert {one.split("/")[1].split(".")[0] for one in mended.results[DEFINITIONS]["applied"]} == {
        "gateways",
        "tlsroutes",
    }


def test_removing_keeps_definitions_and_the_files_of_secrets(gateway: Gateway) -> None:
    removed = gateway.apply(tasks_from="remove")

    assert removed.ok, removed.failure
    assert gateway.kubectl("get", "gateways,httproutes,gatewayclasses,secrets", "-A", "-o", "name").count("eg") == 0
    assert "gateways.gateway.networking.k8s.io" in gateway.kubectl("get", "crd", "-o", "name")
    assert (gateway.secrets / "gateway-llama-route-homelab").exists()
    assert gateway.apply().changed == (CHART, SECRETS, GATEWAY, ROUTED)
