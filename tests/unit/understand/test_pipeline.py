"""Lines become events: joined, taken apart, redacted, signed; and memory changes nothing but the speed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_log_agent.records import Event, LogLine, Severity, StreamKey
from k8s_log_agent.understand.event_json import event_json, rfc3339
from k8s_log_agent.understand.line_keys import SHAPE, form_of, runs_of, telling_runs
from k8s_log_agent.understand.pipeline import MOST_TEXT, Understanding

STREAM = StreamKey("shop", "web-0", "app", "stdout")


def lines_of(texts: Iterable[str], *, stream: StreamKey = STREAM) -> list[LogLine]:
    return [LogLine(stream, number, number * 10**10, text, "0.log") for number, text in enumerate(texts, 1)]


def events_of(texts: Iterable[str], *, remember: bool = True) -> list[Event]:
    return list(Understanding.default(remember=remember).events(lines_of(texts)))


def told(events: Sequence[Event]) -> list[tuple[object, ...]]:
    """Everything that an event says but the number of its cluster, which depends on what came before."""
    return [
        (
            event.timestamp,
            event.lines,
            event.text,
            event.message,
            event.format,
            event.level,
            event.severity,
            event.method,
            event.confidence,
            event.signature,
            event.template,
            event.noise_rule,
            event.causes,
            dict(event.redactions),
        )
        for event in events
    ]


def test_an_event_carries_what_was_understood() -> None:
    (event,) = events_of(
        ['{"level":"error","logger":"db","msg":"cannot connect","error":"dial tcp: connection refused"}']
    )

    assert (event.format, event.level, event.severity, event.method) == (
        "json",
        Severity.ERROR,
        Severity.ERROR,
        "field",
    )
    assert event.message == "cannot connect: dial tcp: connection refused"
    assert (event.stream, event.source, event.lines, event.timestamp) == (STREAM, "0.log", (1,), 10**10)
    assert len(event.signature) == 16


def test_what_the_program_says_and_what_it_means_are_two_fields() -> None:
    (event,) = events_of(['level=info msg="container web was OOMKilled" code=137'])

    assert (event.level, event.severity) == (Severity.INFO, Severity.CRITICAL)


def test_a_cause_that_is_recognised_surely_is_at_least_a_warning() -> None:
    text = 'level=debug msg="Scrape failed" err="dial tcp 10.0.0.1:9100: connect: connection refused"'

    (event,) = events_of([text])

    assert (event.level, event.severity, event.method) == (Severity.DEBUG, Severity.WARN, "cause:upstream_refused")


def test_a_line_without_level_has_none_and_still_a_severity() -> None:
    refused, quiet = events_of(["connect: connection refused", "listening on port 8080"])

    assert (refused.level, refused.severity) == (Severity.UNKNOWN, Severity.ERROR)
    assert (quiet.level, quiet.severity, quiet.method) == (Severity.UNKNOWN, Severity.INFO, "default")


def test_secrets_leave_text_and_message_under_one_placeholder() -> None:
    secret = "hunter2hunter2"
    texts = [f'level=info msg="login with password={secret}" url=postgres://app:{secret}@db/shop'] * 2

    for event in events_of(texts):
        assert secret not in event.text + event.message + event.template
        assert sum(event.redactions.values()) >= 2


def test_the_evidence_of_a_cause_is_the_line_that_has_it() -> None:
    lines = lines_of(["2026-11-24 20:00:00,123 ERROR [main] c.e.App: it failed"])
    trace = [
        "java.lang.IllegalStateException: no",
        "\tat c.e.App.run(App.java:12)",
        "Caused by: No space left on device",
    ]
    lines += [LogLine(STREAM, number, 10**10, text, "0.log") for number, text in enumerate(trace, 2)]

    (event,) = Understanding.default().events(lines)

    assert event.lines == (1, 2, 3, 4)
    assert ("disk_full", 4) in [(hint.code, hint.line) for hint in event.causes]


def test_a_second_event_of_a_shape_has_its_own_text_and_numbers() -> None:
    texts = [
        f"2026/11/24 20:00:0{number} [error] 12#12: *{number} open() failed ({number}: x)" for number in range(1, 4)
    ]

    events = events_of(texts)

    assert [event.text for event in events] == texts
    assert [event.message for event in events] == [f"open() failed ({number}: x)" for number in range(1, 4)]
    assert len({event.signature for event in events}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"level":30,"msg":"x","pid":1,"hostname":"a"}', '{"level":50,"msg":"x","pid":1,"hostname":"a"}'),
        (
            '10.0.0.1 - - [24/Nov/2026:20:00:00 +0000] "GET / HTTP/1.1" 200 5',
            '10.0.0.1 - - [24/Nov/2026:20:00:00 +0000] "GET / HTTP/1.1" 503 5',
        ),
        ("done, errors: 0", "done, errors: 7"),
        ("process exited with code 0", "process exited with code 1"),
        ("dial tcp 10.0.0.1:5432 timeout", "dial tcp 10.0.0.1:5439 timeout"),
        ("<11>Nov 24 20:00:00 host app: x", "<14>Nov 24 20:00:00 host app: x"),
        ("request failed: 503 Service Unavailable", "request failed: 404 Not Found"),
    ],
)
def test_digits_with_a_meaning_are_not_taken_for_each_other(one: str, other: str) -> None:
    both = events_of([one, other])

    assert told(both) == told(events_of([one, other], remember=False))
    assert (both[0].signature, both[0].severity) != (both[1].signature, both[1].severity)


def test_times_and_amounts_do_not_make_a_new_form() -> None:
    texts = [
        "2026-11-24 20:00:00.123 UTC [12] LOG:  took 12.5 ms",
        "2026-11-24 21:10:09.998 UTC [973] LOG:  took 3.25 ms",
    ]
    raws = [text.encode() for text in texts]
    forms = {form_of(raw.translate(SHAPE)) for raw in raws}

    (form,) = forms
    values = [
        [meaning[raw[slice(*runs_of(raw.translate(SHAPE))[run])]] for run, meaning in telling_runs(form)]
        for raw in raws
    ]
    assert values[0] == values[1]


SKELETONS = st.sampled_from(
    [
        "2026-11-24T20:00:00.123Z  INFO 1 --- [main] c.e.App : took {} ms for {}",
        '{{"level":"info","msg":"request {} done","status":{},"took":{}}}',
        'level=warn msg="retry {}" code={} port=:{}',
        '10.0.0.{} - - [24/Nov/2026:20:00:00 +0000] "GET /x/{} HTTP/1.1" {} {}',
        "E1124 20:00:00.123456  {} x.go:{}] errors: {} exit code {}",
        "pod web-7d9f{}c-x{}k gone, error={}, card {}",
        "plain {}:{} -{} /{} http{} v{} {}s \x01{}",
        "signal {} at 0x{}ab {} Not Found",
        "worker{} node-{} INV-{} on arm{} web-bcdf{} ipv{} MY-0{} AH{}",
        "TLSv1.{} HTTP/{}.1 trace a{}b{}c{}d00 of 0c9d3f2e-1b1a-4c55-9d5e-52f2a{}c3d4 took {}µs",
    ]
)
NUMBERS = st.integers(0, 20) | st.integers(0, 600) | st.integers(0, 10**6) | st.sampled_from([5432, 4111111111111111])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SKELETONS, st.lists(NUMBERS, min_size=8, max_size=8)), min_size=2, max_size=30))
def test_memory_never_changes_what_is_understood(drawn: list[tuple[str, list[int]]]) -> None:
    texts = [skeleton.format(*numbers) for skeleton, numbers in drawn]

    assert told(events_of(texts)) == told(events_of(texts, remember=False))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=20))
def test_no_text_breaks_the_pipeline_or_is_lost(texts: list[str]) -> None:
    understanding = Understanding.default()
    lines = lines_of(texts)

    events = list(understanding.events(lines))

    seen = [number for event in events for number in event.lines]
    assert len(seen) + understanding.counts["blank_lines"] == len(lines)
    assert all(event_json(event) for event in events)


def test_colours_are_no_part_of_a_text() -> None:
    (event,) = events_of(["\x1b[2m2026-11-24T20:00:00.123456Z\x1b[0m \x1b[33m WARN\x1b[0m app: slow"])

    assert (event.level, event.message, event.format) == (Severity.WARN, "slow", "tracing")


def test_a_text_beyond_the_bound_keeps_both_ends() -> None:
    understanding = Understanding.default()

    (event,) = understanding.events(lines_of(["begin " + "x" * (2 * MOST_TEXT) + " end"]))

    assert len(event.text) <= MOST_TEXT
    assert event.text.startswith("begin")
    assert event.text.endswith("end")
    assert event.truncated
    assert understanding.counts["events_truncated"] == 1


def test_the_priority_of_the_journal_counts_where_the_line_states_none() -> None:
    line = LogLine(STREAM, 1, None, "something odd", "journal", {"PRIORITY": "3"})
    plain = LogLine(STREAM, 2, None, "something odd", "journal")

    first, second = Understanding.default().events([line, plain])

    assert (first.level, first.method) == (Severity.ERROR, "syslog")
    assert second.level is Severity.UNKNOWN


def test_a_time_in_the_line_counts_where_the_source_has_none() -> None:
    line = LogLine(STREAM, 1, None, "2026/11/24 20:00:00 [error] 12#12: x", "plain.log")

    (event,) = Understanding.default().events([line])

    assert rfc3339(event.timestamp) == "2026-11-24T20:00:00.000000000Z"
