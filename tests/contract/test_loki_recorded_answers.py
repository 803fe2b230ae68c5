"""The client over answers that a real Loki 3.8 gave, recorded edge by edge; and the fake beside the same answers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from k8s_log_agent.ingest.loki import LokiReader, Reading
from k8s_log_agent.ingest.loki_answer import Answer
from k8s_log_agent.ingest.loki_client import LokiClient
from k8s_log_agent.ingest.loki_errors import LokiAnswerError, LokiRefusedError, LokiUnavailableError
from k8s_log_agent.ingest.loki_selector import Selector
from tests.fake_loki import FakeLoki

ROOT = Path(__file__).resolve().parents[2]
RECORDED = Path(os.environ.get("REFERENCE_DIR", ROOT.parent / "shared")) / "loki-contract"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded answers of Loki: give REFERENCE_DIR")

REFUSED = [
    "err_bad_direction err_bad_logql_unclosed err_bad_logql_word err_bad_regex err_bad_time err_empty_compatible",
    "err_empty_selector err_limit_negative err_limit_over_max err_limit_text err_limit_zero err_no_query",
    "err_range_over_max_query_length err_start_after_end lim_query_over_entries lim_query_over_length",
    "auth_no_org_query auth_bad_org not_found query_instant_log",
]
SAME_OF_THE_FAKE = (
    "err_limit_over_max err_limit_zero err_limit_negative err_start_after_end err_bad_logql_word not_found"
)


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return found


def whole(value: Any) -> Any:
    """The body without the notes that stand where a list was cut."""
    if isinstance(value, list):
        return [whole(item) for item in value if not (isinstance(item, str) and item.startswith("... ("))]
    return {key: whole(item) for key, item in value.items()} if isinstance(value, dict) else value


def answer_of(name: str) -> httpx.Response:
    found = recorded(name)
    if isinstance(found["body"], str):
        return httpx.Response(found["status"], text=found["body"])
    return httpx.Response(found["status"], json=whole(found["body"]))


def client_of(handler: Callable[[httpx.Request], httpx.Response]) -> LokiClient:
    http = httpx.Client(transport=httpx.MockTransport(handler), base_url="http://loki.invalid")
    return LokiClient(http, sleep=lambda seconds: None)


def ask(name: str) -> Answer:
    return client_of(lambda request: answer_of(name)).lines('{a="b"}', 1, 2, 5)


@pytest.mark.parametrize("name", " ".join(REFUSED).split())
def test_what_loki_refuses_is_told_in_its_own_words_and_not_asked_again(name: str) -> None:
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer_of(name)

    with pytest.raises(LokiRefusedError) as refused:
        client_of(handler).lines('{a="b"}', 1, 2, 5)

    assert refused.value.message == " ".join(recorded(name)["body"].split())
    assert refused.value.message in str(refused.value)
    assert len(asked) == 1


def test_a_server_fault_is_asked_again_and_then_told() -> None:
    with pytest.raises(LokiUnavailableError, match="multiple org IDs present"):
        ask("auth_query_two_orgs")


@pytest.mark.parametrize(
    ("name", "levels"),
    [("query_range_ok", None), ("query_range_categorize_labels", ["unknown", "unknown", "info"])],
)
def test_lines_come_with_their_labels_in_the_order_of_time(name: str, levels: list[str] | None) -> None:
    answer = ask(name)

    assert answer.count == len(answer.entries) >= 3
    assert [entry.timestamp for entry in answer.entries] == sorted(entry.timestamp for entry in answer.entries)
    assert all(entry.labels.values["namespace"] == "shop" and entry.text for entry in answer.entries)
    if levels:
        assert sorted(entry.labels.values["detected_level"] for entry in answer.entries) == sorted(levels)


@pytest.mark.parametrize("name", ["query_range_empty", "err_start_equals_end", "auth_query_unknown_org"])
def test_an_empty_answer_is_no_error(name: str) -> None:
    assert ask(name) == Answer([], 0, 0)


def test_a_line_that_a_parser_could_not_read_still_comes() -> None:
    answer = ask("query_range_json_pipeline_error")

    assert answer.entries and all("__error__" in entry.labels.values for entry in answer.entries)


@pytest.mark.parametrize("name", ["query_range_matrix", "query_instant_metric", "auth_labels_unknown_org", "series"])
def test_an_answer_without_lines_is_an_error(name: str) -> None:
    with pytest.raises(LokiAnswerError):
        ask(name)


def test_the_version_is_read_from_the_build_information() -> None:
    assert client_of(lambda request: answer_of("status_buildinfo")).version() == "main-65e30f8"
    assert client_of(lambda request: answer_of("not_found")).version() == "unknown"


def test_the_limits_that_a_server_names_are_kept_to() -> None:
    asked: list[tuple[int, int]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        if "buildinfo" in request.url.path:
            return answer_of("status_buildinfo")
        found = request.url.params
        width, limit = int(found["end"]) - int(found["start"]), int(found["limit"])
        asked.append((width, limit))
        if limit > 100:
            return answer_of("lim_query_over_entries")
        return answer_of("lim_query_over_length" if width > 1800 * 10**9 else "query_range_empty")

    reading = Reading(Selector.where(app="a"), 0, 2 * 3600 * 10**9)
    reader = LokiReader(client_of(handler), reading)

    assert list(reader) == []
    assert reader.provenance.complete
    assert asked[:3] == [(3600 * 10**9, 5000), (3600 * 10**9, 100), (1800 * 10**9, 100)]
    assert set(asked[3:]) == {(1800 * 10**9, 100)}


@pytest.mark.parametrize("name", SAME_OF_THE_FAKE.split())
def test_the_fake_answers_as_the_real_one_did(name: str) -> None:
    found = recorded(name)

    answer = FakeLoki().client().get(found["request"]["path"], params=found["request"]["params"])

    assert (answer.status_code, answer.text) == (found["status"], found["body"])


@pytest.mark.parametrize("name", ["auth_no_org_query", "auth_query_two_orgs", "auth_query_unknown_org"])
def test_the_fake_keeps_tenants_apart_as_the_real_one_did(name: str) -> None:
    request = recorded(name)["request"]
    fake = FakeLoki(tenants=True)
    fake.add({"app": "a"}, (request["params"]["start"], "x"), tenant="t1")

    answer = fake.client().get(request["path"], params=request["params"], headers=request["headers"])

    assert answer.status_code == recorded(name)["status"]
    if answer.status_code == 200:
        assert answer.json()["data"]["result"] == recorded(name)["body"]["data"]["result"] == []
