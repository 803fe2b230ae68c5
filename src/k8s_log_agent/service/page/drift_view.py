"""The last comparison with the reference as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from k8s_log_agent.evaluation.drift import DriftMetric, DriftReport
from k8s_log_agent.evaluation.drift_pages import STATES, WORDS

MOST = 3.0  # times its own bound; a longer bar is cut
SIDES = (("input", "What comes in"), ("output", "What comes out"))


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One figure: `width` and `bound` in per cent of the plot, whose scale is the figure's own bound."""

    name: str
    test: str
    state: str
    words: str
    figures: str
    width: float
    bound: float


@dataclass(frozen=True, slots=True)
class DriftView:
    """The page."""

    headline: str
    sides: tuple[tuple[str, tuple[DriftRow, ...]], ...]
    alpha: str
    patience: str
    written: str


def drift_view(report: DriftReport, written: str) -> DriftView:
    """All figures, the drifting ones first on each side."""
    return DriftView(
        headline=_headline(report),
        sides=tuple(
            (title, rows)
            for side, title in SIDES
            if (rows := tuple(_row(one) for one in report.metrics if one.side == side))
        ),
        alpha=f"{report.options.alpha:g}",
        patience="at once" if report.options.windows == 1 else f"after {report.options.windows} comparisons in a row",
        written=written,
    )


def _headline(report: DriftReport) -> str:
    moved, drifting = len(report.alerts), sum(one.state == "drifting" for one in report.metrics)
    if moved:
        return f"{moved} of {len(report.metrics)} figures have moved away, and stayed away"
    if drifting:
        return f"{drifting} of {len(report.metrics)} figures drift, not yet for long"
    if report.metrics and all(one.state == "too_few" for one in report.metrics):
        return "Too little was seen to compare"
    return "Nothing has moved away"


def _row(one: DriftMetric) -> DriftRow:
    times = one.distance / one.bound if one.bound > 0 else MOST
    state = STATES[one.state] + (f", {one.lasted} in a row" if one.lasted else "")
    p_value = "" if one.state == "too_few" else f", p {one.corrected:.2g}"
    return DriftRow(
        name=WORDS.get(one.name, one.name),
        test=one.test.replace("_", " "),
        state=one.state,
        words=state.capitalize(),
        figures=f"{one.distance:.3f} of {one.bound:g}{p_value}; {one.current_count:,} against {one.reference_count:,}",
        width=round(100 * min(times, MOST) / MOST, 1),
        bound=round(100 / MOST, 1),
    )
