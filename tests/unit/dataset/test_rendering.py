from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import get_args

import pytest

from k8s_log_agent.dataset.rendering import Statement, render
from k8s_log_agent.dataset.templates import Format, Level
from k8s_log_agent.records import LogLine, Severity, StreamKey
from k8s_log_agent.understand.pipeline import Understanding

MOMENT = datetime(2026, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
VALUES = {
    "pid": "812",
    "tid": "14",
    "pod": "orders-0",
    "node": "node-1",
    "app": "orders",
    "thread": "worker-1",
    "class_name": "Order",
}
STATING = [style for style in get_args(Format) if style not in ("plain", "go", "kernel", "syslog", "systemd", "event")]


def said(text: str, level: Level = "error", **fields: str | int) -> Statement:
    return Statement(MOMENT, level, text, "", fields, VALUES)


@pytest.mark.parametrize("style", get_args(Format))
def test_every_format_keeps_the_words(style: Format) -> None:
    assert "ledger cannot be written" in render(style, said("ledger cannot be written", path="/data"))


@pytest.mark.parametrize("style", ["json", "zap-json", "pino", "python-json", "mongodb"])
def test_a_structured_format_is_one_line_of_json_whatever_the_text_holds(style: Format) -> None:
    rendered = render(style, said('it said "no" \\ {}\n\tat line two', level="warn", code=7))

    assert "\n" not in rendered
    json.loads(rendered)


@pytest.mark.parametrize("style", ["logfmt", "containerd", "event"])
def test_a_text_with_quotes_and_newlines_stays_one_line_of_pairs(style: Format) -> None:
    assert "\n" not in render(style, said('it said "no"\nand left', path="a b"))


@pytest.mark.parametrize("style", STATING)
@pytest.mark.parametrize(
    ("level", "wanted"), [("info", Severity.INFO), ("warn", Severity.WARN), ("error", Severity.ERROR)]
)
def test_the_understanding_reads_the_level_that_a_format_states(style: Format, level: Level, wanted: Severity) -> None:
    line = LogLine(StreamKey("shop", "orders-0", "orders", "stderr"), 1, None, render(style, said("the ledger", level)))
    event = next(iter(Understanding.default().events([line])))

    if style == "redis" and level == "error":
        wanted = Severity.WARN  # Redis marks a warning and worse alike
    assert event.level == wanted, line.text
