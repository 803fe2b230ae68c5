"""From the address of the list to a query of the store and back."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl

from k8s_log_agent.records import Severity
from k8s_log_agent.service.models import IncidentState
from k8s_log_agent.service.page.filters import Filters, read_filters
from tests.unit.service.page.made_up import NOW


def test_without_fields_the_open_incidents_are_asked_for() -> None:
    query = read_filters({}, []).query(NOW, 50)

    assert query.states == {IncidentState.OPEN}
    assert not query.severities and query.since is None and not query.text


def test_what_is_mistyped_is_left_out() -> None:
    filters = read_filters({"state": "half", "since": "1y", "q": "x" * 999}, ["loud", "error"])

    assert (filters.state, filters.span, filters.severities) == ("open", "", (Severity.ERROR,))
    assert len(filters.text) == 200


def test_an_address_leads_back_to_its_filters() -> None:
    filters = Filters((Severity.CRITICAL, Severity.WARN), "all", "24h", "dns_failure", "a&b=c", 'say "no"', "cur-sor_")
    fields = parse_qsl(filters.address().removeprefix("?"))

    assert read_filters(dict(fields), [value for name, value in fields if name == "severity"]) == filters
    assert filters.query(NOW, 10).since == NOW - timedelta(hours=24)
    assert Filters().address() == ""


def test_only_folded_fields_unfold_the_form() -> None:
    assert Filters(namespace="shop").folded and not Filters(text="x", state="all").folded
