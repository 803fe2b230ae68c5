"""How long certificates are still valid."""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..cluster_api import ClusterApi, RefusedError
from ..k3s_certificates import expiry
from .rows import Row, Topic

ENOUGH_DAYS = 30


def rows(api: ClusterApi, gateway: Topic) -> list[Row]:
    """Of this kubeconfig, and of the Secrets that the gateway presents."""
    return [
        _row(Topic(gateway.section), "the kubeconfig's certificate", _of_kubeconfig(api.kubeconfig)),
        *_of_gateway(api, gateway),
    ]


_COMMAND = "openssl x509 -enddate"
_EXPECTED = f"valid for more than {ENOUGH_DAYS} days"
_STEP = "Restart K3s, which renews what ends soon; site.yml with the tag envoy_gateway renews the gateway's."


def _of_gateway(api: ClusterApi, topic: Topic) -> list[Row]:
    """One row a certificate; where there is none, or none is told, one that fails."""
    secrets: list[dict[str, Any]] = []
    reason = "no certificate"
    try:
        if not topic.off:
            secrets = api.get("/api/v1/secrets", fieldSelector="type=kubernetes.io/tls")["items"]
    except RefusedError as refused:
        reason = str(refused)
    found = [
        _row(topic, f"the certificate {meta['namespace']}/{meta['name']}", secret["data"].get("tls.crt", ""))
        for secret in secrets
        if (meta := secret["metadata"])["namespace"] in {"default", "envoy-gateway-system"}
    ]
    return found or [topic.row("the gateway's certificates", _COMMAND, _EXPECTED, reason, good=False, next_step=_STEP)]


def _row(topic: Topic, name: str, encoded: str) -> Row:
    try:
        days = (expiry(base64.b64decode(encoded).decode("ascii")) - datetime.now(timezone.utc)).days  # noqa: UP017 - Python 3.9
        measured = f"{days} days"
    except ValueError as error:
        days, measured = -1, str(error)
    return topic.row(name, _COMMAND, _EXPECTED, measured, days > ENOUGH_DAYS, _STEP)


def _of_kubeconfig(path: str) -> str:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if "client-certificate-data:" in line), "")
