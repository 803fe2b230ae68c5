"""POST /api/v1/alerts: what Alertmanager's webhook receiver sends to."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from k8s_log_agent.service.alerts.messages import AlertMessage
from k8s_log_agent.service.alerts.verification import Verifier
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.problems import Problem
from k8s_log_agent.service.telemetry.tracing import span

_EXAMPLE = {
    "version": "4",
    "groupKey": '{}:{alertname="ShopDown"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "log-analyzer",
    "groupLabels": {"alertname": "ShopDown"},
    "commonLabels": {"alertname": "ShopDown", "namespace": "shop", "severity": "critical"},
    "commonAnnotations": {"summary": "The shop does not answer."},
    "externalURL": "http://alertmanager:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "ShopDown", "namespace": "shop", "severity": "critical"},
            "annotations": {"summary": "The shop does not answer.", "logql": '{namespace="shop"} |~ "(?i)error"'},
            "startsAt": "2026-11-25T08:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus:9090/graph",
            "fingerprint": "c2c2b1a4d6a5e8f0",
        }
    ],
}


def router(parts: Parts) -> APIRouter:
    """The route; raises `SettingsError` where a file of secrets cannot be used."""
    routes = APIRouter(prefix="/api/v1", tags=["alerts"])
    verifier = Verifier.from_settings(parts.settings, parts.authority, parts.clock)

    @routes.post("/alerts", summary="Take alerts in from Alertmanager", openapi_extra=_described())
    async def alerts(request: Request) -> dict[str, dict[str, int]]:
        """Keeps the alerts and answers at once; what they mean is worked out afterwards and becomes an incident.

        The answer counts the alerts: new, known, resolved, stale (resolved before), own (about the analyzer itself).
        """
        body = await request.body()
        with span("alert.receive"):
            verifier.check(request, body)
            return {"alerts": await run_in_threadpool(parts.alerts.accept, message_of(body))}

    return routes


def _described() -> dict[str, Any]:
    """The body for OpenAPI. The route reads it itself, since a message is verified before it is looked at."""
    schema = AlertMessage.model_json_schema(by_alias=True)
    schema["properties"]["alerts"]["items"] = schema.pop("$defs")["Alert"]
    content = {"application/json": {"schema": schema, "example": _EXAMPLE}}
    return {"requestBody": {"required": True, "content": content}}


def message_of(body: bytes) -> AlertMessage:
    """The message; raises `Problem` 400 and 422, which do not repeat it."""
    try:
        return AlertMessage.model_validate_json(body)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)[:5]
        said = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in wrong)
        malformed = any(one["type"] == "json_invalid" for one in wrong)
        raise Problem(
            400 if malformed else 422,
            "Not an Alertmanager message",
            said,
            "Send what Alertmanager's webhook_config sends, version 4.",
        ) from None
