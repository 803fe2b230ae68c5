"""A summary as Markdown. Log text stands in code spans that it cannot leave, since anyone can write log lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from k8s_log_agent.triage.histogram import bars
from k8s_log_agent.triage.summary import IncidentSummary, SignatureSummary, Summary

_TICKS = re.compile(r"`+")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def markdown(summary: Summary) -> str:
    """The whole report, with a final newline."""
    return "\n".join(_lines(summary)) + "\n"


def code(text: str) -> str:
    """Text as a code span, whatever is in it; empty text as a dash."""
    flat = " ".join(text.split())
    if not flat:
        return "-"
    fence = "`" * (max((len(run) for run in _TICKS.findall(flat)), default=0) + 1)
    padding = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{padding}{flat}{padding}{fence}"


def plain(text: str) -> str:
    """Text as text: nothing in it is markup."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _lines(summary: Summary) -> Iterator[str]:
    yield "# What happened"
    yield ""
    yield _headline(summary)
    yield ""
    yield _counted(summary)
    for number, incident in enumerate(summary.incidents, start=1):
        yield ""
        yield from _incident(number, incident)
    if summary.more_incidents:
        yield ""
        yield f"{summary.more_incidents} further incidents are left out here."
    if summary.others:
        yield ""
        yield "## Other warnings and errors"
        yield ""
        for one in summary.others:
            yield _signature(one)
        if summary.more_others:
            yield f"- and {summary.more_others} more signatures"
    for note in summary.notes:
        yield ""
        yield f"Note: {plain(note)}."


def _headline(summary: Summary) -> str:
    if not summary.incidents:
        return "No failure was found."
    worst = summary.incidents[0]
    total = len(summary.incidents) + summary.more_incidents
    since = f" since {_moment(worst.since)}" if worst.since else ""
    many = "One incident" if total == 1 else f"{total} incidents, the worst"
    return f"**{many}: {plain(worst.root_cause)}** In {code(worst.scope)}{since}."


def _counted(summary: Summary) -> str:
    counts = summary.counts
    span = f"{_moment(summary.start)} to {_moment(summary.end)}: " if summary.start and summary.end else ""
    severities = ", ".join(f"{count:,} {name}" for name, count in reversed(summary.severities.items()))
    text = f"{span}{counts.get('lines', 0):,} lines, {counts.get('events', 0):,} events"
    text += f" ({severities})" if severities else ""
    text += f", {counts['noise']:,} of them noise" if counts.get("noise") else ""
    unfit = [f"{count:,} {name}" for name, count in counts.items() if name.endswith("did not fit")]
    return text + (f". Not looked at: {', '.join(unfit)}." if unfit else ".")


def _incident(number: int, incident: IncidentSummary) -> Iterator[str]:
    yield f"## {number}. {incident.severity.value}: {plain(incident.root_cause)}"
    yield ""
    if incident.sentence:
        yield f"> {plain(incident.sentence)} (a model's words)"
        yield ""
    named = f", {plain(incident.component.name)}" if incident.component.name else ""
    yield f"- **What**: {code(incident.cause)}, {plain(incident.component.kind)}{named}"
    times = "" if incident.windows == 1 else f", {incident.windows} times"
    if incident.since:
        yield f"- **Since**: {_moment(incident.since)}, last seen {_moment(incident.until)}{times}"
    more = ", …" if len(incident.pods) > 5 else ""
    pods = ", ".join(code(pod) for pod in incident.pods[:5] if pod) + more
    yield f"- **Where**: {code(incident.scope)}" + (f", {pods}" if pods else "")
    others = f"; also possible: {', '.join(incident.other_candidates)}" if incident.other_candidates else ""
    yield (
        f"- **Likely cause**: {plain(incident.root_cause)} Decided by {incident.decided_by} ({incident.state.value}), "
        f"{incident.confidence:.0%} sure{others}"
    )
    yield f"- **Seen**: {incident.events:,} events"
    for one in incident.signatures:
        yield "  " + _signature(one)
    if incident.more_signatures:
        yield f"  - and {incident.more_signatures} more signatures"
    if incident.evidence:
        yield "- **Evidence**:"
        for line in incident.evidence:
            yield f"  - {code(f'{line.source}:{line.line}')} {code(line.text)}"
    if incident.next_steps:
        yield "- **Next steps**:"
        for step in incident.next_steps:
            yield f"  - {step}"


def _signature(one: SignatureSummary) -> str:
    span = f", {_moment(one.first)} to {_moment(one.last)}" if one.first and one.last else ""
    plot = f" {code(bars(one.over_time).replace(' ', '·'))}" if one.first else ""
    return f"- {one.severity.value} {one.count:,} x, {one.trend}{plot}{span}: {code(one.template)}"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "an unknown time"
