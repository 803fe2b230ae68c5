from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from k8s_log_agent.records import Category, Component, Severity, Verdict, VerdictState
from k8s_log_agent.service.alerts import Notifier
from k8s_log_agent.service.alerts.targets import read_targets
from k8s_log_agent.service.alerts.verification import SIGNATURE, TIMESTAMP, signature
from k8s_log_agent.service.models import Incident, IncidentState
from k8s_log_agent.service.security.rates import Rates
from k8s_log_agent.service.settings import SettingsError
from tests.alert_desk import NOON, Desk

PHONE = {"name": "phone", "kind": "ntfy", "url": "https://ntfy.example", "topic": "homelab"}
BRIDGE = {"name": "bridge", "kind": "webhook", "url": "https://bridge.example/hook"}
PAGE = "https://home.example/analyzer"


class Posted:
    """What the targets were sent; `status` is what they answer."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.status == 0:
            raise httpx.ConnectError("away")
        return httpx.Response(self.status)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]


class Office:
    def __init__(self, folder: Path, *targets: dict[str, Any]) -> None:
        self.desk = Desk(folder)
        self.posted = Posted()
        file = folder / "notify.yml"
        file.write_text(yaml.safe_dump({"page_url": PAGE, "targets": list(targets)}))
        self.notify_file = file
        self.notifier = self.opened()

    def opened(self) -> Notifier:
        return Notifier(
            self.desk.database,
            self.desk.incidents,
            read_targets(self.notify_file),
            self.desk.metrics,
            clock=self.desk.clock,
            rates=Rates(self._seconds),
            http=httpx.Client(transport=httpx.MockTransport(self.posted)),
        )

    def _seconds(self) -> float:
        return self.desk.clock.now.timestamp()

    def tick(self, **span: float) -> int:
        self.desk.clock.forward(**span)
        return self.notifier.tick()


def incident(number: int = 0, severity: Severity = Severity.ERROR, **others: Any) -> Incident:
    verdict = Verdict(
        id="v", state=VerdictState.RULED, decided_by="rule", severity=severity, category=Category.NETWORK,
        cause="dns_failure", root_cause="A name is not resolved", component=Component(kind="app", name="web"),
        evidence=(), reasoning="", confidence=0.5, remedies=("Look at CoreDNS",),
    )  # fmt: skip
    made = Incident(
        id=f"incident-{number}", key=f"key-{number}", title="A name is not resolved: web", state=IncidentState.OPEN,
        severity=severity, category=Category.NETWORK, cause="dns_failure", namespace="shop", component="web",
        opened_at=NOON, last_seen=NOON, closed_at=None, count=1, verdict=verdict,
    )  # fmt: skip
    return replace(made, **others)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path, PHONE)
    yield opened
    opened.desk.database.close()


def test_an_incident_is_told_once_with_a_link_and_again_when_it_is_over(office: Office) -> None:
    office.desk.incidents.record(incident(severity=Severity.CRITICAL))
    sent = [office.tick(seconds=1), office.tick(seconds=1)]
    office.desk.incidents.close("key-0", office.desk.clock.now)
    sent += [office.tick(seconds=1), office.tick(seconds=1)]

    assert sent == [1, 0, 1, 0]
    opened, closed = office.posted.bodies
    assert opened["topic"] == "homelab" and opened["priority"] == 5
    assert "A name is not resolved" in opened["title"] and "Look at CoreDNS" in opened["message"]
    assert opened["click"] == f"{PAGE}/incidents/incident-0"
    assert closed["title"].startswith("Closed") and closed["priority"] == 2


def test_a_restart_repeats_nothing(office: Office) -> None:
    office.desk.incidents.record(incident())
    office.tick(seconds=1)

    assert office.opened().tick() == 0


def test_what_is_not_severe_enough_is_not_told_until_it_is(office: Office) -> None:
    office.desk.incidents.record(incident(severity=Severity.WARN))
    assert office.tick(seconds=1) == 0

    office.desk.incidents.record(incident(severity=Severity.ERROR))
    assert office.tick(seconds=1) == 1
    office.desk.incidents.record(incident(severity=Severity.CRITICAL))
    assert office.tick(seconds=1) == 1
    office.desk.incidents.record(incident(severity=Severity.ERROR))
    assert office.tick(seconds=1) == 0


def test_many_incidents_are_few_messages_and_none_is_left_out(tmp_path: Path) -> None:
    office = Office(tmp_path, {**PHONE, "per_hour": 6})
    sent = 0
    for number in range(30):
        office.desk.incidents.record(incident(number))
        sent += office.tick(seconds=1)
    assert sent == 3
    assert office.tick(minutes=10) == 1

    told = office.posted.bodies[-1]
    assert told["title"] == "27 changes of incidents" and "and 22 more" in told["message"]
    office.desk.database.close()


@pytest.mark.parametrize("status", [0, 500, 403, 302])
def test_a_target_that_fails_is_asked_again_after_longer_and_longer(tmp_path: Path, status: int) -> None:
    office = Office(tmp_path, {**PHONE, "per_hour": 3600})  # so that the rate holds nothing back
    office.posted.status = status
    office.desk.incidents.record(incident())
    for _ in range(60):
        office.tick(seconds=1)
    tried = len(office.posted.requests)
    office.posted.status = 200
    office.tick(minutes=11)

    assert 4 <= tried <= 6 and len(office.posted.requests) == tried + 1
    assert office.tick(minutes=1) == 0
    sample = office.desk.metrics.registry.get_sample_value
    assert sample("k8s_log_agent_notifications_total", {"target": "phone", "outcome": "failed"}) == tried
    office.desk.database.close()


@pytest.mark.parametrize("secret", ["token_file", "secret_file"])
def test_a_target_whose_secret_is_gone_is_told_nothing_and_does_not_hold_up_another(
    tmp_path: Path, secret: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    hook = {"name": "hook", "kind": "webhook", "url": "https://hook.example"}
    office = Office(
        tmp_path, {**PHONE, "token_file": str(tmp_path / "none")}, {**hook, secret: str(tmp_path / "empty")}, BRIDGE
    )
    office.desk.incidents.record(incident())

    assert office.tick(seconds=1) == 1
    assert [request.url.host for request in office.posted.requests] == ["bridge.example"]
    office.desk.database.close()


def test_a_webhook_can_check_who_sends_to_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 32 + "\n")
    office = Office(tmp_path, {**BRIDGE, "secret_file": str(tmp_path / "secret")})
    office.desk.incidents.record(incident())
    office.tick(seconds=1)

    (request,) = office.posted.requests
    expected = signature(b"s" * 32, request.headers[TIMESTAMP], request.content)
    assert request.headers[SIGNATURE] == f"sha256={expected}"
    (told,) = office.posted.bodies[0]["incidents"]
    assert told["event"] == "opened" and told["severity"] == "ERROR" and told["url"].startswith(PAGE)
    office.desk.database.close()


def test_news_of_yesterday_are_none(office: Office) -> None:
    office.desk.incidents.record(incident())

    assert office.tick(hours=25) == 0


def test_hostile_texts_are_shown_without_what_hides(office: Office) -> None:
    office.desk.incidents.record(incident(title="\x1b[31m\u202eevil\u200b\n\nnext"))
    office.tick(seconds=1)

    assert office.posted.bodies[0]["title"] == "ERROR evil  next"


@pytest.mark.parametrize(
    "wrong",
    [
        {"targets": [{**PHONE, "kind": "sms"}]},
        {"targets": [{**PHONE, "url": "file:///etc/passwd"}]},
        {"targets": [{**PHONE, "topic": ""}]},
        {"targets": [PHONE, PHONE]},
        {"targets": [{**PHONE, "secret_file": "x"}]},
        {"page_url": "javascript:alert(1)"},
        {"unknown": 1},
        [],
    ],
)
def test_a_file_of_targets_that_is_wrong_stops_the_start_and_shows_no_address(tmp_path: Path, wrong: Any) -> None:
    file = tmp_path / "notify.yml"
    file.write_text(yaml.safe_dump(wrong) if wrong else "- 1")

    with pytest.raises(SettingsError, match="notify_file") as refused:
        read_targets(file)
    assert "ntfy.example" not in str(refused.value)


def test_closed_is_told_only_of_what_was_told(office: Office) -> None:
    office.desk.incidents.record(incident(severity=Severity.WARN))
    office.tick(seconds=1)
    office.desk.incidents.close("key-0", NOON + timedelta(seconds=2))

    assert office.tick(seconds=1) == 0
