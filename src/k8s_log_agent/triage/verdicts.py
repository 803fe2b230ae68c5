"""Makes the verdict: who decides by the policy, what the table says of the cause, and what the reader should know."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from k8s_log_agent.records import Category, Component, Event, EvidenceLine, Severity, Verdict, VerdictState
from k8s_log_agent.triage.calibration import Calibration
from k8s_log_agent.triage.components import component_of
from k8s_log_agent.triage.confidence import confidence, strength
from k8s_log_agent.triage.evidence import lines_for
from k8s_log_agent.triage.opinions import NO_CAUSE, UNKNOWN, Candidate, ModelOpinion, Policy, TriageTrace
from k8s_log_agent.understand.causes import CauseTable

_NOT_FOUND = "Neither a rule nor the model recognises the cause; the evidence lines are the worst ones."


@dataclass(frozen=True, slots=True)
class _Choice:
    cause: str
    evidence: tuple[EvidenceLine, ...]
    reasoning: str
    by: Literal["rule", "memory", "model"]
    state: VerdictState


def rejected(events: Sequence[Event], warnings: int = 0, passing: Sequence[Candidate] = ()) -> Verdict:
    """The verdict on a window with no lines, or with no sign of a failure.

    `warnings` counts the signatures at WARN; `passing` are causes that were seen and passed by themselves.
    """
    notes = (
        [f"{warnings} signatures are warnings that no rule connects with a failure"] if warnings and not passing else []
    )
    notes += [f"{one.code} was seen and passed by itself" for one in passing]
    text = "There were no lines." if not events else "No line shows a failure."
    return Verdict(
        id=window_id(events),
        state=VerdictState.REJECTED,
        decided_by="none",
        severity=Severity.INFO,
        category=Category.NONE,
        cause=NO_CAUSE,
        root_cause=text,
        component=component_of(None, "none"),
        evidence=(),
        reasoning=text,
        confidence=confidence("none", NO_CAUSE, 0.0, Calibration.default()) if events else 0.0,
        redactions=_redactions(events),
        notes=tuple(notes),
    )


def decided(
    events: Sequence[Event],
    causes: CauseTable,
    trace: TriageTrace,
    policy: Policy,
    notes: Sequence[str] = (),
) -> Verdict:
    """The verdict on a window with trouble in it."""
    chosen = _choose(events, trace, policy)
    said = list(notes)
    if trace.model_error:
        said.append(f"the model gave no usable answer, so the rules decided: {trace.model_error}")
    elif policy is not Policy.RULES and trace.model is None and trace.undecided:
        said.append("the rules were not sure, and no model was asked")
    entry = causes.cause(chosen.cause) if chosen.cause in causes.codes else None
    return Verdict(
        id=window_id(events),
        state=chosen.state,
        decided_by=chosen.by,
        severity=entry.severity if entry and chosen.cause != UNKNOWN else _worst(events),
        category=entry.category if entry else Category.UNKNOWN,
        cause=chosen.cause,
        root_cause=entry.summary if entry and chosen.cause != UNKNOWN else _NOT_FOUND,
        component=_component(events, chosen.evidence, entry.component_kind if entry else "unknown"),
        evidence=chosen.evidence,
        reasoning=chosen.reasoning,
        confidence=confidence(
            chosen.by,
            chosen.cause,
            strength(chosen.cause, trace.rules.candidates, chosen.evidence, events),
            Calibration.default(),
        ),
        candidates=tuple(candidate.code for candidate in trace.rules.candidates),
        similar=tuple(neighbour.id for neighbour in trace.neighbours),
        remedies=entry.remedies if entry else (),
        redactions=_redactions(events),
        notes=tuple(said),
    )


def window_id(events: Sequence[Event]) -> str:
    """16 hex digits that stay the same for the same events."""
    parts = sorted(f"{event.source}\x1f{event.lines[:1]}\x1f{event.timestamp}\x1f{event.signature}" for event in events)
    return hashlib.sha256("\x1e".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def _choose(events: Sequence[Event], trace: TriageTrace, policy: Policy) -> _Choice:
    model_decides = policy is Policy.MODEL or (policy is Policy.RULES_THEN_MODEL and trace.undecided)
    if model_decides and trace.model:
        return _by_model(events, trace.model)
    state = VerdictState.DEGRADED if model_decides and trace.model_error else VerdictState.RULED
    if trace.memory:
        return _Choice(trace.memory.cause, trace.memory.evidence, trace.memory.reasoning, "memory", state)
    return _by_rules(events, trace, state)


def _by_model(events: Sequence[Event], opinion: ModelOpinion) -> _Choice:
    # Where rules found lines for the chosen cause, these are surer than the numbers that the model gave.
    evidence = lines_for(events, opinion.cause) or opinion.evidence
    state = VerdictState.REPAIRED if opinion.repaired else VerdictState.OK
    return _Choice(opinion.cause, evidence, opinion.reasoning, "model", state)


def _by_rules(events: Sequence[Event], trace: TriageTrace, state: VerdictState) -> _Choice:
    rules = trace.rules
    best = next((candidate for candidate in rules.candidates if candidate.code == rules.cause), None)
    if best is None:
        worst = sorted(trace.shown, key=lambda line: (-line.event.severity.rank, line.index))[:2]
        return _Choice(UNKNOWN, tuple(line.place for line in worst), _why_unknown(rules.candidates), "rule", state)
    evidence = best.evidence or lines_for(events, best.code)
    where = f" at {evidence[0].source}:{evidence[0].line}" if evidence else ""
    return _Choice(best.code, evidence, f"{best.reason[:1].upper()}{best.reason[1:]}{where}.", "rule", state)


def _why_unknown(candidates: Sequence[Candidate]) -> str:
    if candidates and candidates[0].symptom:
        return f"The lines show consequences ({candidates[0].code}), and none of them says what caused these."
    return "No rule recognises these lines."


def _component(events: Sequence[Event], evidence: Sequence[EvidenceLine], kind: str) -> Component:
    first = evidence[0] if evidence else None
    event = next((one for one in events if first and one.source == first.source and first.line in one.lines), None)
    return component_of(event, kind)


def _worst(events: Sequence[Event]) -> Severity:
    return max((event.severity for event in events), key=lambda severity: severity.rank, default=Severity.UNKNOWN)


def _redactions(events: Sequence[Event]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for event in events:
        counts.update(event.redactions)
    return dict(sorted(counts.items()))
