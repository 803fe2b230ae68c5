from __future__ import annotations

import json
from pathlib import Path

import pytest

from k8s_log_agent.evaluation.routing_replay import ReplayCase, main, replay


def case(points: int, small: bool, base: bool, number: int = 0) -> ReplayCase:
    tiers = {"small": {"right": small, "seconds": 1}, "base": {"right": base, "seconds": 10}}
    return ReplayCase.model_validate({"case": f"{points}-{number}", "points": points, "tiers": tiers})


EASY = [case(0, True, True, number) for number in range(8)]
HARD = [case(4, False, True, number) for number in range(2)]


def test_a_good_route_is_as_right_as_the_largest_for_less_time() -> None:
    plans = {plan.name: plan for plan in replay([*EASY, *HARD])}
    routed = [plan for plan in plans.values() if not plan.name.startswith("always") and plan.regret == 0]

    assert plans["always base"].seconds == 100 and plans["always small"].regret == 0.2
    assert min(plan.seconds for plan in routed) == 28 and any(plan.on_front for plan in routed)
    assert not plans["always base"].on_front


def test_a_missing_large_tier_is_replaced_by_the_largest_that_there_is() -> None:
    assert {tier for plan in replay(HARD) for tier in plan.calls} == {"small", "base"}


def test_a_large_model_that_does_harm_has_negative_regret_against_it() -> None:
    plans = {plan.name: plan for plan in replay([case(0, True, False)])}

    assert plans["always small"].regret == -1


def test_the_command_prints_a_table_and_refuses_what_it_cannot_replay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text("\n".join(json.dumps(one.model_dump()) for one in [*EASY, *HARD]))

    assert main([str(file)]) == 0 and "always small" in capsys.readouterr().out
    file.write_text("{}")
    assert main([str(file)]) == 1 and "cannot be replayed" in capsys.readouterr().err
    file.write_text("")
    assert main([str(file)]) == 1
