from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.evaluation.confidence_fit import curves
from k8s_log_agent.evaluation.leave_one_out import Phrases, Window
from k8s_log_agent.evaluation.monotone import Judgement, constant, fit
from k8s_log_agent.evaluation.outcomes import Truth
from k8s_log_agent.records import Category, Severity
from k8s_log_agent.triage.calibration import Decider
from k8s_log_agent.understand.causes import Cause, CauseRule, CauseTable
from tests.unit.triage.log_events import event

TABLE = CauseTable(
    [
        Cause(
            code="disk_full",
            category=Category.STORAGE,
            severity=Severity.CRITICAL,
            component_kind="app",
            summary="A volume is full.",
            remedies=(),
            rules=(
                CauseRule(
                    name="disk-full-rule",
                    reason="For tests only.",
                    needs=("no space left", "volume exhausted"),
                    weight=0.9,
                    hits=("no space left",),
                    misses=("fine",),
                ),
            ),
        )
    ]
)


def window(program: str, text: str, cause: str = "disk_full") -> Window:
    truth = Truth(True, cause, Category.STORAGE, Severity.CRITICAL, "app")
    return Window(program, f"{program}/{cause}", truth, (event(text, "disk_full"),))


def kept(windows: list[Window], place: int) -> int:
    return len(Phrases(windows, TABLE).without_own(windows[place]).events[0].causes)


def test_a_phrase_that_another_program_proves_stays_and_one_of_the_program_alone_goes() -> None:
    windows = [window("a", "no space left"), window("b", "No space left!"), window("b", "volume exhausted")]

    assert [kept(windows, place) for place in range(3)] == [1, 1, 0]


def test_a_phrase_that_misled_elsewhere_proves_nothing() -> None:
    assert kept([window("a", "no space left"), window("b", "no space left", "io_error")], 0) == 0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_a_fitted_curve_never_falls_and_counts_every_group_once(rows: list[tuple[float, bool, int]]) -> None:
    knots = fit([Judgement(round(value, 2), right, str(group)) for value, right, group in rows])

    chances = [knot.probability for knot in knots]
    assert chances == sorted(chances) and all(0 < chance < 1 for chance in chances)
    assert abs(sum(knot.of for knot in knots) - len({group for _, _, group in rows})) < 0.2


def test_what_falls_is_pooled_and_small_numbers_are_pulled_to_one_half() -> None:
    knots = fit(
        [Judgement(0.2, True, "a"), Judgement(0.4, False, "b"), *(Judgement(0.9, True, str(n)) for n in range(8))]
    )

    assert [(knot.right, knot.of, knot.probability) for knot in knots] == [(1, 2, 0.5), (8, 8, 0.9)]


def test_repeats_of_one_fault_weigh_as_one() -> None:
    (knot,) = constant([Judgement(0.3, True, "same")] * 50)

    assert (knot.of, knot.probability) == (1, 0.6667)


def test_silence_is_judged_as_if_healthy_windows_were_as_frequent_as_faults() -> None:
    right, wrong = Judgement(0.9, True, "a"), Judgement(0.9, False, "b")
    rows: list[tuple[Decider, bool, Judgement]] = [("none", False, right)] * 8
    rows += [("none", True, wrong)] * 8
    rows += [("rule", True, right)] * 72
    rows += [("rule", False, wrong)] * 2
    made = curves(rows)

    assert made["none"][0].probability == round(0.75 / (0.75 + 9 / 82), 4)
    assert made["rule"][0].of == 1
