"""Links into Grafana's Explore: read back as Grafana reads them."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from k8s_log_agent.service.page.grafana import explore_url, selector_of
from tests.unit.service.page.made_up import NOW, SOURCE, incident

GRAFANA = "https://10.0.0.102/grafana/"


def pane(address: str) -> dict[str, object]:
    fields = parse_qs(urlsplit(address).query, strict_parsing=True)
    assert fields["schemaVersion"] == ["1"]
    (found,) = json.loads(fields["panes"][0]).values()
    assert isinstance(found, dict)
    return found


def test_explore_opens_below_grafana_s_own_path_with_the_query_and_five_minutes_around() -> None:
    query = '{namespace="shop", app=~"orders|cart"} |= "100 % & more \\"quoted\\""'
    address = explore_url(GRAFANA, query, NOW - timedelta(hours=1), NOW)

    assert address.startswith("https://10.0.0.102/grafana/explore?")
    found = pane(address)
    assert found["queries"] == [
        {
            "refId": "A",
            "datasource": {"type": "loki", "uid": "loki"},
            "editorMode": "code",
            "expr": query,
            "queryType": "range",
        }
    ]
    start, end = int((NOW - timedelta(minutes=65)).timestamp()), int((NOW + timedelta(minutes=5)).timestamp())
    assert found["range"] == {"from": f"{start}000", "to": f"{end}000"}


def test_an_incident_without_a_selector_is_shown_by_its_namespace_quoted_for_logql() -> None:
    assert selector_of(incident(selector="")) == '{namespace="shop"}'
    assert selector_of(incident(selector="", namespace='a"} or {x="')) == '{namespace="a\\"} or {x=\\""}'
    assert selector_of(incident(selector=' {job="x"} ')) == '{job="x"}'


def test_lines_that_are_not_from_a_namespace_have_no_selector() -> None:
    assert selector_of(incident(namespace="")) == ""
    assert selector_of(incident(namespace=SOURCE)) == ""


@pytest.mark.parametrize("grafana", ["", "javascript:alert(1)", "data:text/html,x", "//elsewhere", "grafana"])
def test_an_address_that_is_not_of_the_web_gives_no_link(grafana: str) -> None:
    assert explore_url(grafana, '{a="b"}', NOW, NOW) == ""
