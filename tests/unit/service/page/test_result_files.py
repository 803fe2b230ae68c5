"""Figures that lie in files: read when they change, and said plainly when they cannot be."""

from __future__ import annotations

import os
from pathlib import Path

from k8s_log_agent.evaluation.drift import DriftMetric, DriftOptions, DriftReport
from k8s_log_agent.evaluation.results import Evaluation
from k8s_log_agent.service.page.drift_view import DriftView, drift_view
from k8s_log_agent.service.page.evaluation_view import SIDE, EvaluationView, evaluation_view
from k8s_log_agent.service.page.result_files import NotThere, ResultFile
from tests.unit.evaluation import made_up as evaluations


def metric(name: str, state: str, distance: float, lasted: int = 0) -> DriftMetric:
    return DriftMetric.model_validate(
        {
            "name": name,
            "side": "input",
            "test": "chi_square",
            "reference_count": 4000,
            "current_count": 1200,
            "distance": distance,
            "bound": 0.1,
            "p_value": 0.001,
            "corrected": 0.004,
            "state": state,
            "lasted": lasted,
        }
    )


def drift(*metrics: DriftMetric) -> DriftReport:
    return DriftReport(options=DriftOptions(), metrics=metrics)


def test_a_file_that_is_not_there_is_said_with_what_makes_it(tmp_path: Path) -> None:
    for path in (None, tmp_path / "none.json", tmp_path):
        found = ResultFile(path, Evaluation, "k8s-log-agent evaluate", evaluation_view).view()
        assert isinstance(found, NotThere)
        assert path == tmp_path or "k8s-log-agent evaluate" in found.words


def test_a_file_of_another_form_is_said_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "drift.json"
    path.write_text('{"schema_version": 9}')

    found = ResultFile(path, DriftReport, "k8s-log-agent drift", drift_view).view()

    assert isinstance(found, NotThere) and "not of this version" in found.words


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "drift.json"
    path.write_text(drift(metric("severity", "steady", 0.02)).model_dump_json())
    file = ResultFile(path, DriftReport, "k8s-log-agent drift", drift_view)
    first = file.view()
    assert file.view() is first

    path.write_text(drift(metric("severity", "alert", 0.3, 3)).model_dump_json())
    os.utime(path, ns=(1, 1))
    second = file.view()

    assert isinstance(first, DriftView) and first.headline == "Nothing has moved away"
    assert isinstance(second, DriftView) and second.headline == "1 of 1 figures have moved away, and stayed away"


def test_a_bar_is_as_long_as_its_distance_is_near_its_own_bound() -> None:
    view = drift_view(drift(metric("severity", "alert", 0.4, 3), metric("length", "steady", 0.05)), "")
    (_, rows), *_ = view.sides

    assert [(row.width, row.bound) for row in rows] == [(100.0, 33.3), (16.7, 33.3)]
    assert rows[0].words == "Alert, 3 in a row"


def test_the_reliability_diagram_puts_each_group_where_it_belongs() -> None:
    evaluation, _ = evaluations.results()
    view = evaluation_view(evaluation, "")

    assert isinstance(view, EvaluationView) and view.parts
    for part in view.parts:
        if part.reliability is None:
            continue
        for dot in part.reliability.dots:
            assert 0 <= dot.x <= SIDE and dot.high <= dot.y <= dot.low
