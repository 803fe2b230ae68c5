"""The files of one evaluation: `evaluation.json`, `triage.json`, and the timings that are kept out of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from k8s_log_agent.evaluation.little_evidence import LittleEvidence
from k8s_log_agent.evaluation.outcomes import Part
from k8s_log_agent.evaluation.scores import PartScores
from k8s_log_agent.records import Category, Record, Severity, Verdict

SCHEMA_VERSION = 1
EVALUATION = "evaluation.json"
TRIAGE_FILE = "triage.json"
TIMINGS = "triage_timings.json"

Count = Annotated[int, Field(ge=0)]


class ModelUse(Record):
    """How often triage wanted the model, and what came of it. Counts are of cases; tokens are summed over answers.

    `asked` = `ok` + `repaired` + `failed`; `over_budget` cases were left to the rules since `evaluation_model_calls`
    was used up.
    """

    enabled: bool
    model: str
    prompt_version: str
    asked: Count
    ok: Count
    repaired: Count
    failed: Count
    over_budget: Count
    prompt_tokens: Count
    generated_tokens: Count


class LineCounts(Record):
    """What went through understanding. `noise` and `dropped` count by rule; noise is in lines, dropped in pieces."""

    lines: Count
    events: Count
    signatures: Count
    noise_lines: Count
    noise: dict[str, int]
    dropped: dict[str, int]


class Evaluation(Record):
    """What `evaluation.json` holds. `made_with` are the versions and hashes that decide the answers."""

    schema_version: int = SCHEMA_VERSION
    made_with: dict[str, str]
    seed: int
    model: ModelUse
    lines: LineCounts
    parts: tuple[PartScores, ...]
    little_evidence: tuple[LittleEvidence, ...] = ()

    def part(self, name: Part) -> PartScores | None:
        """The scores of a part, or None when there were no cases of it."""
        return next((part for part in self.parts if part.part == name), None)


class StatedTruth(Record):
    """What a case's manifest or record says is right."""

    cause: str
    category: Category
    severity: Severity
    component: str


class ShownLine(Record):
    """A redacted line of an incident. `cited` by the verdict, `stated` as evidence by the truth.

    `skipped` lines of the window lie between it and the one before.
    """

    source: str
    line: int
    text: str
    cited: bool
    stated: bool
    skipped: Count = 0


class TriagedCase(Record):
    """A case with its verdict, and the cause that each baseline named."""

    case: str
    part: Part
    program: str
    title: str
    truth: StatedTruth
    verdict: Verdict
    causes: dict[str, str]

    @property
    def right(self) -> bool:
        """Whether the verdict names the cause."""
        return self.verdict.cause == self.truth.cause


class Incident(TriagedCase):
    """A case that the report shows, with the lines around its evidence."""

    lines: tuple[ShownLine, ...]


class Triaged(Record):
    """What `triage.json` holds: every case, and the few that the report shows whole."""

    schema_version: int = SCHEMA_VERSION
    cases: tuple[TriagedCase, ...]
    incidents: tuple[Incident, ...]


class TriageTimings(Record):
    """Seconds that the answers took when they were made, which may have been in an earlier run."""

    schema_version: int = SCHEMA_VERSION
    seconds: dict[str, float]
    model_seconds_each: tuple[float, ...] = ()


def summed(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Seconds by step over all answers."""
    steps = sorted({step for timing in each for step in timing})
    return {step: round(sum(timing.get(step, 0.0) for timing in each), 3) for step in steps}
