"""The truth of a real record: the recording's where something was provoked, else what the rules propose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from k8s_log_agent.dataset.recorded_truth import RecordedTruth
from k8s_log_agent.ingest.recordings import RecordedWindow
from k8s_log_agent.records import Category, CauseHint, Component, Event, GoldenTruth, Severity
from k8s_log_agent.understand.causes import CauseTable

SURE_ENOUGH = 0.5  # weight of a hint that makes a label
GoldenSeverity = Literal[Severity.INFO, Severity.WARN, Severity.ERROR, Severity.CRITICAL]


@dataclass(frozen=True, slots=True)
class Label:
    """A truth with how it was found."""

    truth: GoldenTruth
    source: Literal["provoked", "rule"]
    tags: tuple[str, ...] = ()
    note: str = ""


class Labeller:
    """Labels events by the table of causes and, for recordings, by their manifest."""

    def __init__(self, causes: CauseTable) -> None:
        self._causes = causes

    def provoked(self, event: Event, window: RecordedWindow, evidence: tuple[int, ...]) -> Label:
        """The truth of a line that states the cause of a provoked fault."""
        known = window.cause in self._causes.codes
        cause = self._causes.cause(window.cause) if known else None
        truth = GoldenTruth(
            is_failure=True,
            severity=_golden(window.severity),
            category=cause.category if cause else Category.UNKNOWN,
            cause=window.cause,
            cause_text=window.description,
            component=window.component or Component(kind="application", name=event.stream.container),
            evidence_lines=evidence,
            remedy=cause.remedies[0] if cause and cause.remedies else "",
        )
        return Label(truth, "provoked", _tags(event))

    def ruled(self, event: Event, recorded: RecordedTruth | None) -> Label | str:
        """The truth that the rules propose for any other line, or the reason why there is none."""
        window = recorded.window(event) if recorded else None
        if window and window.kind == "healthy":
            return self._healthy(event, recorded)
        if event.severity is Severity.UNKNOWN:
            return "severity unknown"
        hint = self._sure_hint(event)
        if window and hint and hint.code != window.cause:
            return "rule and recording disagree"
        note = f"logged while {window.cause} was provoked" if window else ""
        return Label(self._by_rule(event, hint, recorded), "rule", _tags(event), note)

    def _healthy(self, event: Event, recorded: RecordedTruth | None) -> Label | str:
        if event.severity.rank >= Severity.ERROR.rank:
            return "error in a healthy window"
        truth = GoldenTruth(
            is_failure=False,
            severity=_golden(event.severity),
            category=Category.NONE,
            cause="none",
            component=_component(event, recorded),
        )
        return Label(truth, "rule", _tags(event), "logged while nothing was provoked")

    def _by_rule(self, event: Event, hint: CauseHint | None, recorded: RecordedTruth | None) -> GoldenTruth:
        severity, component = _golden(event.severity), _component(event, recorded)
        if hint:
            cause = self._causes.cause(hint.code)
            place = event.lines.index(hint.line) if hint.line in event.lines else 0
            return GoldenTruth(
                is_failure=True,
                severity=severity,
                category=cause.category,
                cause=cause.code,
                cause_text=cause.summary,
                component=component,
                evidence_lines=(min(place, event.text.count("\n")),),
                remedy=cause.remedies[0] if cause.remedies else "",
            )
        failed = severity in (Severity.ERROR, Severity.CRITICAL)
        return GoldenTruth(
            is_failure=failed,
            severity=severity,
            category=Category.UNKNOWN if failed else Category.NONE,
            cause="unknown" if failed else "none",
            component=component,
            evidence_lines=(0,) if failed else (),
            answerable=not failed,
        )

    def _sure_hint(self, event: Event) -> CauseHint | None:
        if event.severity.rank < Severity.WARN.rank:
            return None
        sure = [hint for hint in event.causes if hint.weight >= SURE_ENOUGH and not self._causes.is_symptom(hint)]
        return sure[0] if sure else None


def _golden(severity: Severity) -> GoldenSeverity:
    """DEBUG counts as INFO, and so does an unknown severity where nothing was wrong."""
    plain = severity if severity.rank >= Severity.INFO.rank else Severity.INFO
    return cast("GoldenSeverity", plain)


def _component(event: Event, recorded: RecordedTruth | None) -> Component:
    if recorded:
        return Component(kind=recorded.program.kind, name=recorded.program.name)
    return Component(kind="application", name=event.labels.get("app") or event.stream.container or event.source)


def _tags(event: Event) -> tuple[str, ...]:
    tags = {
        "multi-line": "\n" in event.text,
        "truncated": event.truncated,
        "long": len(event.text) > 2000,
        "non-english": any(ord(character) > 0x24F and character.isalpha() for character in event.text[:2000]),
    }
    return tuple(name for name, holds in tags.items() if holds)
