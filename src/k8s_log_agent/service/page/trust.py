"""What a confidence is worth, said honestly: how often verdicts like this one were right, and on how many faults."""

from __future__ import annotations

from dataclasses import dataclass

from k8s_log_agent.records import Verdict
from k8s_log_agent.triage.calibration import Calibration, Knot
from k8s_log_agent.triage.confidence import way
from k8s_log_agent.triage.opinions import UNKNOWN

ENOUGH = 10  # faults behind a figure, before it is shown as more than a hint
SURE, LIKELY = 0.9, 0.7
_LEVELS = {
    "sure": "Very likely right.",
    "likely": "Probably right; look at the evidence.",
    "doubtful": "Doubtful; look at the evidence.",
}
DECIDERS = {
    "rule": ("a rule", "A rule recognised the lines."),
    "memory": ("memory", "Similar labelled records decided; no rule was sure."),
    "model": ("the model", "The language model chose among candidates; no rule was sure."),
    "none": ("nobody", "Neither a rule, nor a similar record, nor the model found a cause."),
}
STATES = {
    "ok": "The model's answer was valid at once and cites lines that exist.",
    "repaired": "The model's first answer was not valid; the second one was.",
    "degraded": "The model gave no usable answer, so the rules decided.",
    "ruled": "",
    "rejected": "There was nothing to answer: no line shows a failure.",
}


@dataclass(frozen=True, slots=True)
class Trust:
    """`share` of 0..1 for the meter, None where there is no answer to believe; `level` is sure, likely or doubtful."""

    share: float | None
    level: str
    words: str
    basis: str


def decider(verdict: Verdict) -> tuple[str, str]:
    """Which part decided, in a word and in a sentence."""
    return DECIDERS["none" if verdict.cause == UNKNOWN else verdict.decided_by]


def trust(verdict: Verdict, curves: Calibration) -> Trust:
    """How far a verdict can be believed."""
    share = verdict.confidence
    if verdict.cause == UNKNOWN:
        return Trust(None, "doubtful", "The cause is not known.", _unknown(curves))
    faults = _faults_behind(verdict, curves)
    hundred = f"{share * 100:.0f}"
    if faults < ENOUGH:
        level, hint = ("doubtful", "Take it as a hint.") if share < SURE else ("likely", "Likely, on little evidence.")
        return Trust(share, level, hint, f"{hundred} of 100, measured on {_recorded(round(faults))}.")
    level = "sure" if share >= SURE else "likely" if share >= LIKELY else "doubtful"
    basis = (
        f"Verdicts like this were right about {hundred} times in 100, measured on {_recorded(round(faults))} of "
        "programs whose own rules had been taken away."
    )
    return Trust(share, level, _LEVELS[level], basis)


def _recorded(faults: int) -> str:
    return {0: "no recorded fault", 1: "one recorded fault"}.get(faults, f"{faults} recorded faults")


def _unknown(curves: Calibration) -> str:
    knots = curves.curves.get("unknown", ())
    measured = sum(knot.of for knot in knots)
    if not measured:
        return ""
    return f"Better said than guessed: so it was on {measured:.0f} recorded faults whose rules had been taken away."


def _faults_behind(verdict: Verdict, curves: Calibration) -> float:
    """The faults of the one or two knots between which the confidence lies."""
    knots = curves.curves.get(way(verdict.decided_by, verdict.cause), ())
    below = [knot for knot in knots if knot.probability <= verdict.confidence]
    above = [knot for knot in knots if knot.probability >= verdict.confidence]
    near: list[Knot] = [*below[-1:], *above[:1]]
    return max((knot.of for knot in near), default=0.0)
