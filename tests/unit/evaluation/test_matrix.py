from __future__ import annotations

from pathlib import Path

import pytest

from k8s_log_agent.dataset.store import Artefact, canonical
from k8s_log_agent.evaluation.evaluate import EvaluationOptions, Finished, Servers
from k8s_log_agent.evaluation.matrix import (
    MatrixError,
    Setting,
    between_runs,
    matrix_artefact,
    matrix_table,
    read_matrix,
    run_matrix,
)
from k8s_log_agent.evaluation.results import Triaged
from k8s_log_agent.triage.opinions import Policy
from tests.unit.evaluation.made_up import results

EVALUATION, TRIAGED = results()


def all_right(triaged: Triaged) -> Triaged:
    cases = [
        one.model_copy(update={"verdict": one.verdict.model_copy(update={"cause": one.truth.cause})})
        for one in triaged.cases
    ]
    return triaged.model_copy(update={"cases": tuple(cases)})


def finished(triaged: Triaged) -> Finished:
    artefact = Artefact(Path("triage.json"), canonical(triaged.model_dump(mode="json")))
    return Finished(EVALUATION, (artefact, artefact), artefact, 0)


def test_each_setting_is_judged_with_its_own_options_and_compared_with_the_first(tmp_path: Path) -> None:
    asked = []

    def judged(setting: Setting, servers: Servers, options: EvaluationOptions) -> Finished:
        asked.append((setting.name, servers.model, options.policy))
        return finished(all_right(TRIAGED) if setting.name == "better" else TRIAGED)

    settings = (Setting(name="plain"), Setting(name="better", servers={"model": "x"}, options={"policy": "model"}))
    plain, better = run_matrix(settings, Servers(model="y"), EvaluationOptions(), judged)

    assert asked == [("plain", "y", Policy.RULES), ("better", "x", Policy.MODEL)]
    assert plain.comparisons == ()
    held_out = next(one for part, one in better.comparisons if part == "held_out" and one.field == "cause")
    assert (held_out.gained, held_out.lost, held_out.cases, held_out.p_value) == (3, 0, 9, 0.25)
    assert "+33.3 points" in matrix_table([plain, better])
    assert b'"better"' in matrix_artefact([plain, better], tmp_path).content


def test_only_cases_of_both_runs_are_compared() -> None:
    few = TRIAGED.cases[:4]
    found = between_runs(("a", few), ("b", TRIAGED.cases), "cause", 1)

    assert (found.cases, found.gained, found.lost, found.p_value) == (4, 0, 0, 1.0)
    assert between_runs(("a", few), ("b", ()), "cause", 1).difference is None


def test_a_field_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="moon"):
        run_matrix(
            (Setting(name="a", options={"moon": 1}),), Servers(), EvaluationOptions(), lambda *_: finished(TRIAGED)
        )


@pytest.mark.parametrize("text", ["", "a: b", "[{name: A b}]", "[{name: a}, {name: a}]", "[]", "["])
def test_a_matrix_that_cannot_be_read_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.yaml").write_text(text)

    with pytest.raises(MatrixError):
        read_matrix(tmp_path / "m.yaml")
