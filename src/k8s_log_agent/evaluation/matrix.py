"""Several settings judged on the same cases, in one run: models, policies, indexes, each against the first one.

A matrix is a YAML list of settings; what one leaves out is taken from the command's own options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from k8s_log_agent.dataset.store import Artefact, canonical
from k8s_log_agent.evaluation.comparison import Comparison, mcnemar
from k8s_log_agent.evaluation.evaluate import EvaluationOptions, Finished, Servers
from k8s_log_agent.evaluation.gate import FIELDS, Field_, is_right
from k8s_log_agent.evaluation.intervals import clustered, rounded
from k8s_log_agent.evaluation.outcomes import PARTS, Part
from k8s_log_agent.evaluation.results import Triaged, TriagedCase
from k8s_log_agent.evaluation.scores import TRIAGE
from k8s_log_agent.records import Record

MATRIX = "matrix.json"
Evaluate = Callable[["Setting", Servers, EvaluationOptions], Finished]


class MatrixError(ValueError):
    """A matrix cannot be used; the text names the file and the mend."""


class Setting(Record):
    """One run. `servers` and `options` are what differs from the command's own."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,40}$")]
    servers: dict[str, Any] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MatrixRun:
    """A setting with what came of it, and how it compares with the first setting, by part and field."""

    setting: Setting
    done: Finished
    comparisons: tuple[tuple[Part, Comparison], ...]


def read_matrix(path: Path) -> tuple[Setting, ...]:
    """Raises `MatrixError`."""
    try:
        settings = TypeAdapter(tuple[Setting, ...]).validate_python(
            tuple(yaml.safe_load(path.read_text(encoding="utf-8")))
        )
    except (OSError, TypeError, yaml.YAMLError, ValidationError) as error:
        raise MatrixError(
            f"The matrix {path} cannot be used: {str(error).splitlines()[0]}. It is a list of settings, each with a "
            "name, and with servers and options where they differ."
        ) from error
    names = [one.name for one in settings]
    if not settings or len(set(names)) < len(names):
        raise MatrixError(f"The matrix {path} needs at least one setting, and a name of its own for each.")
    return settings


def run_matrix(
    settings: Sequence[Setting], servers: Servers, options: EvaluationOptions, evaluate: Evaluate
) -> list[MatrixRun]:
    """Every setting in its order; `evaluate` judges one. Raises ValueError for fields that do not exist."""
    runs: list[MatrixRun] = []
    for setting in settings:
        own_servers = Servers.model_validate({**servers.model_dump(), **setting.servers})
        own_options = EvaluationOptions.model_validate({**options.model_dump(), **setting.options})
        done = evaluate(setting, own_servers, own_options)
        against = _triaged(runs[0].done) if runs else None
        found = _compared(setting, done, runs[0].setting, against, options.seed) if runs and against else ()
        runs.append(MatrixRun(setting, done, found))
    return runs


def between_runs(
    first: tuple[str, Sequence[TriagedCase]], second: tuple[str, Sequence[TriagedCase]], field: Field_, seed: int
) -> Comparison:
    """The shipped verdicts of two runs on the cases that both have: McNemar's test, and a bootstrap over groups."""
    others = {case.case: case for case in second[1]}
    pairs = [(case, others[case.case]) for case in first[1] if case.case in others]
    changes = [int(is_right(mine, field)) - int(is_right(its, field)) for mine, its in pairs]
    groups = [f"{mine.program}/{mine.truth.cause}" for mine, _ in pairs]
    gained, lost = changes.count(1), changes.count(-1)
    return Comparison(
        first=first[0],
        second=second[0],
        field=field,
        cases=len(pairs),
        right=sum(is_right(mine, field) for mine, _ in pairs),
        gained=gained,
        lost=lost,
        difference=rounded(sum(changes) / len(changes)) if changes else None,
        interval=clustered(groups, changes, seed) if changes else None,
        p_value=mcnemar(gained, lost),
    )


def matrix_table(runs: Sequence[MatrixRun]) -> str:
    """Cause and severity of each setting by part, and how the cause differs from the first setting."""
    row = "{:<18} {:<24} {:>8} {:>9} {:>8}  {}"
    lines = [row.format("part", "setting", "cause", "severity", "asked", "cause, against the first")]
    for part in PARTS:
        for run in runs:
            scores = run.done.evaluation.part(part)
            if scores is None:
                continue
            rates = [scores.method(TRIAGE).accuracy[field].rate.value for field in ("cause", "severity")]
            shown = ["-" if value is None else f"{value * 100:.0f} %" for value in rates]
            found = next((one for where, one in run.comparisons if where == part and one.field == "cause"), None)
            asked = run.done.evaluation.model.asked
            lines.append(row.format(part, run.setting.name, *shown, asked, _told(found)).rstrip())
    return "\n".join(lines)


def matrix_artefact(runs: Sequence[MatrixRun], out: Path) -> Artefact:
    """`matrix.json`: settings, and every comparison with the first one."""
    told = [
        {
            "setting": run.setting.model_dump(mode="json"),
            "made_with": run.done.evaluation.made_with,
            "comparisons": [{"part": part, **one.model_dump(mode="json")} for part, one in run.comparisons],
        }
        for run in runs
    ]
    return Artefact(out / MATRIX, canonical({"schema_version": 1, "runs": told}))


def _compared(
    setting: Setting, done: Finished, first: Setting, against: Triaged, seed: int
) -> tuple[tuple[Part, Comparison], ...]:
    mine = _triaged(done)
    found = []
    for part in PARTS:
        own = [case for case in mine.cases if case.part == part]
        its = [case for case in against.cases if case.part == part]
        if own and its:
            pair = (setting.name, own), (first.name, its)
            found += [(part, between_runs(*pair, field, seed)) for field in FIELDS]
    return tuple(found)


def _triaged(done: Finished) -> Triaged:
    return Triaged.model_validate_json(done.artefacts[0].content)


def _told(found: Comparison | None) -> str:
    if found is None or found.difference is None or found.interval is None:
        return ""
    span = f"{found.interval.low * 100:+.0f} to {found.interval.high * 100:+.0f}"
    return f"{found.difference * 100:+.1f} points ({span}), McNemar p = {found.p_value:.2g}"
