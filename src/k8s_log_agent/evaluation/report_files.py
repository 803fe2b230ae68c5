"""Makes summary.json and report.html from whatever a run has left in its output directory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from k8s_log_agent.dataset.store import COMBINED, REAL, SYNTHETIC, Artefact, canonical, parse
from k8s_log_agent.evaluation.report import render
from k8s_log_agent.evaluation.report_view import view
from k8s_log_agent.evaluation.results import EVALUATION, TIMINGS, TRIAGE_FILE, Evaluation, Triaged, TriageTimings
from k8s_log_agent.evaluation.summary import (
    REPORT,
    SUMMARY,
    DatasetCounts,
    Figure,
    Machine,
    ServedModel,
    Summary,
    Throughput,
    scores_of,
)
from k8s_log_agent.llm.benchmark import Benchmark, Spread
from k8s_log_agent.records import GoldenDataset

BENCHMARK = "benchmark.json"
STAGES = "timings.json"
OWN_STAGE = "Make a page and a summary of the last run"  # it ends after the report is made, and is not in it
DATASETS = {"real": REAL, "synthetic": SYNTHETIC, "combined": COMBINED}
FILES = {"benchmark": BENCHMARK, "triage": TRIAGE_FILE, "evaluation": EVALUATION}

Model = TypeVar("Model", bound=BaseModel)


class ReportError(ValueError):
    """A file that the report is made of cannot be read; the text names it and what makes it anew."""


def report_artefacts(folder: Path, machine: Machine, versions: Mapping[str, str]) -> tuple[Artefact, Artefact]:
    """The summary and the page. Files that are missing leave their part empty; raises `ReportError` for broken ones."""
    benchmark = _read(folder / BENCHMARK, Benchmark)
    evaluation = _read(folder / EVALUATION, Evaluation)
    datasets = {name: _dataset(folder / file) for name, file in DATASETS.items() if (folder / file).is_file()}
    files = {**{f"{name} data set": file for name, file in DATASETS.items()}, **FILES}
    decisive = evaluation.made_with if evaluation else {}
    summary = Summary(
        versions={**versions, **{name: decisive[name] for name in ("prompt", "policy") if decisive.get(name)}},
        machine=machine,
        model=_served(benchmark) if benchmark else None,
        seconds_by_stage=_stages(folder / STAGES),
        lines=evaluation.lines if evaluation else None,
        throughput=_throughput(benchmark) if benchmark else None,
        datasets=datasets,
        target=_target(datasets.get("combined")),
        scores={part.part: scores_of(part) for part in evaluation.parts} if evaluation else {},
        model_calls=evaluation.model if evaluation else None,
        paths={"report": REPORT, **{name: file for name, file in files.items() if (folder / file).is_file()}},
    )
    page = view(summary, evaluation, _read(folder / TRIAGE_FILE, Triaged), _read(folder / TIMINGS, TriageTimings))
    return (
        Artefact(folder / SUMMARY, canonical(summary.model_dump(mode="json"))),
        Artefact(folder / REPORT, render(page).encode("utf-8")),
    )


def _read(path: Path, model: type[Model]) -> Model | None:
    if not path.is_file():
        return None
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ReportError(
            f"{path} cannot be used: {str(error).splitlines()[0]}. Delete it and run `make demo`, which makes it anew."
        ) from error


def _stages(path: Path) -> dict[str, float]:
    if not path.is_file():
        return {}
    try:
        stages = TypeAdapter(dict[str, float]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ReportError(
            f"{path} does not hold seconds by stage: {str(error).splitlines()[0]}. Delete it; it is made anew by the "
            "next run that changes anything."
        ) from error
    return {name: seconds for name, seconds in stages.items() if name != OWN_STAGE}


def _dataset(path: Path) -> DatasetCounts:
    dataset: GoldenDataset = parse(path.read_bytes(), str(path))
    records = dataset.records
    return DatasetCounts(
        records=len(records),
        severity=_counted(record.truth.severity.value for record in records),
        category=_counted(record.truth.category.value for record in records),
        split=_counted(record.split for record in records),
        shortfalls=dataset.manifest.shortfalls,
        drops=dataset.manifest.drops,
    )


def _target(combined: DatasetCounts | None) -> dict[str, int]:
    """What was asked for is what is there and what is short."""
    if combined is None:
        return {}
    levels = combined.severity.keys() | combined.shortfalls.keys()
    return {level: combined.severity.get(level, 0) + combined.shortfalls.get(level, 0) for level in sorted(levels)}


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _served(benchmark: Benchmark) -> ServedModel:
    return ServedModel(
        alias=benchmark.model_alias,
        bytes=benchmark.model_bytes,
        build=benchmark.build,
        threads=benchmark.threads,
        slots=benchmark.throughput.parallel_slots,
        context_tokens_per_slot=benchmark.context_tokens_per_slot,
    )


def _throughput(benchmark: Benchmark) -> Throughput:
    measured = benchmark.throughput
    return Throughput(
        measured_at=benchmark.measured_at,
        prompt_tokens_per_second=_figure(measured.prompt_tokens_per_second),
        generation_tokens_per_second=_figure(measured.generation_tokens_per_second),
        parallel_generation_tokens_per_second=_figure(measured.parallel_generation_tokens_per_second),
        time_to_first_token_ms=_figure(measured.time_to_first_token_ms),
        generation_ceiling_tokens_per_second=benchmark.generation_ceiling_tokens_per_second,
    )


def _figure(spread: Spread) -> Figure:
    return Figure(median=spread.median, minimum=spread.minimum, maximum=spread.maximum, samples=spread.samples)
