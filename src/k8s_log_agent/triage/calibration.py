"""From the strength of a verdict to how often verdicts of that strength are right: a monotone curve, kept as data.

`calibration.json` is made by `python -m k8s_log_agent.evaluation.confidence_fit` and says there what it was made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field, model_validator

from k8s_log_agent.records import Record

Decider = Literal["rule", "memory", "model", "unknown", "none"]
FILE = "calibration.json"
Share = Annotated[float, Field(ge=0, le=1)]


class Knot(Record):
    """Verdicts around one strength: `probability` that they are right, smoothed; `right` of `of` are groups, weighted.

    A group is a program with one fault; its repeats share the weight 1.
    """

    strength: Share
    probability: Share
    right: Annotated[float, Field(ge=0)]
    of: Annotated[float, Field(ge=0)]


class Calibration(Record):
    """One curve for each way in which a verdict comes about: by rule, memory or model, `unknown`, or `none`.

    `made_with` says which recordings, records and rules the curves rest on, and how.
    """

    schema_version: Literal[1] = 1
    made_with: dict[str, str]
    curves: Mapping[Decider, tuple[Knot, ...]]

    @model_validator(mode="after")
    def _every_curve_rises(self) -> Calibration:
        for decider, knots in self.curves.items():
            pairs = [(knot.strength, knot.probability) for knot in knots]
            strengths = [strength for strength, _ in pairs]
            if not pairs or pairs != sorted(pairs, key=lambda pair: pair[1]) or strengths != sorted(set(strengths)):
                raise ValueError(f"the curve of {decider} does not rise with the strength")
        return self

    @staticmethod
    @cache
    def default() -> Calibration:
        """The shipped curves."""
        return Calibration.model_validate_json(resources.files(__package__).joinpath(FILE).read_bytes())

    def probability(self, decider: Decider, strength: float) -> float:
        """0..1, linear between two knots, level outside them, to 3 digits; 0.5 where nothing was measured."""
        knots = self.curves.get(decider)
        if not knots:
            return 0.5
        after = next((place for place, knot in enumerate(knots) if knot.strength >= strength), len(knots))
        if after == 0 or after == len(knots):
            return round(knots[min(after, len(knots) - 1)].probability, 3)
        low, high = knots[after - 1], knots[after]
        part = (strength - low.strength) / (high.strength - low.strength)
        return round(low.probability + part * (high.probability - low.probability), 3)
