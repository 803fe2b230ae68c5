"""One record's log as a template tells it: values drawn once, statements in order of time, evidence remembered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

from k8s_log_agent.dataset.rendering import FieldValue, Statement, render
from k8s_log_agent.dataset.templates import Format, Template, TemplateError, TemplateLine, Variants, Wording
from k8s_log_agent.dataset.values import common_values, draw, fill
from k8s_log_agent.records import Component, LogLine, StreamKey

Variant = Literal["", "injection", "secret-canary"]

_FIRST_MOMENT = datetime(2026, 1, 5, tzinfo=UTC)
_SPAN_SECONDS = 280 * 86400
_SHORTEST_GAP = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class StagedLog:
    """Physical lines with their moments, and what is true of them. Evidence and distractors are line numbers from 0."""

    lines: tuple[str, ...]
    moments: tuple[datetime, ...]
    evidence: tuple[int, ...]
    distractors: tuple[int, ...]
    values: dict[str, str]
    style: Format
    namespace: str
    pod: str
    container: str
    component: Component
    cause_text: str
    affected_object: str

    def log_lines(self, origin: str) -> list[LogLine]:
        """The lines as a source would give them."""
        stream = StreamKey(self.namespace, self.pod, self.container, "stderr")
        return [
            LogLine(stream, number, round(moment.timestamp() * 1_000_000) * 1000, text, origin)
            for number, (text, moment) in enumerate(zip(self.lines, self.moments, strict=True), start=1)
        ]


def stage(template: Template, wording: Wording, variant: Variant, variants: Variants, random: Random) -> StagedLog:
    """Play one wording of a template; raises `TemplateError` that names both."""
    try:
        return _stage(template, wording, variant, variants, random)
    except TemplateError as error:
        raise TemplateError(f"template {template.id}, wording {wording.id}: {error}") from error


def _stage(template: Template, wording: Wording, variant: Variant, variants: Variants, random: Random) -> StagedLog:
    style = random.choice(wording.formats)
    values = draw(template.values, common_values(random), random)
    values = draw(wording.values, values, random)
    container = fill(wording.container, values) if wording.container else values["container"]
    namespace = fill(wording.namespace, values) if wording.namespace else values["namespace"]
    moment = _FIRST_MOMENT + timedelta(microseconds=random.randrange(_SPAN_SECONDS * 1_000_000))
    lines: list[str] = []
    moments: list[datetime] = []
    marked: dict[str, list[int]] = {"evidence": [], "distractor": []}
    for spoken in _spoken(wording, variant, variants, random):
        moment += max(_SHORTEST_GAP, timedelta(milliseconds=random.randint(*spoken.gap_ms)))
        physical = _say(spoken, style, moment, values)
        whole = len(physical) > max(spoken.evidence_offsets, default=0)
        offsets = spoken.evidence_offsets if whole else spoken.evidence_offsets[:1] and (0,)
        marked["evidence"] += [len(lines) + offset for offset in offsets]
        marked["distractor"] += [len(lines)] if spoken.role in ("distractor", "consequence") else []
        lines += physical
        moments += [moment] * len(physical)
    return StagedLog(
        lines=tuple(lines),
        moments=tuple(moments),
        evidence=tuple(dict.fromkeys(marked["evidence"])),
        distractors=tuple(marked["distractor"]),
        values=values,
        style=style,
        namespace=namespace,
        pod=_pod(container, values),
        container=container,
        component=Component(kind=template.component.kind, name=fill(template.component.name, values)),
        cause_text=fill(template.cause_text, values),
        affected_object=fill(template.affected_object, values),
    )


def _pod(container: str, values: dict[str, str]) -> str:
    return values["pod"] if container == values["app"] else f"{container}-{values['pod'].rpartition('-')[2]}"


def _spoken(wording: Wording, variant: Variant, variants: Variants, random: Random) -> list[TemplateLine]:
    spoken = [line for line in wording.lines for _ in range(random.randint(*line.repeat))]
    pool = {"injection": variants.injection, "secret-canary": variants.secret_canary, "": ()}[variant]
    if pool:
        spoken.insert(random.randint(0, len(spoken)), random.choice(pool))
    return spoken


def _say(line: TemplateLine, style: Format, moment: datetime, values: dict[str, str]) -> list[str]:
    values = {**values, "now_iso": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "now_access": f"{moment:%d/%b/%Y:%H:%M:%S +0000}"}
    fields: dict[str, FieldValue] = {
        key: fill(value, values) if isinstance(value, str) else value for key, value in line.fields.items()
    }
    said = Statement(moment, line.level, fill(line.text, values), fill(line.logger, values), fields, values)
    return render(line.format or style, said).split("\n")
