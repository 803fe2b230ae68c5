from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient

from k8s_log_agent.service import problems
from k8s_log_agent.service.parts import Parts
from k8s_log_agent.service.security import Authority, Principal, check_csrf, csrf_token, harden, requires
from k8s_log_agent.service.security.key_file import create_key, revoke_key
from k8s_log_agent.service.security.principals import SCOPES, Scope
from k8s_log_agent.service.settings import Settings, SettingsError

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LOCAL = "http://127.0.0.1:8000"


def service(client: str = "127.0.0.1", base_url: str = LOCAL, **named: object) -> TestClient:
    settings = Settings(**named)
    parts = cast("Parts", SimpleNamespace(authority=Authority.from_settings(settings)))
    app = FastAPI()
    problems.install(app)
    may_read, may_analyze, may_admin = (Depends(requires(parts, scope)) for scope in SCOPES)

    @app.get("/read")
    def read(who: Principal = may_read) -> str:
        return who.id

    @app.post("/analyze")
    def analyze(who: Principal = may_analyze) -> str:
        return who.name

    @app.delete("/admin")
    def admin(who: Principal = may_admin) -> str:
        return who.name

    @app.get("/metrics")
    def metrics(request: Request) -> str:
        parts.authority.admit_scraper(request)
        return "ok"

    @app.get("/form")
    def form(request: Request) -> dict[str, str]:
        return {"csrf": csrf_token(request)}

    @app.post("/form")
    async def sent(request: Request) -> str:
        check_csrf(request, str((await request.form())["csrf"]))
        return "taken"

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("sesame")

    harden(app, settings)
    return TestClient(app, base_url=base_url, client=(client, 4711), raise_server_exceptions=False)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def key(file: Path, *scopes: Scope) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_key(file, 'somebody', scopes, NOW)[1]}"}


def test_without_a_key_nobody_is_let_in_and_told_how(keys: Path) -> None:
    key(keys, "admin")
    client = service(keys_file=keys)

    answer = client.get("/read")

    assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "keys create" in answer.json()["next_step"]


@pytest.mark.parametrize(
    ("held", "statuses"),
    [("read", (200, 403, 403)), ("analyze", (200, 200, 403)), ("admin", (200, 200, 200))],
)
def test_a_scope_brings_the_lesser_ones_and_no_more(keys: Path, held: Scope, statuses: tuple[int, ...]) -> None:
    header = key(keys, held)
    client = service(keys_file=keys)

    answers = [client.get("/read", headers=header), client.post("/analyze", headers=header)]
    answers.append(client.delete("/admin", headers=header))

    assert tuple(answer.status_code for answer in answers) == statuses


def test_a_key_may_come_as_the_password_that_a_browser_asks_for(keys: Path) -> None:
    secret = key(keys, "read")["Authorization"].removeprefix("Bearer ")
    client = service(keys_file=keys)
    basic = base64.b64encode(f"me:{secret}".encode()).decode()

    assert client.get("/read", headers={"Authorization": f"Basic {basic}"}).status_code == 200
    assert client.get("/read", headers={"X-Api-Key": secret}).status_code == 200
    assert client.get("/read", headers={"Authorization": "Basic !!"}).status_code == 401


def test_a_running_service_takes_up_new_keys_and_drops_revoked_ones(keys: Path) -> None:
    first = key(keys, "read")
    client = service(keys_file=keys)
    assert client.get("/read", headers=first).status_code == 200

    second = key(keys, "read")
    revoke_key(keys, first["Authorization"].split("_")[1])

    assert client.get("/read", headers=second).status_code == 200
    assert client.get("/read", headers=first).status_code == 401


@pytest.mark.parametrize("damage", ["remove", "open", "garble"])
def test_keys_that_cannot_be_read_let_nobody_in(keys: Path, damage: str) -> None:
    header = key(keys, "read")
    client = service(keys_file=keys)
    assert client.get("/read", headers=header).status_code == 200
    if damage == "remove":
        keys.unlink()
    elif damage == "open":
        keys.chmod(0o666)
    else:
        keys.write_text("{")

    assert client.get("/read", headers=header).status_code == 401


def test_a_service_does_not_start_with_keys_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="keys create"):
        service(keys_file=tmp_path / "none")


