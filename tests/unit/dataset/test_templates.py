"""The template file that the project ships, and what happens with a wrong one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it carries no types
import pytest

from k8s_log_agent.dataset.lint import lint, lint_file, uncovered
from k8s_log_agent.dataset.schemas import schema_text
from k8s_log_agent.dataset.staging import stage
from k8s_log_agent.dataset.templates import Template, TemplateError, TemplateFile, load_templates
from k8s_log_agent.records import Severity
from k8s_log_agent.understand.causes import CauseTable

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
SHIPPED = load_templates(SCRIPTS / "log_templates.json")


def dice(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - examples to learn from, not secrets


def template(**changes: Any) -> dict[str, Any]:
    wording = {
        "id": "only",
        "program": "a test",
        "formats": ["plain"],
        "lines": [{"role": "cause", "text": "{{pod}} is full"}],
    }
    content: dict[str, Any] = {
        "id": "full",
        "title": "Full",
        "cause": "disk_full",
        "category": "storage",
        "severity": "CRITICAL",
        "component": {"kind": "database", "name": "{{app}}"},
        "cause_text": "{{pod}} is full",
        "wordings": [wording],
    }
    return content | changes


def file_of(*templates: dict[str, Any]) -> TemplateFile:
    return TemplateFile.model_validate({"schema_version": 1, "templates": list(templates)})


def test_the_shipped_templates_have_no_problem() -> None:
    assert lint(SHIPPED, CauseTable.default()) == []


def test_every_scenario_of_the_taxonomy_is_covered() -> None:
    assert uncovered(SHIPPED) == []


def test_each_severity_has_enough_wordings_for_the_target() -> None:
    wordings: Counter[Severity] = Counter()
    for one in SHIPPED.templates:
        wordings[one.severity] += len(one.wordings)

    assert wordings[Severity.INFO] >= 37
    assert wordings[Severity.WARN] >= 38
    assert wordings[Severity.ERROR] >= 60
    assert wordings[Severity.CRITICAL] >= 15


def test_most_scenarios_come_in_several_wordings_and_formats() -> None:
    several = [one for one in SHIPPED.templates if len(one.wordings) > 1]
    formats = {style for one in SHIPPED.templates for wording in one.wordings for style in wording.formats}

    assert len(several) >= 0.95 * len(SHIPPED.templates)
    assert {"plain", "json", "logfmt", "klog", "java", "python"} <= formats


def test_the_published_schema_is_that_of_the_code_and_accepts_the_file() -> None:
    published = (SCRIPTS / "log_templates.schema.json").read_text(encoding="utf-8")

    assert published == schema_text(templates=True)
    jsonschema.validate(json.loads((SCRIPTS / "log_templates.json").read_text(encoding="utf-8")), json.loads(published))


@pytest.mark.parametrize("one", SHIPPED.templates, ids=lambda one: one.id)
def test_a_template_tells_one_story_with_the_same_names_in_every_line(one: Template) -> None:
    for wording in one.wordings:
        staged = stage(one, wording, "", SHIPPED.variants, dice(4))

        assert list(staged.moments) == sorted(staged.moments)
        assert all(0 <= place < len(staged.lines) for place in staged.evidence)
        assert "{{" not in "\n".join([*staged.lines, staged.cause_text, staged.affected_object])
        if one.is_failure:
            assert staged.evidence


def test_values_are_drawn_once_for_a_record() -> None:
    lines = [{"role": "context", "text": "pod {{pod}} starts"}, {"role": "cause", "text": "pod {{pod}} is full"}]
    wording = {"id": "two", "program": "a test", "formats": ["plain"], "lines": lines}
    file = file_of(template(wordings=[wording]))

    staged = stage(file.templates[0], file.templates[0].wordings[0], "", file.variants, dice(1))

    assert staged.lines[0].split()[1] == staged.lines[1].split()[1] == staged.pod


def test_a_bound_may_name_an_earlier_value() -> None:
    values = {"limit": {"integer": [100, 200]}, "used": {"integer": [90, "limit"]}}
    wording = {
        "id": "two",
        "program": "t",
        "formats": ["plain"],
        "lines": [{"role": "cause", "text": "{{used}} of {{limit}}"}],
    }
    file = file_of(template(values=values, wordings=[wording]))

    for seed in range(50):
        used, _, limit = (
            stage(file.templates[0], file.templates[0].wordings[0], "", file.variants, dice(seed)).lines[0].split()
        )
        assert 90 <= int(used) <= int(limit) <= 200


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"cause": "gremlins"}, "no code of the table"),
        ({"category": "network"}, "is of category storage"),
        ({"cause": "unknown", "category": "unknown"}, "answerable exactly when"),
        ({"cause_text": "{{nothing}}"}, "which nothing defines"),
        (
            {"wordings": [{"id": "w1", "program": "p", "formats": ["plain"], "lines": [{"text": "only context"}]}]},
            "states the truth",
        ),
        (
            {
                "wordings": [
                    {
                        "id": "w1",
                        "program": "p",
                        "formats": ["plain"],
                        "lines": [{"role": "cause", "text": "a", "evidence": [3]}],
                    }
                ]
            },
            "no line 3",
        ),
        (
            {
                "wordings": [
                    {"id": "w1", "program": "p", "formats": ["plain"], "lines": [{"role": "cause", "text": "{{odd}}"}]}
                ]
            },
            "unknown field odd",
        ),
    ],
)
def test_the_linter_names_what_is_wrong(changes: dict[str, Any], complaint: str) -> None:
    problems = lint(file_of(template(**changes)), CauseTable.default())

    assert any(complaint in problem for problem in problems), problems


def test_two_templates_of_one_name_are_a_problem() -> None:
    assert "two templates are called full" in lint(file_of(template(), template()), CauseTable.default())


def test_an_unknown_field_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "templates.json"
    path.write_text(json.dumps({"schema_version": 1, "templates": [template(sevrity="ERROR")]}))

    with pytest.raises(TemplateError, match=r"templates\.0\.sevrity") as caught:
        load_templates(path)

    assert "\n" not in str(caught.value)
    assert lint_file(path)[0] == ["templates.0.sevrity: Extra inputs are not permitted"]
