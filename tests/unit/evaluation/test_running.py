from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from k8s_log_agent.evaluation.answer_cache import AnswerCache
from k8s_log_agent.evaluation.judging import FirstPass, Judge, SecondPass
from k8s_log_agent.evaluation.outcomes import Case
from k8s_log_agent.evaluation.running import AnswersMissingError, Judged, Run, judge_all
from tests.unit.evaluation.made_up import case, verdict

CASES = [case("training", program, number) for program in ("redis", "envoy", "etcd") for number in range(2)]


@dataclass
class FakeJudge:
    """Stands in for the judge: knows every answer, and counts what it is asked."""

    unsure: set[str] = field(default_factory=lambda: {one.id for one in CASES})
    unavailable: bool = False
    stops_at: int | None = None
    has_model: bool = True
    firsts: list[str] = field(default_factory=list)
    seconds: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def first(self, one: Case) -> FirstPass:
        self.firsts.append(one.id)
        return FirstPass(
            verdict=verdict(one, right=False),
            wants_model=one.id in self.unsure,
            may_ask=True,
            nearest=None,
            unavailable=False,
            lines=len(one.lines),
            events=1,
            signatures=(),
            noise={},
            dropped={},
            seconds={},
        )

    def second(self, one: Case) -> SecondPass:
        with self.lock:
            if self.stops_at is not None and len(self.seconds) >= self.stops_at:
                raise KeyboardInterrupt
            self.seconds.append(one.id)
        return SecondPass(
            verdict=verdict(one, right=True, decided_by="model"),
            model=None,
            repaired=False,
            unavailable=self.unavailable,
            prompt_tokens=1,
            generated_tokens=1,
            seconds={"model": 1.0},
        )


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., list[Judged]]:
    def run(judge: FakeJudge, **options: object) -> list[Judged]:
        settings = {"rules_key": "r", "model_key": "m", "workers": 2, "model_calls": None, **options}
        with AnswerCache(tmp_path / "answers.jsonl") as cache:
            made = Run(**settings)  # type: ignore[arg-type] # each option has its own type
            return judge_all(CASES, cast(Judge, judge), cache, made, lambda what, done, total: None)

    return run


Judging = Callable[..., list[Judged]]


def ids(judged: Sequence[Judged]) -> list[str]:
    return [one.case.id for one in judged]


def test_a_second_run_asks_nothing_and_comes_to_the_same(judged: Judging) -> None:
    first = judged(FakeJudge())
    idle = FakeJudge()

    second = judged(idle)

    assert second == first and ids(first) == [one.id for one in CASES]
    assert not idle.firsts and not idle.seconds


def test_an_interrupted_run_goes_on_where_it_stopped(judged: Judging) -> None:
    stopped, resumed = FakeJudge(stops_at=3), FakeJudge()
    with pytest.raises(KeyboardInterrupt):
        judged(stopped, workers=1)

    judged(resumed)

    assert sorted(stopped.seconds + resumed.seconds) == sorted(one.id for one in CASES)


def test_what_a_dead_server_left_unanswered_is_asked_again(judged: Judging) -> None:
    dead, alive = FakeJudge(unavailable=True), FakeJudge()

    assert all(one.incomplete for one in judged(dead))
    assert not any(one.incomplete for one in judged(alive))
    assert len(alive.seconds) == len(CASES)


def test_another_model_is_asked_and_the_rules_are_not(judged: Judging) -> None:
    judged(FakeJudge())
    other = FakeJudge()

    judged(other, model_key="another")

    assert not other.firsts and len(other.seconds) == len(CASES)


def test_the_budget_goes_to_the_cases_that_want_the_model(judged: Judging) -> None:
    unsure = {CASES[1].id, CASES[4].id}
    enough, too_little = FakeJudge(unsure=unsure), FakeJudge(unsure=unsure)

    with_two = judged(enough, model_calls=2)
    with_one = judged(too_little, model_calls=1, model_key="another")

    assert set(enough.seconds) == unsure and not any(one.over_budget for one in with_two)
    assert [one.over_budget for one in with_one].count(True) == 1
    assert {one.case.id for one in with_one if one.over_budget} | set(too_little.seconds) == unsure


def test_a_model_that_does_not_decide_is_asked_about_each_fault_before_any_repeat(judged: Judging) -> None:
    judge = FakeJudge(unsure={CASES[0].id, CASES[1].id})

    judged(judge, model_calls=3, model_decides=False)

    asked = [one for one in CASES if one.id in judge.seconds]
    assert len({one.group for one in asked}) == len({one.group for one in CASES}) == 3


def test_a_model_that_does_not_decide_is_asked_and_its_verdict_kept_apart(judged: Judging) -> None:
    judge = FakeJudge()

    found = judged(judge, model_decides=False)

    assert len(judge.seconds) == len(CASES)
    assert {one.verdict.decided_by for one in found} == {"rule"}
    assert {one.verdict_with_model.decided_by for one in found} == {"model"}


def test_a_prediction_asks_nothing(judged: Judging) -> None:
    judge = FakeJudge()

    with pytest.raises(AnswersMissingError):
        judged(judge, ask=False)

    assert not judge.firsts and not judge.seconds


def test_a_prediction_knows_what_is_kept(judged: Judging) -> None:
    made = judged(FakeJudge())

    assert judged(FakeJudge(), ask=False) == made
