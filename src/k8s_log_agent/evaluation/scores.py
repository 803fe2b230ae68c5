"""All figures of one evaluation, by part and method: what `evaluation.json` holds.

Scores of a recorded part are over its fault windows, false alarms over its healthy ones; a golden part is scored over
all its records. A case that a method was not asked is in `unscored` and in nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from k8s_log_agent.evaluation.abstention import Abstention, abstention
from k8s_log_agent.evaluation.accuracy import FieldAccuracy, accuracy, exact
from k8s_log_agent.evaluation.calibration import Calibration, calibration
from k8s_log_agent.evaluation.comparison import Comparison, compare
from k8s_log_agent.evaluation.confusion import Confusion, Mistake, confusion, mistakes
from k8s_log_agent.evaluation.evidence import EvidenceScores, evidence
from k8s_log_agent.evaluation.false_alarms import false_alarms
from k8s_log_agent.evaluation.intervals import Rate
from k8s_log_agent.evaluation.macro_f1 import MacroF1, macro_f1
from k8s_log_agent.evaluation.outcomes import FIELDS, RECORDED, NoAnswer, Outcome, Part, scored
from k8s_log_agent.evaluation.severity_error import SeverityError, severity_error
from k8s_log_agent.records import GOLDEN_SEVERITIES, Record, VerdictState

TRIAGE = "triage"

MODEL_ALONE = "model_alone"
MODEL_WHERE_UNSURE = "model_where_unsure"
RULES = "rules"
NEAREST = "nearest_record"
KEYWORDS = "keywords"
MAJORITY = "majority"
METHODS = (TRIAGE, RULES, MODEL_WHERE_UNSURE, MODEL_ALONE, NEAREST, KEYWORDS, MAJORITY)

CLASSIFIED = ("cause", "category", "severity")
MOST_MISTAKES = 12
DECIDERS = ("rule", "memory", "model", "none")


class MethodScores(Record):
    """One method on one part."""

    method: str
    asked: int
    unscored: int
    accuracy: dict[str, FieldAccuracy]
    exact: Rate
    macro_f1: dict[str, MacroF1]
    severity_error: SeverityError
    evidence: EvidenceScores
    abstention: Abstention
    false_alarms: Rate


class PartScores(Record):
    """One part. `states`, `deciders` count all its verdicts; `right_by_decider`, `calibration` are of the cause."""

    part: Part
    cases: int
    failures: int
    causes: int
    groups: int
    programs: tuple[str, ...]
    methods: tuple[MethodScores, ...]
    comparisons: tuple[Comparison, ...]
    states: dict[str, int]
    deciders: dict[str, int]
    right_by_decider: dict[str, Rate]
    calibration: Calibration
    confusions: dict[str, Confusion]
    cause_mistakes: tuple[Mistake, ...]

    def method(self, name: str) -> MethodScores:
        """The scores of a method; raises KeyError."""
        for method in self.methods:
            if method.method == name:
                return method
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Decision:
    """How a verdict came about."""

    state: VerdictState
    decided_by: str
    confidence: float


def score_part(
    part: Part,
    outcomes: Mapping[str, Sequence[Outcome]],
    decisions: Mapping[str, Decision],
    programs: Sequence[str],
    seed: int,
) -> PartScores:
    """Scores of all methods; `outcomes` by method, of which `triage` is the one that ships, `decisions` by case."""
    judged = {name: _judged(part, of_method) for name, of_method in outcomes.items()}
    shipped = judged[TRIAGE]
    all_cases = outcomes[TRIAGE]
    methods = [name for name in METHODS if name in outcomes]
    pairs = [(TRIAGE, name) for name in methods if name != TRIAGE]
    pairs += [pair for pair in ((RULES, MODEL_ALONE), (MODEL_WHERE_UNSURE, RULES)) if set(pair) <= set(methods)]
    return PartScores(
        part=part,
        cases=len(all_cases),
        failures=sum(one.truth.is_failure for one in all_cases),
        causes=len({one.truth.cause for one in all_cases if one.truth.is_failure}),
        groups=len({one.group for one in shipped}),
        programs=tuple(sorted(set(programs))),
        methods=tuple(score_method(name, judged[name], outcomes[name], seed) for name in methods),
        comparisons=tuple(
            compare((first, judged[first]), (second, judged[second]), field, seed)
            for first, second in pairs
            for field in ("cause", "severity")
        ),
        states=_counted([state.value for state in VerdictState], [decision.state for decision in decisions.values()]),
        deciders=_counted(DECIDERS, [decision.decided_by for decision in decisions.values()]),
        right_by_decider=_right_by_decider(shipped, decisions),
        calibration=calibration([(decisions[one.case].confidence, one.right("cause")) for one in shipped]),
        confusions={
            "severity": confusion(shipped, "severity", [severity.value for severity in GOLDEN_SEVERITIES]),
            "category": confusion(shipped, "category"),
        },
        cause_mistakes=mistakes(shipped, "cause", MOST_MISTAKES),
    )


def score_method(name: str, judged: Sequence[Outcome], everything: Sequence[Outcome], seed: int) -> MethodScores:
    """Scores of one method: fields over `judged`, false alarms over `everything`."""
    return MethodScores(
        method=name,
        asked=len(scored(everything)),
        unscored=sum(one.answer is NoAnswer.UNSCORED for one in everything),
        accuracy={field: accuracy(judged, field, seed) for field in FIELDS},
        exact=exact(judged),
        macro_f1={field: macro_f1(judged, field, seed) for field in CLASSIFIED},
        severity_error=severity_error(judged, seed),
        evidence=evidence(judged, seed),
        abstention=abstention(judged),
        false_alarms=false_alarms(everything),
    )


def _judged(part: Part, outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if part not in RECORDED or one.truth.is_failure]


def _counted(names: Sequence[str], found: Sequence[str]) -> dict[str, int]:
    counts = Counter(found)
    return {name: counts[name] for name in names}


def _right_by_decider(outcomes: Sequence[Outcome], decisions: Mapping[str, Decision]) -> dict[str, Rate]:
    by_decider: dict[str, list[bool]] = {}
    for one in outcomes:
        by_decider.setdefault(decisions[one.case].decided_by, []).append(one.right("cause"))
    return {name: Rate.of_trials(by_decider[name]) for name in DECIDERS if name in by_decider}
