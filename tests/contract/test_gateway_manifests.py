"""What the role envoy_gateway applies: by the schemas of its definitions, and what the objects say."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped] # carries no types
import pytest
import yaml

from tests.custom_resources import problems, schema_of
from tests.gateway.examples import CASES, manifests

PAGE = Path(__file__).resolve().parents[2] / "docs" / "platform" / "envoy_gateway.md"
Found = dict[str, dict[str, list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return {case: manifests(case, tmp_path_factory.mktemp(case)) for case in CASES}


def named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))


@pytest.mark.parametrize("case", CASES)
def test_every_object_fits_the_schema_of_its_kind(found: Found, case: str) -> None:
    count = 0
    for objects in found[case].values():
        for one in objects:
            if schema := schema_of(one):
                assert problems(one, schema) == [], one["metadata"]["name"]
                count += 1
            else:
                kubernetes_validate.validate(one, "1.36", strict=True)
    assert count >= 8


def test_a_misspelt_field_would_be_found(found: Found) -> None:
    gateway = named(found["plain"]["gateway.yaml.j2"], "Gateway", "eg")
    gateway = {**gateway, "spec": {**gateway["spec"], "listenrs": []}}

    assert problems(gateway, schema_of(gateway) or {}) == ["$.spec.listenrs is unknown"]


def test_llama_streams_without_a_time_out_or_a_retry_and_asks_for_a_key(found: Found) -> None:
    routes = found["plain"]["routes.yaml.j2"]
    rule = named(routes, "HTTPRoute", "llama-route")["spec"]["rules"][0]

    assert rule["timeouts"] == {"request": "0s"}
    assert rule["filters"] == [
        {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
    ]
    policy = named(routes, "BackendTrafficPolicy", "llama-route")["spec"]
    assert policy["retry"] == {"numRetries": 0} and policy["timeout"]["http"]["streamIdleTimeout"] == "10m"
    key = named(routes, "SecurityPolicy", "llama-route")["spec"]["apiKeyAuth"]
    assert key["sanitize"] is True
    secret = named(found["plain"]["secrets.yaml.j2"], "Secret", key["credentialRefs"][0]["name"])
    assert base64.b64decode(secret["data"]["homelab"]) == b"key-of-homelab"


def test_only_the_services_of_routes_may_be_reached_from_other_namespaces(found: Found) -> None:
    grants = [one for one in found["every-feature"]["routes.yaml.j2"] if one["kind"] == "ReferenceGrant"]
    given = {(one["metadata"]["namespace"], to["name"]) for one in grants for to in one["spec"]["to"]}

    assert given == {("logging", "grafana"), ("llm", "llama-cpp"), ("llm", "log-analyzer"), ("llm", "judge")}
    assert {source["namespace"] for one in grants for source in one["spec"]["from"]} == {"default"}


def test_with_the_redirect_routes_are_on_https_alone(found: Found) -> None:
    routes = [one for one in found["redirect"]["routes.yaml.j2"] if one["kind"] == "HTTPRoute"]

    on = {one["metadata"]["name"]: [ref.get("sectionName") for ref in one["spec"]["parentRefs"]] for one in routes}

    assert on.pop("http-to-https") == ["http"]
    assert set(map(tuple, on.values())) == {("https",)}


def test_a_route_of_the_users_takes_the_place_of_the_platforms(tmp_path: Path) -> None:
    own = {"name": "grafana-route", "path": "/charts", "backends": [{"name": "charts", "port": 80}]}

    routes = manifests("plain", tmp_path, envoy_gateway_routes=[own])["routes.yaml.j2"]

    paths = [
        one["spec"]["rules"][0]["matches"][0]["path"]["value"]
        for one in routes
        if one["kind"] == "HTTPRoute" and one["metadata"]["name"] == "grafana-route"
    ]
    assert paths == ["/charts"]


def test_the_examples_of_the_page_fit_their_schemas() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    loaded = [yaml.safe_load(block) for block in blocks]
    extra = [one for block in loaded for one in block.get("envoy_gateway_extra_objects", [])]

    assert [one["kind"] for one in extra] == ["EnvoyExtensionPolicy"]
    for one in extra:
        assert problems(one, schema_of(one) or {}) == []
