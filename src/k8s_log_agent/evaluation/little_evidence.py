"""Whether triage says `unknown` where the log does not state the cause: fault windows without the lines that state it.

One window of each fault of each program is taken, and every line that reads like a stated one is left out, numbers and
identifiers aside. What then remains may still name the cause in other words, or show no trouble at all; both are
counted apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from k8s_log_agent.evaluation.intervals import Rate
from k8s_log_agent.evaluation.judging import FirstPass
from k8s_log_agent.evaluation.outcomes import RECORDED, Case, Part
from k8s_log_agent.records import Record, VerdictState

UNKNOWN = "unknown"
_VALUE = re.compile(r"[0-9A-Za-z]*\d[0-9A-Za-z]*")


class LittleEvidence(Record):
    """Of one part. `unknown` is its share among windows with trouble left whose cause is not stated any more.

    `nothing` windows were judged free of failures; of `still_stated` ones the true cause was named from other lines.
    """

    part: Part
    cases: int
    unknown: Rate
    nothing: int
    still_stated: int
    wrong: dict[str, int]


def without_statement(cases: Iterable[Case]) -> Iterator[Case]:
    """The first fault window of each group, robbed of what states its cause."""
    seen: set[tuple[Part, str]] = set()
    for case in cases:
        if case.part not in RECORDED or not case.truth.evidence or case.truth.cause == UNKNOWN:
            continue
        if (case.part, case.group) in seen:
            continue
        seen.add((case.part, case.group))
        stated = {_shape(line.text) for line in case.lines if (line.source, line.number) in case.truth.evidence}
        left = tuple(line for line in case.lines if _shape(line.text) not in stated)
        yield replace(case, id=f"{case.id}/unstated", lines=left)


def little_evidence(judged: Sequence[tuple[Case, FirstPass]]) -> tuple[LittleEvidence, ...]:
    """One entry for each part with such windows."""
    found = []
    for part in RECORDED:
        of_part = [(case, first.verdict) for case, first in judged if case.part == part]
        if not of_part:
            continue
        spoken = [(case, one.cause) for case, one in of_part if one.state is not VerdictState.REJECTED]
        named = [(case, cause) for case, cause in spoken if cause != case.truth.cause]
        wrong: dict[str, int] = {}
        for case, cause in named:
            if cause != UNKNOWN:
                pair = f"{case.truth.cause} answered as {cause}"
                wrong[pair] = wrong.get(pair, 0) + 1
        found.append(
            LittleEvidence(
                part=part,
                cases=len(of_part),
                unknown=Rate.of_trials([cause == UNKNOWN for _, cause in named]),
                nothing=len(of_part) - len(spoken),
                still_stated=len(spoken) - len(named),
                wrong=dict(sorted(wrong.items())),
            )
        )
    return tuple(found)


def _shape(text: str) -> str:
    return _VALUE.sub("#", text)
