from __future__ import annotations

from pathlib import Path

import pytest
import respx

from k8s_log_agent.llm.answers import ModelError, ServerUnavailableError
from k8s_log_agent.llm.client import ClientOptions
from k8s_log_agent.records import Severity
from k8s_log_agent.retrieval.retriever import Neighbour
from k8s_log_agent.triage.asking import Asked, Question
from k8s_log_agent.triage.evidence import choose_lines, group_by_signature
from k8s_log_agent.triage.opinions import Candidate, ModelOpinion, Policy
from k8s_log_agent.triage.pipeline import Triage, TriageOptions
from k8s_log_agent.triage.routing import (
    Complexity,
    RoutedPanel,
    Routes,
    RoutesError,
    Tier,
    complexity_of,
    read_routes,
    route,
)
from k8s_log_agent.triage.servers import open_routes
from tests.unit.triage.log_events import TABLE, UNSURE, URL, event, opinion, serve

EASY = Complexity(novel=False, multi_line=False, many_signatures=False, disagreement=False, weak=False)
HARD = Complexity(novel=True, multi_line=True, many_signatures=True, disagreement=True, weak=True)
MEDIUM = Complexity(novel=True, multi_line=True, many_signatures=False, disagreement=False, weak=False)
ALL = Routes.model_validate(
    {"endpoints": {tier: {"url": f"http://{tier}", "seconds": cost} for tier, cost in
                   (("small", 1), ("base", 10), ("large", 60))}}
)  # fmt: skip


@pytest.mark.parametrize(("complexity", "tier"), [(EASY, "small"), (MEDIUM, "base"), (HARD, "large")])
def test_the_harder_the_question_the_larger_the_model(complexity: Complexity, tier: Tier) -> None:
    assert route(complexity, ALL, lambda _: True, None).tiers[0] == tier


def test_a_tier_that_is_sick_is_replaced_by_a_larger_one_and_then_by_a_smaller_one() -> None:
    assert route(EASY, ALL, lambda tier: tier != "small", None).tiers == ("base", "large")
    sick = route(HARD, ALL, lambda tier: tier != "large", None)

    assert sick.tiers == ("base", "small") and "large is not healthy" in sick.reason


def test_the_budget_decides_what_is_left() -> None:
    assert route(HARD, ALL, lambda _: True, 15).tiers == ("base", "small")
    empty = route(HARD, ALL, lambda _: True, 0.5)

    assert empty.tiers == () and "the budget is used up" in empty.reason


def test_tiers_that_are_not_configured_are_not_chosen() -> None:
    two = ALL.model_copy(update={"endpoints": {name: ALL.endpoints[name] for name in ("small", "base")}})

    assert "large is not configured" in route(HARD, two, lambda _: True, None).reason
    assert route(HARD, two.model_copy(update={"endpoints": {}}), lambda _: True, None).tiers == ()  # not of a file


def question(**changes: object) -> Question:
    lines = choose_lines(group_by_signature(UNSURE), ["disk_full"], 10)
    given = {
        "candidates": (Candidate("disk_full", 0.9, ""), Candidate("cert_expired", 0.3, "")),
        "summaries": {},
        "lines": tuple(lines),
        "neighbours": (Neighbour("id", "disk_full", "ERROR", 0.9, "text", "group"),),
    }
    return Question(**{**given, **changes})  # type: ignore[arg-type] # of a test


def test_each_sign_of_a_hard_question_is_seen() -> None:
    trace = event("failed\n  at x", line=30)
    many = [event(f"odd {number}", severity=Severity.WARN, line=number) for number in range(40, 50)]
    shown = {
        "novel": question(neighbours=()),
        "multi_line": question(lines=tuple(choose_lines(group_by_signature([trace]), [], 10))),
        "many_signatures": question(lines=tuple(choose_lines(group_by_signature(many), [], 10))),
        "disagreement": question(candidates=(Candidate("disk_full", 0.9, ""), Candidate("cert_expired", 0.85, ""))),
        "weak": question(candidates=(Candidate("disk_full", 0.4, ""),)),
    }

    assert complexity_of(question()) == EASY
    for name, one in shown.items():
        assert complexity_of(one).signs == (name.replace("_", " "),), name


