from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import loki_answers as loki

from tests.module_door import run_module


def body(*values: tuple[str, str], kind: str = "streams") -> bytes:
    stream = {"stream": {"app": "web"}, "values": [list(one) for one in values]}
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": [stream]}}).encode()


def test_lines_come_newest_first_with_their_labels() -> None:
    lines = loki.lines_of(body(("1", "old"), ("2", "new")))

    assert [one["text"] for one in lines] == ["new", "old"]
    assert lines[0]["labels"] == {"app": "web"}


@pytest.mark.parametrize("answer", [b"<html>", b"{}", b"[]", body(kind="matrix")])
def test_what_is_no_list_of_lines_is_refused(answer: bytes) -> None:
    with pytest.raises(loki.LokiError):
        loki.lines_of(answer)


def test_the_times_are_asked_for_in_nanoseconds() -> None:
    asked: list[str] = []

    def ask(path: str) -> tuple[int, bytes]:
        asked.append(path)
        return 200, body()

    loki.find_lines(ask, '{app="web"}', 1.5, 2.0, 10)

    assert "start=1500000000&end=2000000000&limit=10&direction=backward" in asked[0]


def test_a_refusal_is_told_in_lokis_words() -> None:
    with pytest.raises(loki.LokiError, match="parse error"):
        loki.find_lines(lambda _path: (400, b"parse error at line 1"), "{", 0, 1, 1)


def test_it_is_asked_again_until_there_are_enough_lines() -> None:
    answers: list[list[dict[str, Any]]] = [[], [], [{"text": "here"}]]
    slept: list[float] = []

    found, _waited = loki.wait_for_lines(lambda: loki.Found(answers.pop(0), 0.1), 1, 30, slept.append)

    assert found.lines == [{"text": "here"}] and len(slept) == 2


def test_a_loki_that_is_not_there_ends_with_the_next_step() -> None:
    answer = run_module("loki_query", {"url": "http://127.0.0.1:9", "query": '{app="web"}'})

    assert answer["failed"] and "Check that it runs" in answer["msg"]
