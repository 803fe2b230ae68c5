"""Chooses the incidents that the report shows, and cuts out the lines around their evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from k8s_log_agent.evaluation.outcomes import RECORDED, Case
from k8s_log_agent.evaluation.results import Incident, ShownLine, TriagedCase
from k8s_log_agent.evaluation.scores import MODEL_ALONE

SHOWN = 5
MOST_LINES = 14
AROUND = 2
LONGEST_LINE = 400

Wish = Callable[[TriagedCase], bool]

# In this order, the first case that fits and brings a new program and a new cause is taken.
WISHES: tuple[Wish, ...] = (
    lambda case: case.part == "held_out" and case.right,
    lambda case: _model_was_asked(case) and case.right,
    lambda case: case.part == "held_out" and not case.right,
    lambda case: case.part == "training" and case.right,
    lambda case: _model_was_asked(case) and not case.right,
)


def choose(cases: Sequence[TriagedCase]) -> list[TriagedCase]:
    """At most five recorded faults of different causes, and of different programs where there are enough.

    Good answers are among them, and bad ones where there are.
    """
    faults = [case for case in cases if case.part in RECORDED and case.truth.cause != "none" and case.verdict.evidence]
    chosen: list[TriagedCase] = []
    for is_new in (_is_new, _has_a_new_cause):
        for wish in (*WISHES, *[_any] * SHOWN):
            found = next((case for case in faults if wish(case) and is_new(case, chosen)), None)
            if found is not None and len(chosen) < SHOWN:
                chosen.append(found)
    return chosen


def shown(case: Case, triaged: TriagedCase, redact: Callable[[str], str]) -> Incident:
    """The incident with the lines around what the verdict cites and what the truth states."""
    cited = {(line.source, line.line) for line in triaged.verdict.evidence}
    places = [(line.source, line.number) for line in case.lines]
    marked = [place in cited or place in case.truth.evidence for place in places]
    kept = _context(marked)
    lines: list[ShownLine] = []
    before = -1
    for index in kept:
        line, place = case.lines[index], places[index]
        lines.append(
            ShownLine(
                source=place[0],
                line=place[1],
                text=_clipped(redact(line.text)),
                cited=place in cited,
                stated=place in case.truth.evidence,
                skipped=index - before - 1,
            )
        )
        before = index
    return Incident(**dict(triaged), lines=tuple(lines))


def _model_was_asked(case: TriagedCase) -> bool:
    return MODEL_ALONE in case.causes


def _any(_: TriagedCase) -> bool:
    return True


def _is_new(case: TriagedCase, chosen: Sequence[TriagedCase]) -> bool:
    return all(case.program != other.program and case.truth.cause != other.truth.cause for other in chosen)


def _has_a_new_cause(case: TriagedCase, chosen: Sequence[TriagedCase]) -> bool:
    return all(case.truth.cause != other.truth.cause for other in chosen)


def _context(marked: Sequence[bool]) -> list[int]:
    """Indexes of the marked lines and, as far as there is room, of those near them."""
    chosen = set([index for index, is_marked in enumerate(marked) if is_marked][:MOST_LINES])
    for index in _near(sorted(chosen), len(marked)):
        if len(chosen) >= MOST_LINES:
            break
        chosen.add(index)
    return sorted(chosen)


def _near(marked: Sequence[int], length: int) -> Iterator[int]:
    for distance in range(1, AROUND + 1):
        for index in marked:
            for near in (index - distance, index + distance):
                if 0 <= near < length:
                    yield near


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "…"
