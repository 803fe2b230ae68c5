from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from k8s_log_agent.service import problems
from k8s_log_agent.service.alerts import webhook
from k8s_log_agent.service.alerts.verification import SIGNATURE, TIMESTAMP, signature
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.security import Authority, harden
from k8s_log_agent.service.settings import Settings, SettingsError
from tests.alert_desk import NOON, Desk, alert, body

TOKEN = "t" * 32
KEY = "k" * 32
LOCAL = "http://127.0.0.1:8000"


class Sender:
    """Posts to a service that was told these settings."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.desk = Desk(folder)
        told = Settings(**settings)
        clock, alerts = self.desk.clock, self.desk.intake
        authority = Authority.from_settings(told)
        parts = SimpleNamespace(settings=told, clock=clock, alerts=alerts, authority=authority)
        app = FastAPI()
        problems.install(app)
        app.include_router(webhook.router(cast("Parts", parts)))
        harden(app, told)
        self.client = TestClient(app, base_url=LOCAL)

    def post(self, content: bytes = b"", headers: Mapping[str, str] | None = None) -> Any:
        sent = content or json.dumps(body(alert())).encode()
        return self.client.post("/api/v1/alerts", content=sent, headers=dict(headers or {}))


@pytest.fixture
def secrets(tmp_path: Path) -> dict[str, Path]:
    files = {"alert_token_file": tmp_path / "token", "alert_hmac_file": tmp_path / "key"}
    files["alert_token_file"].write_text(f"{'o' * 32}\n{TOKEN}\n")
    files["alert_hmac_file"].write_text(f"{KEY}\n")
    return files


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Sender]:
    sender = Sender(tmp_path)
    yield sender
    sender.desk.database.close()


def signed(content: bytes, at: int = int(NOON.timestamp()), key: str = KEY) -> dict[str, str]:
    return {SIGNATURE: f"sha256={signature(key.encode(), str(at), content)}", TIMESTAMP: str(at)}


def test_a_message_with_the_token_is_kept_before_it_is_answered(tmp_path: Path, secrets: dict[str, Path]) -> None:
    sender = Sender(tmp_path, alert_token_file=secrets["alert_token_file"])

    answer = sender.post(headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == 200 and answer.json() == {"alerts": {"new": 1}}
    assert sender.desk.intake.waiting() == 1


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
def test_a_message_without_the_token_is_refused_as_a_problem(
    tmp_path: Path, secrets: dict[str, Path], header: dict[str, str]
) -> None:
    sender = Sender(tmp_path, **secrets)

    answer = sender.post(headers=header)

    assert answer.status_code == 401 and answer.headers["content-type"] == "application/problem+json"
    assert sender.desk.intake.waiting() == 0


def test_who_guesses_tokens_is_slowed_down(tmp_path: Path, secrets: dict[str, Path]) -> None:
    sender = Sender(tmp_path, **secrets)

    answers = [sender.post(headers={"Authorization": f"Bearer {guess}"}) for guess in range(40)]

    assert answers[0].status_code == 401 and answers[-1].status_code == 429 and "retry-after" in answers[-1].headers


def test_a_fresh_signature_lets_in_and_an_altered_old_or_foreign_one_does_not(
    tmp_path: Path, secrets: dict[str, Path]
) -> None:
    sender = Sender(tmp_path, alert_hmac_file=secrets["alert_hmac_file"])
    content = json.dumps(body(alert())).encode()
    now = int(NOON.timestamp())

    assert sender.post(content, signed(content)).status_code == 200
    assert sender.post(content + b" ", signed(content)).status_code == 401
    assert sender.post(content, signed(content, now - 400)).status_code == 401
    assert sender.post(content, signed(content, now + 400)).status_code == 401
    assert sender.post(content, signed(content, key="other" * 8)).status_code == 401
    assert sender.post(content, {**signed(content), TIMESTAMP: str(now + 1)}).status_code == 401
    assert sender.post(content).status_code == 401


def test_a_replayed_message_is_answered_and_changes_nothing(tmp_path: Path, secrets: dict[str, Path]) -> None:
    sender = Sender(tmp_path, **secrets)
    content = json.dumps(body(alert())).encode()
    headers = signed(content)
    sender.post(content, headers)
    sender.desk.tick(seconds=1)

    assert sender.post(content, headers).json() == {"alerts": {"known": 1}}
    assert sender.desk.tick(hours=1) == 0


def test_a_token_that_is_changed_holds_from_the_next_message_on(tmp_path: Path, secrets: dict[str, Path]) -> None:
    sender = Sender(tmp_path, alert_token_file=secrets["alert_token_file"])
    secrets["alert_token_file"].write_text("n" * 32)

    assert sender.post(headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 401
    assert sender.post(headers={"Authorization": f"Bearer {'n' * 32}"}).status_code == 200


def test_a_secret_that_is_short_or_missing_stops_the_start(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    short = tmp_path / "short"
    short.write_text("abc")

    for file in (short, tmp_path / "missing"):
        with pytest.raises(SettingsError, match="openssl rand"):
            Sender(tmp_path_factory.mktemp("desk"), alert_token_file=file)


def _without(member: str) -> dict[str, Any]:
    return {name: value for name, value in body(alert()).items() if name != member}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[]", 422),
        (b"null", 422),
        (json.dumps(_without("groupKey")).encode(), 422),
        (json.dumps({**body(alert()), "version": "3"}).encode(), 422),
        (json.dumps({**body(alert()), "truncatedAlerts": -1}).encode(), 422),
        (json.dumps(body(alert(startsAt="yesterday"))).encode(), 422),
        (json.dumps(body(alert(labels={"x": 5}))).encode(), 422),
        (json.dumps(body(alert(fingerprint=""))).encode(), 422),
        (b"[" * 100_000, 400),
        (json.dumps(body(alert(labels={"pod": "\ud800"}))).encode(), 400),
    ],
)
def test_a_malformed_message_is_a_problem_and_keeps_nothing(opened: Sender, content: bytes, status: int) -> None:
    answer = opened.post(content)

    assert answer.status_code == status and answer.json()["next_step"]
    assert opened.desk.intake.waiting() == 0


def test_what_is_wrong_is_named_and_what_was_sent_is_not_repeated(opened: Sender) -> None:
    answer = opened.post(json.dumps(body(alert(startsAt="sesame-open-up"))).encode())

    assert "alerts.0.startsAt" in answer.json()["detail"] and "sesame" not in answer.text


def test_members_of_a_later_alertmanager_are_passed_over(opened: Sender) -> None:
    assert opened.post(json.dumps(body(alert(new=1), alsoNew={})).encode()).status_code == 200


def test_hostile_texts_in_labels_are_kept_as_texts(opened: Sender) -> None:
    hostile = {"alertname": "<script>\0", "namespace": 'x"} or {a="', "pod": "\u202e../.."}
    opened.post(json.dumps(body(alert(labels=hostile))).encode())

    assert opened.desk.tick(seconds=1) == 1 and opened.desk.jobs[0]["selector"] == ""
