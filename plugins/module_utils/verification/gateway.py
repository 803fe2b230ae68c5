"""The gateway: its controller, class, address, log and routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..workload_state import waiting_for
from .nodes import condition
from .rows import Row, Topic

Objects = Sequence[dict[str, Any]]
SECTION = "Gateway"
NAMESPACE = "envoy-gateway-system"
_STEP = "Run site.yml with the tag envoy_gateway; kubectl describe shows the reason of a condition."


def gateway_rows(
    deployments: Objects, classes: Objects | None, gateways: Objects | None, routes: Objects | None, topic: Topic
) -> list[Row]:
    """Available, accepted, programmed, resolved. None stands for a kind that the API does not know."""
    lacking = [f"{one['metadata']['name']} {waiting_for(one)}" for one in deployments if waiting_for(one)]
    available = "no deployment" if not deployments else "; ".join(lacking) or f"{len(deployments)} available"
    rows = [
        topic.row(
            "the controller and Envoy are available",
            f"kubectl get deployment -n {NAMESPACE}",
            "available",
            available,
            bool(deployments) and not lacking,
            _STEP,
        ),
        _all_hold("the class is accepted", "kubectl get gatewayclass", classes, "Accepted", topic),
        _all_hold("the gateway is programmed", "kubectl get gateway -A", gateways, "Programmed", topic),
    ]
    address = address_of(gateways)
    rows.append(
        topic.row(
            "the gateway has an address",
            "kubectl get gateway -A",
            "an address",
            address or "none",
            bool(address),
            _STEP,
        )
    )
    for kind in ("Accepted", "ResolvedRefs"):
        broken = [_route_name(one) for one in routes or () if waiting_for(one, kind)]
        measured = "no route" if not routes else ", ".join(broken) or f"{len(routes)} routes"
        rows.append(
            topic.row(
                f"routes: {kind}", "kubectl get httproute -A", "all", measured, bool(routes) and not broken, _STEP
            )
        )
    return rows


def log_row(text: str, topic: Topic) -> Row:
    """Envoy writes a log."""
    command = f"kubectl logs -n {NAMESPACE} -l gateway.envoyproxy.io/owning-gateway-name=eg --tail=50"
    lines = len(text.splitlines())
    return topic.row("Envoy's log", command, "lines", f"{lines} lines", lines > 0, _STEP)


def redirect_row(address: str, status: int, location: str, topic: Topic) -> Row:
    """`/grafana` leads to Grafana's login page."""
    measured = f"{status} {location}".strip() if status else location or "no answer"
    good = status in {301, 302} and ("login" in location or "/grafana" in location)
    step = "Look at kubectl describe httproute grafana-route -n default and at Grafana's pod."
    return topic.row(
        "/grafana leads to the login page",
        f"curl -I http://{address or 'ADDRESS'}/grafana",
        "302 to the login page",
        measured,
        good,
        step,
    )


def address_of(gateways: Objects | None) -> str:
    """The first address of the first gateway, or ""."""
    for one in gateways or ():
        for address in (one.get("status") or {}).get("addresses") or []:
            return str(address["value"])
    return ""


def _all_hold(name: str, command: str, found: Objects | None, kind: str, topic: Topic) -> Row:
    broken = [one["metadata"]["name"] for one in found or () if not condition(one, kind)]
    measured = "the API does not know the kind" if found is None else ", ".join(broken) or f"{len(found)} {kind}"
    return topic.row(name, command, kind, measured, bool(found) and not broken, _STEP)


def _route_name(route: dict[str, Any]) -> str:
    return f"{route['metadata']['namespace']}/{route['metadata']['name']}"
