"""Certificates are read with their remaining days, and none at all is a finding."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.homelab.log_intelligence.plugins.module_utils import self_signed
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification import certificates
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification.rows import Topic


class _Secrets:
    """An API that has these TLS secrets; its kubeconfig has no certificate."""

    def __init__(self, kubeconfig: Path, found: list[dict[str, Any]]) -> None:
        kubeconfig.write_text("users: []\n", encoding="utf-8")
        self.kubeconfig, self._found = str(kubeconfig), found

    def get(self, _path: str, **_query: str) -> dict[str, Any]:
        return {"items": self._found}


def test_a_gateway_must_have_a_certificate_that_lasts(tmp_path: Path) -> None:
    on, off = Topic("Nodes", "envoy_gateway", ("envoy_gateway",)), Topic("Nodes", "envoy_gateway", ())
    files = (tmp_path / "a.crt", tmp_path / "a.key")
    secret: dict[str, Any] = {"metadata": {"name": "eg-tls", "namespace": "envoy-gateway-system"}}

    def verdicts(topic: Topic, *days: int) -> list[str]:
        found = []
        for left in days:
            self_signed.make(*files, self_signed.Wanted(("a",), left, 1), datetime.now(UTC))
            found.append(secret | {"data": {"tls.crt": b64encode(files[0].read_bytes()).decode()}})
        api: Any = _Secrets(tmp_path / "kubeconfig", found)
        return [row.verdict for row in certificates.rows(api, topic)][1:]

    assert verdicts(on, 90, 20) == ["passed", "failed"]
    assert verdicts(on) == ["failed"]
    assert verdicts(off, 90) == ["off"]
