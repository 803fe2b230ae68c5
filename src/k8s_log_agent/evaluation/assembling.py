"""From judged cases to the results: outcomes of every method, scores by part, incidents, counts, timings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from k8s_log_agent.evaluation.baselines import CategoryOf, Keywords, majority
from k8s_log_agent.evaluation.incidents import choose, shown
from k8s_log_agent.evaluation.outcomes import PARTS, RECORDED, Answer, NoAnswer, Outcome, Part, Truth, answer_of
from k8s_log_agent.evaluation.results import (
    Evaluation,
    LineCounts,
    ModelUse,
    StatedTruth,
    Triaged,
    TriagedCase,
    TriageTimings,
    summed,
)
from k8s_log_agent.evaluation.running import Judged
from k8s_log_agent.evaluation.scores import (
    KEYWORDS,
    MAJORITY,
    MODEL_ALONE,
    MODEL_WHERE_UNSURE,
    NEAREST,
    RULES,
    TRIAGE,
    Decision,
    PartScores,
    score_part,
)
from k8s_log_agent.records import Category, Severity

NOTHING_ALIKE = Answer("unknown", Category.UNKNOWN, Severity.UNKNOWN, "unknown")

Outcomes = dict[str, list[Outcome]]


@dataclass(frozen=True, slots=True)
class Learnt:
    """The truths that a baseline may learn from: recorded faults of the training part, and records of its split."""

    faults: tuple[Truth, ...]
    records: tuple[Truth, ...]


def outcomes_of(judged: Sequence[Judged], usual: Answer, category_of: CategoryOf) -> Outcomes:
    """What each method says of the cases; `usual` is the most frequent answer. A method without means is left out."""
    keywords = Keywords.default()
    found: Outcomes = {}
    for one in judged:
        answers: dict[str, Answer | NoAnswer] = {
            TRIAGE: answer_of(one.verdict),
            RULES: answer_of(one.first.verdict),
            MODEL_WHERE_UNSURE: answer_of(one.verdict_with_model),
            MODEL_ALONE: one.second.model_answer if one.second else NoAnswer.UNSCORED,
            NEAREST: one.first.nearest.answer if one.first.nearest else NOTHING_ALIKE,
            KEYWORDS: keywords.answer(one.case, usual.component, category_of),
            MAJORITY: usual,
        }
        for name, answer in answers.items():
            found.setdefault(name, []).append(Outcome(one.case.id, one.case.group, one.case.truth, answer))
    asked = any(one.second for one in judged)
    if not asked:
        found.pop(MODEL_ALONE, None)
    if not asked or all(one.model_decides for one in judged):
        found.pop(MODEL_WHERE_UNSURE, None)
    if not any(one.first.nearest for one in judged):
        found.pop(NEAREST, None)
    return found


def evaluation_of(  # noqa: PLR0913 - all that the file states
    judged: Sequence[Judged],
    learnt: Learnt,
    category_of: CategoryOf,
    *,
    made_with: dict[str, str],
    model: str,
    prompt_version: str,
    seed: int,
) -> Evaluation:
    """The scores of all parts that have cases. `learnt` is what a baseline may learn from."""
    return Evaluation(
        made_with=dict(sorted(made_with.items())),
        seed=seed,
        model=_model_use(judged, model, prompt_version),
        lines=_line_counts(judged),
        parts=tuple(
            _part(part, of_part, learnt, category_of, seed)
            for part in PARTS
            if (of_part := [one for one in judged if one.case.part == part])
        ),
    )


def triaged_of(judged: Sequence[Judged], redact: Callable[[str], str]) -> Triaged:
    """All cases with their verdicts, and the incidents that the report shows."""
    cases = [_triaged(one) for one in judged]
    by_id = {one.case.id: one.case for one in judged}
    incidents = tuple(shown(by_id[one.case], one, redact) for one in choose(cases))
    return Triaged(cases=tuple(cases), incidents=incidents)


def timings_of(judged: Sequence[Judged]) -> TriageTimings:
    """Seconds by step, as they were measured when the answers were made."""
    seconds = [timing for one in judged for timing in (one.first.seconds, one.second.seconds if one.second else {})]
    each = sorted(round(one.second.seconds.get("model", 0.0), 3) for one in judged if one.second)
    return TriageTimings(seconds=summed(seconds), model_seconds_each=tuple(each))


def _part(part: Part, judged: Sequence[Judged], learnt: Learnt, category_of: CategoryOf, seed: int) -> PartScores:
    truths = (learnt.faults if part in RECORDED else learnt.records) or [one.case.truth for one in judged]
    outcomes = outcomes_of(judged, majority(truths), category_of)
    decisions = {
        one.case.id: Decision(one.verdict.state, one.verdict.decided_by, one.verdict.confidence) for one in judged
    }
    programs = [one.case.program for one in judged] if part in RECORDED else []
    return score_part(part, outcomes, decisions, programs, seed)


def _model_use(judged: Sequence[Judged], model: str, prompt_version: str) -> ModelUse:
    answers = [one.second for one in judged if one.second]
    return ModelUse(
        enabled=bool(model),
        model=model,
        prompt_version=prompt_version,
        asked=len(answers),
        ok=sum(one.model is not None and not one.repaired for one in answers),
        repaired=sum(one.repaired for one in answers),
        failed=sum(one.model is None for one in answers),
        over_budget=sum(one.over_budget for one in judged),
        prompt_tokens=sum(one.prompt_tokens for one in answers),
        generated_tokens=sum(one.generated_tokens for one in answers),
    )


def _line_counts(judged: Sequence[Judged]) -> LineCounts:
    recorded = [one.first for one in judged if one.case.part in RECORDED]
    noise: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    signatures: set[str] = set()
    for first in recorded:
        noise.update(first.noise)
        dropped.update(first.dropped)
        signatures.update(first.signatures)
    return LineCounts(
        lines=sum(first.lines for first in recorded),
        events=sum(first.events for first in recorded),
        signatures=len(signatures),
        noise_lines=sum(noise.values()),
        noise=dict(sorted(noise.items())),
        dropped=dict(sorted(dropped.items())),
    )


def _triaged(one: Judged) -> TriagedCase:
    truth, model = one.case.truth, one.second.model if one.second else None
    causes = {RULES: one.first.verdict.cause}
    if model:
        causes[MODEL_ALONE] = model.cause
    if one.first.nearest:
        causes[NEAREST] = one.first.nearest.cause
    stated = StatedTruth(cause=truth.cause, category=truth.category, severity=truth.severity, component=truth.component)
    return TriagedCase(
        case=one.case.id,
        part=one.case.part,
        program=one.case.program,
        title=one.case.title,
        truth=stated,
        verdict=one.verdict,
        causes=causes,
    )
