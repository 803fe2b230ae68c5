"""Whether what comes in, or what comes out, has moved away from a reference, and whether that has lasted.

A metric drifts when its corrected p-value is below `alpha` and its distance is at least its bound: with many lines any
difference is significant, and with few any distance is chance. It alerts when it drifted in `windows` comparisons in a
row. With fewer observations than the minimum on either side nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from k8s_log_agent.evaluation.drift_profile import DriftError, DriftProfile
from k8s_log_agent.evaluation.drift_tests import (
    benjamini_hochberg,
    chi_square,
    fisher,
    holm,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
)
from k8s_log_agent.records import Record

State = Literal["steady", "drifting", "alert", "too_few"]
Side = Literal["input", "output"]


class DriftOptions(Record):
    """When something counts as drift. Minima are observations on either side."""

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.01
    correction: Literal["holm", "benjamini_hochberg"] = "holm"
    windows: Annotated[int, Field(ge=1)] = 3
    least_statements: Annotated[int, Field(ge=1)] = 200
    least_verdicts: Annotated[int, Field(ge=1)] = 20
    psi: float = 0.1
    distance: float = 0.1  # of Kolmogorov and Smirnov
    share: float = 0.05  # difference of two shares


class DriftMetric(Record):
    """One comparison. `distance` against `bound`; `corrected` is the p-value after correction for all metrics.

    `lasted` counts the comparisons in a row that drifted, this one included. `also` holds a second distance.
    """

    name: str
    side: Side
    test: str
    reference_count: int
    current_count: int
    distance: float
    bound: float
    p_value: float
    corrected: float
    state: State
    lasted: int
    also: dict[str, float] = Field(default_factory=dict)


class DriftReport(Record):
    """All metrics, the drifting ones first."""

    schema_version: Literal[1] = 1
    options: DriftOptions
    metrics: tuple[DriftMetric, ...]

    @property
    def alerts(self) -> tuple[DriftMetric, ...]:
        """The metrics that drifted long enough."""
        return tuple(one for one in self.metrics if one.state == "alert")

    @property
    def lasted(self) -> dict[str, int]:
        """What the next comparison has to know."""
        return {one.name: one.lasted for one in self.metrics}


@dataclass(frozen=True, slots=True)
class _Measured:
    name: str
    side: Side
    test: str
    counts: tuple[int, int]
    distance: float
    bound: float
    p_value: float
    also: Mapping[str, float]


def compare_profiles(
    reference: DriftProfile, current: DriftProfile, options: DriftOptions, lasted: Mapping[str, int]
) -> DriftReport:
    """The report; `lasted` is that of the comparison before. Raises `DriftError` for profiles of two signatures."""
    if reference.signature_version != current.signature_version:
        raise DriftError(
            f"The reference has signatures of version {reference.signature_version}, the current logs of version "
            f"{current.signature_version}: none would match. Make the reference anew."
        )
    measured = list(_measured(reference, current, options))
    enough = [min(one.counts) >= _least(one, options) for one in measured]
    correct: Callable[[Sequence[float]], list[float]] = holm if options.correction == "holm" else benjamini_hochberg
    corrected = iter(correct([one.p_value for one, usable in zip(measured, enough, strict=True) if usable]))
    metrics = [
        _metric(one, next(corrected) if usable else None, options, lasted.get(one.name, 0))
        for one, usable in zip(measured, enough, strict=True)
    ]
    order: tuple[State, ...] = ("alert", "drifting", "steady", "too_few")
    return DriftReport(options=options, metrics=tuple(sorted(metrics, key=lambda one: order.index(one.state))))


def _measured(reference: DriftProfile, current: DriftProfile, options: DriftOptions) -> Iterator[_Measured]:
    yield _mix("category", "input", reference.categories, current.categories, options)
    yield _mix("severity", "input", reference.severities, current.severities, options)
    yield _mix("format", "input", reference.formats, current.formats, options)
    yield _numbers("length", "input", reference.lengths, current.lengths, options)
    yield _shares("novel_signatures", "input", reference.novelty, current.novel_beside(reference), options)
    yield _mix("cause", "output", reference.causes, current.causes, options)
    yield _shares("unknown", "output", reference.unknown, current.unknown, options)
    yield _shares("invalid", "output", reference.invalid, current.invalid, options)
    yield _numbers("confidence", "output", reference.confidences, current.confidences, options)


def _mix(
    name: str, side: Side, before: Mapping[str, int], after: Mapping[str, int], options: DriftOptions
) -> _Measured:
    counts = sum(before.values()), sum(after.values())
    also = {"jensen_shannon": round(jensen_shannon(before, after), 4)}
    return _Measured(name, side, "chi_square", counts, psi(before, after), options.psi, chi_square(before, after), also)


def _numbers(
    name: str, side: Side, before: Sequence[float], after: Sequence[float], options: DriftOptions
) -> _Measured:
    distance, p_value = kolmogorov_smirnov(before, after)
    return _Measured(
        name, side, "kolmogorov_smirnov", (len(before), len(after)), distance, options.distance, p_value, {}
    )


def _shares(name: str, side: Side, before: tuple[int, int], after: tuple[int, int], options: DriftOptions) -> _Measured:
    was, now = (hits / of if of else 0.0 for hits, of in (before, after))
    counts = before[1], after[1]
    if name == "novel_signatures" and now < was:  # fewer than within the reference itself is no trouble
        return _Measured(name, side, "fisher", counts, 0.0, options.share, 1.0, {"current_share": round(now, 4)})
    also = {"reference_share": round(was, 4), "current_share": round(now, 4)}
    return _Measured(name, side, "fisher", counts, abs(now - was), options.share, fisher(before, after), also)


def _least(one: _Measured, options: DriftOptions) -> int:
    """A quarter of the statements is enough for those that have a category: most have none."""
    if one.name == "category":
        return max(1, options.least_statements // 4)
    return options.least_statements if one.side == "input" else options.least_verdicts


def _metric(one: _Measured, corrected: float | None, options: DriftOptions, lasted: int) -> DriftMetric:
    drifts = corrected is not None and corrected < options.alpha and one.distance >= one.bound
    now = lasted if corrected is None else lasted + 1 if drifts else 0  # a silent window neither ends nor prolongs
    state: State = "too_few" if corrected is None else "steady"
    if drifts:
        state = "alert" if now >= options.windows else "drifting"
    return DriftMetric(
        name=one.name,
        side=one.side,
        test=one.test,
        reference_count=one.counts[0],
        current_count=one.counts[1],
        distance=round(one.distance, 4),
        bound=one.bound,
        p_value=float(f"{one.p_value:.4g}"),
        corrected=1.0 if corrected is None else float(f"{corrected:.4g}"),
        state=state,
        lasted=now,
        also=dict(one.also),
    )
