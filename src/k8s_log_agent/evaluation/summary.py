"""What one run of the main job did, for machines: `summary.json`. Its JSON Schema is docs/summary-schema.json."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from k8s_log_agent.evaluation.intervals import Interval, Rate
from k8s_log_agent.evaluation.results import Count, LineCounts, ModelUse
from k8s_log_agent.evaluation.scores import PartScores
from k8s_log_agent.records import Record

SCHEMA_VERSION = 1
SUMMARY = "summary.json"
REPORT = "report.html"


class Machine(Record):
    """Where it ran. Nothing in it names the machine."""

    processor: Annotated[str, Field(description="Name of the processor's model.")]
    processors: Annotated[int, Field(ge=1, description="Processors that the run may use.")]
    memory_bytes: Annotated[int, Field(ge=0, description="Main memory; 0 when it is not known.")]
    system: Annotated[str, Field(description="Distribution and its version.")]
    kernel: Annotated[str, Field(description="Release of the kernel.")]


class ServedModel(Record):
    """The model and the server that answers."""

    alias: str
    bytes: Count
    build: Annotated[str, Field(description="Build of llama.cpp.")]
    threads: Count
    slots: Count
    context_tokens_per_slot: Count


class Figure(Record):
    """A measured figure: the median of the repeats, and their range."""

    median: float
    minimum: float
    maximum: float
    samples: tuple[float, ...]


class Throughput(Record):
    """Tokens per second, and milliseconds to the first token. `ceiling` is what the memory's bandwidth allows."""

    measured_at: str
    prompt_tokens_per_second: Figure
    generation_tokens_per_second: Figure
    parallel_generation_tokens_per_second: Figure
    time_to_first_token_ms: Figure
    generation_ceiling_tokens_per_second: float


class DatasetCounts(Record):
    """One data set file: records by severity, category and split, and what is short of its target by severity."""

    records: Count
    severity: dict[str, int]
    category: dict[str, int]
    split: dict[str, int]
    shortfalls: dict[str, int]
    drops: Annotated[dict[str, int], Field(description="Lines that extraction left out, by rule.")]


class Score(Record):
    """A figure with its 95 % interval; `right` of `of` where it is a rate."""

    value: float | None
    interval: Annotated[Interval | None, Field(description="Wilson's for rates, else a bootstrap over groups.")]
    right: int | None = None
    of: int | None = None

    @classmethod
    def of_rate(cls, rate: Rate) -> Score:
        """A rate as a score."""
        return cls(value=rate.value, interval=rate.interval, right=rate.right, of=rate.of)


class Summary(Record):
    """What the run did. A part or figure that was not made in this run is null or empty."""

    schema_version: int = SCHEMA_VERSION
    versions: Annotated[dict[str, str], Field(description="Versions of what decides the results, by name.")]
    machine: Machine
    model: ServedModel | None
    seconds_by_stage: Annotated[
        dict[str, float], Field(description="Seconds of each stage, in the last run that changed anything.")
    ]
    lines: Annotated[LineCounts | None, Field(description="Lines of all recorded windows, with counts by rule.")]
    throughput: Throughput | None
    datasets: Annotated[dict[str, DatasetCounts], Field(description="By name: real, synthetic, combined.")]
    target: Annotated[dict[str, int], Field(description="Records by severity that the combined set should have.")]
    scores: Annotated[
        dict[str, dict[str, dict[str, Score]]], Field(description="By part, method and figure; see Score.")
    ]
    model_calls: ModelUse | None
    paths: Annotated[dict[str, str], Field(description="The files of the run, relative to this one.")]


def scores_of(part: PartScores) -> dict[str, dict[str, Score]]:
    """The main figures of one part, by method."""
    found: dict[str, dict[str, Score]] = {}
    for method in part.methods:
        figures = {f"{field}_accuracy": Score.of_rate(one.rate) for field, one in method.accuracy.items()}
        for field, f1 in method.macro_f1.items():
            figures[f"{field}_macro_f1"] = Score(value=f1.value, interval=f1.interval)
        error = method.severity_error
        figures["severity_mean_absolute_error"] = Score(value=error.mean_absolute, interval=error.interval)
        figures["severity_within_one"] = Score.of_rate(error.within_one)
        figures["under_triage"] = Score.of_rate(error.under_triage)
        figures["evidence_precision"] = Score.of_rate(method.evidence.precision)
        figures["evidence_recall"] = Score.of_rate(method.evidence.recall)
        figures["all_fields"] = Score.of_rate(method.exact)
        figures["abstained"] = Score.of_rate(method.abstention.abstained)
        figures["invalid"] = Score.of_rate(method.abstention.invalid)
        figures["false_alarms"] = Score.of_rate(method.false_alarms)
        found[method.method] = figures
    return found
