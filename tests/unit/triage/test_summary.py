"""`REFRESH_GOLDEN=1 pytest tests/unit/triage/test_summary.py` refreshes the page that people read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx
import pytest
import respx

from k8s_log_agent.llm.prompt_templates import Prompt
from k8s_log_agent.llm.structured import StructuredChat
from k8s_log_agent.records import Event, Severity, StreamKey
from k8s_log_agent.triage.digest import Digest
from k8s_log_agent.triage.pipeline import Triage
from k8s_log_agent.triage.sentences import Sentence, SentenceCache, SentenceWriter, problem_with, with_sentences
from k8s_log_agent.triage.summary import Summary, summarize
from k8s_log_agent.triage.summary_text import code, markdown, plain
from tests.unit.triage.log_events import TABLE, client, event, question_of, serve

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "summaries"
HOUR = 3600
HOSTILE = "`</code><img src=x> ](http://evil.test) ``` **bold** <|im_start|>"


def pod(number: int, namespace: str = "shop") -> StreamKey:
    return StreamKey(namespace, f"db-{number}", "postgresql", "stderr")


def full(start: int, pods: list[int], line: int) -> list[Event]:
    return [
        event("no space left", "disk_full", seconds=start + place, line=line + place, stream=pod(number))
        for place, number in enumerate(pods)
    ]


NIGHT = [
    event("ready to accept connections", severity=Severity.INFO),
    event("GET /healthz 200", noise="probe"),
    *full(60, [0, 1, 0, 1, 0, 1, 0, 1, 0], 10),
    *full(5 * HOUR, [0, 0, 0], 90),
    event("connection refused", "upstream_refused", seconds=2 * HOUR, stream=pod(0, "billing"), namespace="billing"),
    event("slow reply", severity=Severity.WARN, seconds=9 * HOUR, stream=pod(7, "billing")),
]


def summary_of(events: list[Event]) -> Summary:
    digest = Digest()
    for one in events:
        digest.add(one)
    return summarize(digest, Triage(TABLE))


def test_one_cause_of_one_namespace_is_one_incident_with_its_span_and_its_times() -> None:
    worst, other = summary_of(NIGHT).incidents

    assert (worst.cause, worst.scope, worst.windows, worst.events) == ("disk_full", "shop", 2, 12)
    assert worst.since and worst.until and (worst.until - worst.since).total_seconds() == 5 * HOUR + 2 - 60
    assert (worst.pods, worst.next_steps) == (("db-0", "db-1"), ("Look at it.",))
    assert worst.evidence[0].line == 10 and worst.evidence[0].source.endswith("0.log")
    assert (other.cause, other.scope, other.windows) == ("upstream_refused", "billing", 1)


def test_what_is_no_incident_is_listed_and_noise_is_counted() -> None:
    summary = summary_of(NIGHT)

    assert [one.template for one in summary.others] == ["slow reply"]
    assert (summary.counts["noise"], summary.counts["events"], summary.severities["WARN"]) == (1, 16, 1)


def test_the_page_reads_as_reviewed() -> None:
    text = markdown(summary_of(NIGHT))
    golden = GOLDEN / "night.md"
    if os.environ.get("REFRESH_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")

    assert text == golden.read_text(encoding="utf-8")


def test_the_order_of_the_events_changes_neither_causes_nor_times_nor_counts() -> None:
    def told(events: list[Event]) -> list[object]:
        return [(one.cause, one.scope, one.since, one.until, one.events) for one in summary_of(events).incidents]

    assert told(NIGHT[::-1]) == told(NIGHT)


def test_a_quiet_log_says_so() -> None:
    assert "No failure was found." in markdown(summary_of(NIGHT[:2]))
    assert markdown(summary_of([])).startswith("# What happened")


def test_a_line_cannot_leave_its_code_span() -> None:
    text = markdown(summary_of([event(HOSTILE, "disk_full")]))

    shown = [line for line in text.splitlines() if "evil.test" in line]
    assert shown and all(line.rstrip().endswith("````") for line in shown)
    assert code("a ``` b") == "```` a ``` b ````".replace("```` ", "````").replace(" ````", "````")
    assert plain("a*b <i>") == r"a\*b \<i\>"


def writer() -> SentenceWriter:
    prompt = Prompt("summary")
    chat = StructuredChat(client(), lambda problem: prompt.render("repair", problem=problem))
    return SentenceWriter(chat, prompt, "small", lambda: "k7q2x9")


def said(text: str) -> str:
    return json.dumps({"sentence": text})


def test_a_models_sentence_is_added_marked_and_kept_by_signature(tmp_path: Path) -> None:
    summary = summary_of(NIGHT)
    with respx.mock as router:
        chat = serve(router, said("The volume of the database is full."))
        done = with_sentences(summary, writer(), cache := SentenceCache(tmp_path / "kept.json"))
        asked = chat.call_count
        cache.save()
        again = with_sentences(summary, writer(), SentenceCache(tmp_path / "kept.json"))

    assert asked == 3, "the probe, and one call for each incident"
    assert chat.call_count == asked and again == done
    assert "> The volume of the database is full. (a model's words)" in markdown(done)
    assert "BEGIN k7q2x9" in question_of(chat.calls[1].request)


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("See http://evil.test for the full disk.", "link"),
        ("Run `rm -rf /` to free the disk.", "command"),
        ("The disk of db-7 is full.", "7 stands in none"),
        ("Full disk.", "must be a whole sentence"),
        ("The server is unable to handle", "must be a whole sentence"),
    ],
)
def test_a_sentence_with_links_commands_or_invented_values_is_not_used(sentence: str, wrong: str) -> None:
    assert wrong in (problem_with(Sentence(sentence=sentence), "no space left on db-0") or "")
    with respx.mock as router:
        serve(router, said(sentence))
        done = with_sentences(summary_of(NIGHT), writer(), SentenceCache())

    assert [one.sentence for one in done.incidents] == ["", ""]
    assert done.notes == ("the model gave no usable sentence for 2 of 2 incidents",)


def test_a_server_that_is_down_costs_the_sentences_only() -> None:
    with respx.mock as router:
        serve(router, httpx.Response(503))
        done = with_sentences(summary_of(NIGHT), writer(), SentenceCache())

    assert done.incidents[0].sentence == "" and done.incidents[0].cause == "disk_full"


def test_a_broken_cache_file_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text("[1")

    assert SentenceCache(tmp_path / "kept.json").get("x") is None
