"""The full understanding of one statement, made once for each shape of statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from k8s_log_agent.records import CauseHint, Severity, StreamKey
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.clusters import Clusters
from k8s_log_agent.understand.formats import parse
from k8s_log_agent.understand.levels import syslog_level
from k8s_log_agent.understand.masking import mask
from k8s_log_agent.understand.noise import NoiseRules
from k8s_log_agent.understand.parsed import Parsed
from k8s_log_agent.understand.redaction import Redactor
from k8s_log_agent.understand.severity import Assessed, SeverityRules
from k8s_log_agent.understand.signature import signature

_RECORDS = frozenset(("json", "mongodb", "logfmt"))
_TWO_LINES = frozenset(("julian", "dotnet"))  # formats whose message stands on the second line
SURE = 0.8  # weight of a cause from which on it counts for the severity
_LOOK_AT = 40  # continuation lines that severity looks at


class Cut(NamedTuple):
    """Where a piece stands: after the `place`-th `before`, up to the next `after`, to the end where that is empty."""

    before: str
    place: int
    after: str

    def apply(self, text: str) -> str:
        """The piece in `text`."""
        before, place, after = self
        if before:
            text = text.split(before, place)[place]
        return text.split(after, 1)[0] if after else text


@dataclass(slots=True)
class Analysis:
    """What is the same for all statements of one shape in one container.

    `text` and `message` are those of the statement that was analysed, redacted. `cuts` say where the message stands,
    None where it has to be taken out anew; `causes` carry the place of their line among the lines.
    """

    parsed: Parsed
    text: str
    message: str
    level: Severity
    severity: Severity
    method: str
    confidence: float
    signature: str
    template: str
    cluster: int | None
    noise_rule: str | None
    causes: tuple[CauseHint, ...]
    redactions: Mapping[str, int] = field(default_factory=dict)
    cuts: tuple[Cut, ...] | None = None

    def message_of(self, text: str) -> str:
        """The message of another statement of the same form."""
        first = text.split("\n", 1)[0] if "\n" in text else text
        cuts = self.cuts
        if cuts is None:
            return whole(parse(first), text.split("\n")).message
        if len(cuts) > 1:
            return ": ".join([cut.apply(first) for cut in cuts])
        before, place, after = cuts[0]
        if before:
            first = first.split(before, place)[place]
        return first.split(after, 1)[0] if after else first


@dataclass(frozen=True, slots=True)
class Analyst:
    """All rules together."""

    severities: SeverityRules
    redactor: Redactor
    noise: NoiseRules
    causes: CauseTable
    clusters: Clusters

    def analyse(self, parsed: Parsed, lines: Sequence[str], stream: StreamKey, labels: Mapping[str, str]) -> Analysis:
        """Understand one statement of `lines`, of which the first has the form `parsed`."""
        parsed = _stated_by_labels(whole(parsed, lines), labels)
        message, rest, redacted, counts = self._redacted(parsed, lines)
        first, *more = message.split("\n")
        trace = (*more, *rest, *parsed.trace)
        assessed = self.severities.assess(parsed, "\n".join((message, *trace[:_LOOK_AT])))
        component = mask(parsed.component or stream.container)
        hash_, template = signature(component, first, trace)
        causes = self._causes(parsed, message, redacted, f"{stream.container} {parsed.component}")
        assessed = _with_causes(assessed, causes)
        shown = redacted.split("\n", 1)[0]
        return Analysis(
            parsed=parsed,
            text=redacted,
            message=message,
            level=parsed.level,
            severity=assessed.severity,
            method=assessed.method,
            confidence=assessed.confidence,
            signature=hash_,
            template=template,
            cluster=self.clusters.learn(template) if template else None,
            noise_rule=self.noise.match(shown, assessed.severity, suspect=bool(causes)),
            causes=causes,
            redactions=counts,
            cuts=None if counts else _cuts(parsed, lines),
        )

    def _redacted(self, parsed: Parsed, lines: Sequence[str]) -> tuple[str, tuple[str, ...], str, Mapping[str, int]]:
        """Message, continuation lines, whole text, and counts, all without secrets."""
        text = "\n".join(lines)
        whole_text = self.redactor.redact(text)
        skip = 2 if parsed.format in _TWO_LINES and len(lines) > 1 else 1
        if not whole_text.counts:
            message = parsed.message
            clean = whole_text if message == text else self.redactor.redact(message)
            return clean.text, tuple(lines[skip:]), text, clean.counts
        parts, _ = self.redactor.redact_lines((parsed.message.replace("\n", "\r"), *lines))
        return parts[0].replace("\r", "\n"), parts[1 + skip :], "\n".join(parts[1:]), whole_text.counts

    def _causes(self, parsed: Parsed, message: str, text: str, component: str) -> tuple[CauseHint, ...]:
        first, *rest = text.split("\n")
        numbers = (0, *range(1, len(rest) + 1))
        if parsed.format not in _RECORDS:
            return self.causes.propose(message, rest, component, numbers)
        inner = (*message.split("\n"), *parsed.trace) if "\\" in first else ()
        return self.causes.propose(first, (*inner, *rest), component, (0, *(0 for _ in inner), *numbers[1:]))


def _with_causes(assessed: Assessed, causes: Sequence[CauseHint]) -> Assessed:
    """At least WARN where a cause is recognised surely, whatever level the line was written at."""
    sure = max((hint for hint in causes if hint.weight >= SURE), key=lambda hint: hint.weight, default=None)
    if sure is None or assessed.severity.rank >= Severity.WARN.rank:
        return assessed
    return Assessed(Severity.WARN, f"cause:{sure.code}", sure.weight)


def whole(parsed: Parsed, lines: Sequence[str]) -> Parsed:
    """The form of a statement: that of its first line, and where a format writes two, of the second as well."""
    if len(lines) < 2 or parsed.format not in _TWO_LINES:
        return parsed
    second = parse(lines[1].strip())
    level, method, sure = (parsed.level, parsed.method, parsed.confidence)
    if parsed.format == "julian" and second.level is not Severity.UNKNOWN:
        level, method, sure = second.level, second.method, 0.97
    pieces = second.pieces if parsed.format == "julian" else (lines[1].strip(),)
    return Parsed(parsed.format, pieces, level, method, sure, parsed.component, parsed.stamp, headed=True)


def _stated_by_labels(parsed: Parsed, labels: Mapping[str, str]) -> Parsed:
    """Where the line states no level, the journal's priority does; that of plain output is only a default."""
    priority = labels.get("PRIORITY", "")
    if parsed.level is not Severity.UNKNOWN or not priority.isdecimal() or priority == "6":
        return parsed
    level = syslog_level(int(priority))
    return Parsed(
        parsed.format, parsed.pieces, level, "syslog", 0.9, parsed.component, parsed.stamp, parsed.status, parsed.trace
    )


def _cuts(parsed: Parsed, lines: Sequence[str]) -> tuple[Cut, ...] | None:
    """How the pieces of the message are found again in a text of the same form; None where they are not."""
    if parsed.format in _TWO_LINES:
        return None
    cuts = [_cut_of(piece, lines[0]) for piece in parsed.pieces]
    return tuple(cut for cut in cuts if cut is not None) if None not in cuts else None


def _cut_of(piece: str, text: str) -> Cut | None:
    zeros, quoted = text.translate(_ZEROS), f'"{piece.translate(_ZEROS)}"'
    if zeros.count(quoted) == 1 and '"' not in piece:
        return Cut('"', text.count('"', 0, zeros.index(quoted) + 1), '"')
    start = text.rfind(piece) if text.endswith(piece) else text.find(piece)
    if start <= 0 or not piece:
        return Cut("", 0, "") if piece == text else None
    before, end = text[start - 1], start + len(piece)
    after = text[end : end + 1]
    if before.isdigit() or after.isdigit() or (after and after in piece):
        return None
    if after and zeros.count(piece.translate(_ZEROS)) > 1:
        return None
    return Cut(before, text.count(before, 0, start), after)


_ZEROS = str.maketrans("123456789", "000000000")
