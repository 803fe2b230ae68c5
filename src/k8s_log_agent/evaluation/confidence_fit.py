"""Fits the confidence of verdicts: `python -m k8s_log_agent.evaluation.confidence_fit --recordings FOLDER`.

Only recordings of the split `training` are read. Rules were written with these programs in sight, so each is judged
without the phrases of its own (`leave_one_out.py`), and without labelled records of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from k8s_log_agent.dataset.store import Artefact, canonical, read
from k8s_log_agent.evaluation.cases import recorded_cases
from k8s_log_agent.evaluation.leave_one_out import Phrases, Window
from k8s_log_agent.evaluation.made_with import hash_of_rooms
from k8s_log_agent.evaluation.monotone import Judgement, constant, fit
from k8s_log_agent.evaluation.serving import labelled_memory, model_panel
from k8s_log_agent.ingest.recordings import find_recordings
from k8s_log_agent.records import Category, GoldenRecord
from k8s_log_agent.triage import calibration
from k8s_log_agent.triage.calibration import Calibration, Decider, Knot
from k8s_log_agent.triage.confidence import strength, way
from k8s_log_agent.triage.opinions import Policy
from k8s_log_agent.triage.pipeline import Triage, TriageOptions
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.pipeline import Understanding

HOW = "phrases of the tested program removed; isotonic over strength, Beta(1,1); repeats of one fault weigh 1 together"


def read_windows(recordings: Path, table: CauseTable) -> list[Window]:
    """Every window of every training recording, understood."""
    known = {code: table.cause(code).category for code in table.codes}
    cases = recorded_cases(find_recordings(recordings, "training"), lambda code: known.get(code, Category.UNKNOWN))
    return [
        Window(case.program, case.group, case.truth, tuple(Understanding.default().events(case.lines)))
        for case in cases
    ]


def judgements(
    windows: Sequence[Window], triage: Triage, table: CauseTable, origins: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Decider, bool, Judgement]]:
    """For each window the curve that its verdict belongs to, whether it is a fault, and how the verdict came out."""
    phrases = Phrases(windows, table)
    for window in map(phrases.without_own, windows):
        own = {event.signature for event in window.events}
        done = triage.examine(window.events, [*own, window.group, *origins.get(window.program, ())])
        verdict = done.verdict
        measured = strength(verdict.cause, done.trace.rules.candidates, verdict.evidence, window.events)
        right = verdict.cause == window.truth.cause
        yield way(verdict.decided_by, verdict.cause), window.truth.is_failure, Judgement(measured, right, window.group)


def curves(judged: Iterable[tuple[Decider, bool, Judgement]]) -> dict[Decider, tuple[Knot, ...]]:
    """One curve for each decider with verdicts; those of `rule` and `model` go by strength."""
    everything = list(judged)
    faults: dict[Decider, list[Judgement]] = {}
    for decider, is_failure, one in everything:
        if is_failure:
            faults.setdefault(decider, []).append(one)
    made: dict[Decider, tuple[Knot, ...]] = {}
    for decider, of_faults in sorted(faults.items()):
        if decider == "none":
            continue
        made[decider] = fit(of_faults) if decider in ("rule", "model") else constant(of_faults)
    made["none"] = (_nothing_found(everything),)
    return made


def _nothing_found(judged: Sequence[tuple[Decider, bool, Judgement]]) -> Knot:
    """How often silence is right, were healthy windows as frequent as faults; the recordings hold far fewer."""
    silent = {True: 1.0, False: 1.0}
    totals = {True: 2.0, False: 2.0}
    for decider, is_failure, _ in judged:
        totals[is_failure] += 1
        silent[is_failure] += decider == "none"
    healthy, missed = silent[False] / totals[False], silent[True] / totals[True]
    return Knot(
        strength=0.0,
        probability=round(healthy / (healthy + missed), 4),
        right=silent[False] - 1,
        of=sum(silent.values()) - 2,
    )


def _trained(dataset: Path | None) -> list[GoldenRecord]:
    """Records that may be looked up in: of the split `train`, and of no recording that is held out."""
    if dataset is None:
        return []
    records = read(dataset).records
    return [one for one in records if one.split == "train" and "held_out" not in one.provenance.origin]


def _origins(records: Sequence[GoldenRecord]) -> dict[str, list[str]]:
    """The origins of the records of each program."""
    found: dict[str, list[str]] = {}
    for record in records:
        place, _, _ = record.provenance.origin.partition(":")
        if place.startswith("recording training/"):
            found.setdefault(place.rpartition("/")[2], []).append(record.provenance.origin)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when the file is written or unchanged."""
    parser = argparse.ArgumentParser(prog="python -m k8s_log_agent.evaluation.confidence_fit", description=__doc__)
    parser.add_argument("--recordings", type=Path, required=True, help="directory with the split training below it")
    parser.add_argument("--dataset", type=Path, help="golden data set, to fit what labelled records decide")
    parser.add_argument("--model-url", default="", help="model server, to fit what the model decides")
    parser.add_argument("--model", default="", help="name of the model")
    parser.add_argument("--out", type=Path, default=Path(calibration.__file__).with_name(calibration.FILE))
    given = parser.parse_args(arguments)
    table = CauseTable.default()
    windows = read_windows(given.recordings, table)
    records = _trained(given.dataset)
    memory = labelled_memory(records, "", "") if records else None
    with ExitStack() as stack:
        panel = stack.enter_context(model_panel(given.model_url, given.model, 1)) if given.model_url else None
        policies = [Policy.RULES, *([Policy.RULES_THEN_MODEL] if panel else [])]
        origins = _origins(records)
        judged = [
            one
            for policy in policies
            for one in judgements(windows, Triage(table, memory, panel, TriageOptions(policy)), table, origins)
            if policy is Policy.RULES or one[0] == "model"
        ]
    made = Calibration(
        made_with={
            "how": HOW,
            "model": given.model,
            "programs": str(len({window.program for window in windows})),
            "records": read(given.dataset).manifest.records_sha256 if given.dataset else "",
            "rules_code": hash_of_rooms(("understand",)),
            "windows": str(len(windows)),
        },
        curves=curves(judged),
    )
    Artefact(given.out, canonical(made.model_dump(mode="json"))).write()
    for decider, knots in made.curves.items():
        shown = ", ".join(f"{knot.strength:.2f}: {knot.probability:.2f} ({knot.right:g}/{knot.of:g})" for knot in knots)
        sys.stdout.write(f"{decider}: {shown}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
