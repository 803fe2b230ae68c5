"""Whatever a log holds, a verdict comes back that can be stored, printed and sent."""

from __future__ import annotations

import json

import respx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8s_log_agent.records import LogLine, Severity, StreamKey, Verdict
from k8s_log_agent.triage.incidents import find_incidents
from k8s_log_agent.triage.pipeline import Triage
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.pipeline import Understanding
from tests.unit.triage.log_events import TABLE, event, opinion, panel, serve

# Includes surrogates, which a JSON log can bring in by its escapes.
ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
LINE = st.one_of(
    ANYTHING,
    ANYTHING.map(lambda text: f"ERROR no space left on device {text}"),
    ANYTHING.map(lambda text: json.dumps({"level": "error", "msg": text})),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(LINE, st.one_of(st.none(), st.integers(0, 2**62))), max_size=12), ANYTHING)
def test_any_lines_give_verdicts_that_can_be_stored(lines: list[tuple[str, int | None]], name: str) -> None:
    stream = StreamKey("", name, name, "stderr")
    given_lines = [LogLine(stream, place, at, text, name) for place, (text, at) in enumerate(lines, start=1)]
    events = list(Understanding.default().events(given_lines))

    for incident in find_incidents(events, Triage(CauseTable.default())).incidents:
        stored = incident.verdict.model_dump_json()
        assert Verdict.model_validate_json(stored) == incident.verdict
        assert all(line.text.isprintable() for line in incident.verdict.evidence)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ANYTHING.filter(str.strip), min_size=1, max_size=5))
def test_any_lines_can_be_put_before_the_model(texts: list[str]) -> None:
    events = [event("no space left", "disk_full", weight=0.5)]
    events += [event(text.strip() or "x", line=9 + place, severity=Severity.ERROR) for place, text in enumerate(texts)]
    with respx.mock as router:
        serve(router, opinion())
        verdict = Triage(TABLE, model=panel()).verdict(events)

    assert verdict.decided_by == "model"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANYTHING)
def test_any_answer_of_the_model_ends_in_a_named_state(said: str) -> None:
    with respx.mock as router:
        serve(router, said.encode("utf-8", "replace").decode())
        verdict = Triage(TABLE, model=panel()).verdict([event("no space left", "disk_full", weight=0.5)])

    assert verdict.state in ("degraded", "ok", "repaired")
    assert verdict.cause == "disk_full"