def test_the_header_counts_only_from_the_proxy() -> None:
    proxied = {"trusted_proxy_header": "X-Forwarded-User", "trusted_proxies": "10.42.0.0/16"}
    header = {"X-Forwarded-User": "ann"}
    inside, outside = service("10.42.3.4", **proxied), service("10.43.0.1", **proxied)

    assert inside.get("/read", headers=header).json() == "proxy:ann"
    assert service("::ffff:10.42.3.4", **proxied).get("/read", headers=header).json() == "proxy:ann"
    assert inside.get("/read", headers={"X-Forwarded-User": "a" * 121}).status_code == 401
    assert inside.delete("/admin", headers=header).status_code == 403
    assert inside.get("/read").status_code == 401
    assert outside.get("/read", headers=header).status_code == 401


def test_networks_that_are_none_stop_the_start() -> None:
    with pytest.raises(SettingsError, match="trusted_proxies"):
        service(trusted_proxy_header="X-User", trusted_proxies="10.0.0.0/99")


def test_without_keys_only_names_of_this_machine_are_answered() -> None:
    for base_url in ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"):
        assert service(base_url=base_url).get("/read").json() == "local"

    for base_url in ("http://rebound.example:8000", "http://127.0.0.1.example:8000", "http://10.0.0.5:8000"):
        answer = service(base_url=base_url).get("/read")
        assert answer.status_code == 421 and answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": LOCAL}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_foreign_page_changes_nothing(headers: Mapping[str, str], status: int) -> None:
    assert service().post("/analyze", headers=headers).status_code == status


def test_a_form_is_taken_only_with_the_word_of_its_own_page() -> None:
    client = service()
    word = client.get("/form").json()["csrf"]

    assert client.post("/form", data={"csrf": word}).json() == "taken"
    assert client.get("/form").json()["csrf"] == word
    assert client.post("/form", data={"csrf": "x" * 43}).status_code == 403
    client.cookies.clear()
    assert client.post("/form", data={"csrf": word}).status_code == 403


def test_the_cookie_of_forms_is_out_of_reach_of_scripts_and_other_sites() -> None:
    cookie = service(base_url="https://localhost", root_path="/analyzer").get("/form").headers["set-cookie"]

    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/analyzer"} <= set(cookie.split("; "))


def test_every_answer_carries_the_policy_also_one_that_failed() -> None:
    client = service()

    for path in ("/read", "/none", "/broken", "/form"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"


def test_a_fault_is_a_problem_that_tells_nothing_of_the_inside() -> None:
    answer = service().get("/broken")

    assert answer.status_code == 500 and answer.json()["title"] and "sesame" not in answer.text


def test_too_many_requests_of_one_sender_wait(keys: Path) -> None:
    first, second = key(keys, "read"), key(keys, "read")
    client = service(keys_file=keys, requests_per_minute=5)

    answers = [client.get("/read", headers=first).status_code for _ in range(7)]

    assert answers == [200] * 5 + [429] * 2
    assert client.get("/read", headers=second).status_code == 200
    assert int(client.get("/read", headers=first).headers["retry-after"]) >= 1


def test_figures_are_open_to_who_reaches_the_service_and_closed_through_the_gateway(keys: Path) -> None:
    header = key(keys, "read")
    client = service(keys_file=keys)

    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 401
    assert client.get("/metrics", headers={"X-Forwarded-For": "1.2.3.4", **header}).status_code == 200


def test_who_changed_what_and_who_was_refused_is_written_down(keys: Path, caplog: pytest.LogCaptureFixture) -> None:
    header = key(keys, "analyze")
    client = service(keys_file=keys)
    with caplog.at_level(logging.INFO, "k8s_log_agent.audit"):
        client.get("/read", headers=header)
        client.post("/analyze", headers=header)
        client.delete("/admin", headers=header)
        client.get("/read")

    fields = [vars(record)["fields"] for record in caplog.records if record.name == "k8s_log_agent.audit"]
    assert [(one["method"], one["status"], one["name"]) for one in fields] == [
        ("POST", 200, "somebody"),
        ("DELETE", 403, "somebody"),
        ("GET", 401, ""),
    ]
    assert header["Authorization"].split("_", 2)[2] not in caplog.text