class Scripted:
    prompt_version = "test"

    def __init__(self, cause: str = "", error: ModelError | None = None) -> None:
        self.cause, self.error, self.calls = cause, error, 0

    def check(self) -> None:
        if self.error:
            raise self.error

    def ask(self, given: Question) -> Asked:
        self.calls += 1
        if self.error:
            raise self.error
        said = ModelOpinion(self.cause, Severity.ERROR, "high", "So it is.", (given.lines[0].place,), repaired=False)
        return Asked(said, (), ())


DOWN = ServerUnavailableError("the server is down")


def test_the_verdict_names_the_model_that_was_asked_and_why() -> None:
    panels: dict[Tier, Scripted] = {"small": Scripted("disk_full"), "base": Scripted("upstream_refused")}
    judge = Triage(TABLE, model=RoutedPanel(ALL, panels, lambda: 0.0), options=TriageOptions(Policy.MODEL))

    verdict = judge.verdict(UNSURE)

    assert verdict.cause == "upstream_refused" and panels["small"].calls == 0
    assert any(note.startswith("asked the base model: 2 of 5 signs") for note in verdict.notes)


def test_a_tier_that_fails_is_followed_by_the_next_and_spared_for_a_while() -> None:
    now = [0.0]
    panels: dict[Tier, Scripted] = {"small": Scripted("disk_full"), "base": Scripted(error=DOWN)}
    routed = RoutedPanel(ALL, panels, lambda: now[0])
    for moment in (0.0, 10.0, 100.0):
        now[0] = moment
        assert routed.ask(question(neighbours=(), candidates=())).opinion.cause == "disk_full"

    assert panels["base"].calls == 2, "at first, and again after it was spared for a minute"


def test_when_every_tier_fails_the_rules_decide() -> None:
    panels: dict[Tier, Scripted] = {"small": Scripted(error=DOWN), "base": Scripted(error=DOWN)}
    routed = RoutedPanel(ALL, panels, lambda: 0.0)
    verdict = Triage(TABLE, model=routed, options=TriageOptions(Policy.MODEL)).verdict(UNSURE)

    assert (verdict.state.value, verdict.cause) == ("degraded", "disk_full")
    with pytest.raises(ModelError):
        routed.check()


def test_one_tier_that_answers_is_enough_for_the_check() -> None:
    RoutedPanel(ALL, {"small": Scripted("disk_full"), "base": Scripted(error=DOWN)}, lambda: 0.0).check()


def test_routes_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text("endpoints: {small: {url: 'http://127.0.0.1:18080', model: smollm2}}\n")
    (tmp_path / "bad.yaml").write_text("endpoints: {tiny: {url: x}}\n")

    assert read_routes(tmp_path / "routes.yaml").endpoints["small"].model == "smollm2"
    with pytest.raises(RoutesError, match="cannot be used"):
        read_routes(tmp_path / "bad.yaml")


def test_one_server_of_three_answers_for_all(tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(
        f"endpoints: {{small: {{url: '{URL}', model: tiny}}, base: {{url: 'http://base.test'}}, "
        "large: {url: 'http://large.test'}}\n"
    )
    with respx.mock as router, open_routes(file, ClientOptions(attempts=1)) as routed:
        serve(router, opinion())
        router.route(host="base.test").respond(503)
        router.route(host="large.test").respond(503)
        verdict = Triage(TABLE, model=routed, options=TriageOptions(Policy.MODEL)).verdict(UNSURE)

    assert (verdict.state.value, verdict.decided_by) == ("ok", "model")
    assert any(note.startswith("asked the small model") and "base: http://base.test" in note for note in verdict.notes)
