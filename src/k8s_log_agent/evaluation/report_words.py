"""The sentences of the report that depend on what was found."""

from __future__ import annotations

from k8s_log_agent.evaluation.comparison import Comparison
from k8s_log_agent.evaluation.intervals import Interval, Rate
from k8s_log_agent.evaluation.results import Evaluation
from k8s_log_agent.evaluation.scores import (
    KEYWORDS,
    MAJORITY,
    MODEL_ALONE,
    MODEL_WHERE_UNSURE,
    NEAREST,
    RULES,
    TRIAGE,
    MethodScores,
    PartScores,
)

METHOD_NAMES = {
    TRIAGE: "Triage, as shipped",
    RULES: "Rules, no model",
    MODEL_WHERE_UNSURE: "The model, where rules are unsure",
    MODEL_ALONE: "The model's own choice",
    NEAREST: "Nearest record",
    KEYWORDS: "Keywords",
    MAJORITY: "Most frequent answer",
}
PART_NAMES = {
    "held_out": "Held-out programs and causes",
    "training": "Programs the rules were written for",
    "golden_real": "Golden data set, real records",
    "golden_synthetic": "Golden data set, synthetic records",
}
PART_NOTES = {
    "held_out": "Recorded faults that nobody looked at while the rules were written: the figure to believe.",
    "training": "Recorded faults that the rules were written with; good figures are expected here and prove little.",
    "golden_real": "The test split, each record judged from its own lines, those without a failure among them.",
    "golden_synthetic": "The test split of what templates made; templates say less than programs do.",
}
DECIDER_NAMES = {"rule": "a rule", "memory": "a similar record", "model": "the model", "none": "no failure found"}
SIMPLE = (NEAREST, KEYWORDS, MAJORITY)


def percent(value: float | None) -> str:
    """As whole per cent."""
    return "—" if value is None else f"{value * 100:.0f} %"


def interval_text(interval: Interval | None) -> str:
    """As a range in per cent."""
    return "" if interval is None else f"{interval.low * 100:.0f} to {interval.high * 100:.0f} %"


def rate_text(rate: Rate) -> str:
    """Such as `68 % (95 % interval 56 to 79 %)`."""
    return f"{percent(rate.value)} (95 % interval {interval_text(rate.interval)})" if rate.of else "not measured"


def headline(evaluation: Evaluation) -> str:
    """The one sentence for somebody who reads only one: the cause on the part that counts, beside its best baseline."""
    part = evaluation.part("held_out") or (evaluation.parts[0] if evaluation.parts else None)
    if part is None:
        return "No case was judged: there was neither a recording nor a golden data set."
    rate = part.method(TRIAGE).accuracy["cause"].rate
    known = {"held_out": "faults it had never seen", "training": "recorded faults"}
    what = known.get(part.part, "labelled records")
    text = f"Triage named the cause of {rate.right} of {rate.of} {what}: {rate_text(rate)}."
    rivals = [one for one in part.methods if one.method in SIMPLE and one.accuracy["cause"].rate.of]
    if rivals:
        best = max(rivals, key=lambda one: one.accuracy["cause"].rate.value or 0)
        name = METHOD_NAMES[best.method]
        text += f" “{name}”, the best of the simple baselines, reaches {percent(best.accuracy['cause'].rate.value)}."
    return text


def alarms(part: PartScores) -> str:
    """How many windows without a failure raised an alarm; empty where there were none."""
    rate = part.method(TRIAGE).false_alarms
    if not rate.of:
        return ""
    return f"Of {rate.of} cases without a failure {rate.right} raised an alarm: {rate_text(rate)}."


def confidence(part: PartScores) -> str:
    """How far the confidence can be taken at its word; empty without verdicts."""
    found = part.calibration
    if found.expected_error is None or found.brier is None:
        return ""
    return (
        f"The confidence of a verdict is off by {found.expected_error * 100:.0f} points on average "
        f"(Brier score {found.brier:.2f})."
    )


def silence(evaluation: Evaluation, part: PartScores) -> str:
    """What becomes of windows that do not state their cause any more; empty where there were none."""
    found = next((one for one in evaluation.little_evidence if one.part == part.part), None)
    if found is None or not found.unknown.of:
        return ""
    return (
        f"Without the lines that state the cause, and with trouble left in the window, {found.unknown.right} of "
        f"{found.unknown.of} windows were answered “unknown”: {rate_text(found.unknown)}."
    )


def model_worth(part: PartScores) -> str:
    """Whether the model adds anything on this part, in words that the figures carry."""
    if all(one.method != MODEL_ALONE for one in part.methods):
        return "No model was asked."
    trial = _comparison(part, MODEL_WHERE_UNSURE, RULES)
    tried = trial or _comparison(part, TRIAGE, RULES)
    if tried is None or not tried.cases:
        return "The rules alone were not measured."
    words = f"{_changes(tried)} {_verdict(tried, decides=trial is None)}"
    if trial:
        words = f"The model does not decide here; this is what it would do where the rules are unsure. {words}"
    return words + _alone(_comparison(part, RULES, MODEL_ALONE))


def shown_methods(part: PartScores) -> list[MethodScores]:
    """The methods that a reader wants to see: where triage is the rules, these are not shown twice."""
    names = {one.method for one in part.methods}
    return [one for one in part.methods if one.method != RULES or MODEL_WHERE_UNSURE not in names]


def _comparison(part: PartScores, first: str, second: str) -> Comparison | None:
    wanted = (first, second, "cause")
    return next((one for one in part.comparisons if (one.first, one.second, one.field) == wanted), None)


def _alone(comparison: Comparison | None) -> str:
    if comparison is None or not comparison.cases:
        return ""
    return (
        f" Asked about {_times(comparison.cases, 'case')}, the model by itself named "
        f"{_times(comparison.right_second, 'cause')} rightly, and the rules {comparison.right} of the same."
    )


def _changes(comparison: Comparison) -> str:
    if not comparison.gained and not comparison.lost:
        return f"Over {comparison.cases} cases the model turned no answer from wrong to right or back."
    return (
        f"Over {comparison.cases} cases the model turned {_times(comparison.gained, 'wrong cause')} right and "
        f"{_times(comparison.lost, 'right one')} wrong (McNemar p = {comparison.p_value:.2g})."
    )


def _verdict(comparison: Comparison, *, decides: bool) -> str:
    if comparison.separate and (comparison.difference or 0) > 0:
        return "It earns its place." if decides else "It would earn its place: let it decide."
    if comparison.separate:
        return "It does harm: switch it off." if decides else "It would do harm, so it stays switched off."
    chance = "That is no difference that can be told from chance, so "
    return chance + ("the rules could have done it alone." if decides else "it stays switched off.")


def _times(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
