"""Variables of the role envoy_gateway for the tests: each feature of a route once, and what the role makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.rendered import objects, render

NAME = "envoy_gateway"
TEMPLATES = ["secrets.yaml.j2", "gateway.yaml.j2", "routes.yaml.j2"]
ROUTES: list[dict[str, Any]] = [
    {
        "name": "shop",
        "path": "/shop",
        "backends": [{"name": "shop-v1", "port": 8080, "weight": 90}, {"name": "shop-v2", "port": 8080, "weight": 10}],
        "request_headers": {"set": {"x-set": "one"}, "add": {"x-added": "two"}, "remove": ["x-unwanted"]},
        "response_headers": {"set": {"x-answered-by": "gateway"}, "remove": ["server-detail"]},
        "mirror": {"name": "shop-copy", "port": 8080, "percent": 100},
        "timeout": "2s",
    },
    {
        "name": "shop-preview",
        "path": "/shop",
        "headers": {"x-preview": "yes"},
        "backends": [{"name": "shop-v2", "port": 8080}],
    },
    {
        "name": "exact",
        "path": "/status/now",
        "path_type": "exact",
        "method": "GET",
        "query": {"full": "1"},
        "backends": [{"name": "shop-v1", "port": 8080}],
        "rewrite_host": "shop.internal",
    },
    {
        "name": "limited",
        "path": "/limited",
        "backends": [{"name": "shop-v1", "port": 8080}],
        "rate_limit": {"requests": 3, "unit": "Hour"},
        "max_parallel_requests": 64,
    },
    {
        "name": "limited-each",
        "path": "/each",
        "backends": [{"name": "shop-v1", "port": 8080}],
        "rate_limit": {"requests": 2, "unit": "Hour", "each_header": "x-client"},
    },
    {
        "name": "flaky",
        "path": "/flaky",
        "backends": [{"name": "flaky", "port": 8080}],
        "retries": 3,
        "retry_on": ["5xx", "connect-failure"],
        "retry_timeout": "2s",
    },
    {
        "name": "asked",
        "path": "/asked",
        "backends": [{"name": "shop-v1", "port": 8080}],
        "external_auth": {
            "name": "judge",
            "namespace": "llm",
            "port": 8080,
            "headers_sent": ["x-pass"],
            "headers_to_backend": ["x-user"],
        },
    },
    {
        "name": "patterned",
        "path": "/v[0-9]+/items",
        "path_type": "regex",
        "header_patterns": {"accept": ".*json.*"},
        "listeners": ["https"],
        "hostnames": ["ai.example.lan"],
        "backends": [{"name": "shop-v1", "port": 8080}],
    },
]
WORDS = {"gateway-llama-route-homelab": "key-of-homelab", "gateway-analyzer-route-operator": "password-of-operator"}
HTPASSWD = {"gateway-analyzer-route-operator": "{SHA}C3S79CdZFWT8hwYZKL+uwfMLtR4="}
GIVEN: dict[str, Any] = {
    "envoy_gateway_secrets_dir": "/none",
    "envoy_gateway_platform_routes": ["grafana-route", "llama-route", "analyzer-route"],
    "envoy_gateway_routes": ROUTES,
    "_envoy_gateway_words": WORDS,
    "_envoy_gateway_htpasswd": HTPASSWD,
    "_envoy_gateway_certificate": "certificate",
    "_envoy_gateway_key": "key",
}
CASES: dict[str, dict[str, Any]] = {
    "plain": {"envoy_gateway_platform_routes": ["grafana-route", "llama-route"], "envoy_gateway_routes": []},
    "every-feature": {},
    "redirect": {
        "envoy_gateway_redirect_https": True,
        "envoy_gateway_routes": [],
        "envoy_gateway_trace_collector": {"host": "alloy.logging.svc.cluster.local", "port": 4317},
    },
}


def manifests(case: str, directory: Path, **variables: Any) -> dict[str, list[dict[str, Any]]]:
    """The objects of each template of the role, for a case of CASES."""
    texts = render(NAME, TEMPLATES, directory, **{**GIVEN, **CASES[case], **variables})
    return {name: objects(text) for name, text in texts.items()}
