"""Checks a template file beyond its shape: names, placeholders, evidence, codes, and that each wording plays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from random import Random

from k8s_log_agent.dataset.staging import stage
from k8s_log_agent.dataset.store import DatasetError
from k8s_log_agent.dataset.templates import (
    Template,
    TemplateError,
    TemplateFile,
    TemplateLine,
    Wording,
    load_templates,
    problems_of_shape,
)
from k8s_log_agent.dataset.values import COMMON, MOMENTARY, placeholders
from k8s_log_agent.records import Category
from k8s_log_agent.understand.causes import CauseTable

NO_CAUSE = {"none": Category.NONE, "unknown": Category.UNKNOWN}
SCENARIOS = tuple(f"S{number:02d}" for number in range(1, 74))
VARIANT_SCENARIOS = {"S71": "injection", "S72": "secret_canary"}


def lint(file: TemplateFile, causes: CauseTable) -> list[str]:
    """Return one sentence for each problem, in the order of the file; none when it can be used."""
    problems = [f"two templates are called {name}" for name in _twice(template.id for template in file.templates)]
    for template in file.templates:
        problems += [f"{template.id}: {problem}" for problem in _template_problems(template, causes)]
        problems += [f"{template.id}: {problem}" for problem in _playing_problems(template, file)]
    for name, lines in (("injection", file.variants.injection), ("secret_canary", file.variants.secret_canary)):
        problems += [
            f"variants.{name}: {problem}" for line in lines for problem in _unknown_names(line, (*COMMON, *MOMENTARY))
        ]
    problems += [
        f"variants.secret_canary: {line.text[:60]!r} holds no {{{{canary}}}} in its text"
        for line in file.variants.secret_canary
        if "canary" not in placeholders(line.text)
    ]
    return problems


def lint_file(path: Path) -> tuple[list[str], str]:
    """Return the problems of a file and one line about the whole; raises `TemplateError` when it cannot be read."""
    try:
        problems = problems_of_shape(path.read_bytes())
    except OSError as error:
        raise TemplateError(f"{path} cannot be read: {error.strerror}. Name a template file.") from error
    if problems:
        return problems, f"{path}: {len(problems)} problems of shape"
    file = load_templates(path)
    problems = lint(file, CauseTable.default())
    missing = ", ".join(uncovered(file)) or "none"
    wordings = sum(len(template.wordings) for template in file.templates)
    return problems, (
        f"{path}: {len(file.templates)} templates, {wordings} wordings, {len(problems)} problems; "
        f"scenarios not covered: {missing}"
    )


def uncovered(file: TemplateFile) -> list[str]:
    """Return the scenarios of the taxonomy that no template or variant covers."""
    covered = {template.scenario for template in file.templates}
    covered |= {scenario for scenario, name in VARIANT_SCENARIOS.items() if getattr(file.variants, name)}
    return [scenario for scenario in SCENARIOS if scenario not in covered]


def _template_problems(template: Template, causes: CauseTable) -> Iterator[str]:
    yield from (f"two wordings are called {name}" for name in _twice(wording.id for wording in template.wordings))
    if template.cause in NO_CAUSE:
        if template.category != NO_CAUSE[template.cause]:
            yield f"the cause {template.cause} goes with the category {NO_CAUSE[template.cause].value}"
    elif template.cause not in causes.codes:
        yield f"the cause {template.cause} is no code of the table: {', '.join(sorted(causes.codes))}"
    elif causes.cause(template.cause).category != template.category:
        yield f"the cause {template.cause} is of category {causes.cause(template.cause).category.value}"
    if template.answerable == (template.cause == "unknown"):
        yield "a template is answerable exactly when its cause is not unknown"
    for wording in template.wordings:
        yield from (f"{wording.id}: {problem}" for problem in _wording_problems(template, wording))


def _wording_problems(template: Template, wording: Wording) -> Iterator[str]:
    known = {*COMMON, *MOMENTARY, *template.values, *wording.values}
    for line in wording.lines:
        yield from _unknown_names(line, known)
        if line.repeat[0] > line.repeat[1] or line.gap_ms[0] > line.gap_ms[1]:
            yield f"{line.text[:60]!r} has a range that ends before it begins"
        beyond = [offset for offset in line.evidence_offsets if offset > line.text.count("\n")]
        if beyond:
            yield f"{line.text[:60]!r} has no line {beyond[0]} for its evidence; they count from 0"
    marked = [line for line in wording.lines if line.evidence_offsets]
    if not marked:
        yield "no line states the truth: give one the role cause or recovery, or set its evidence"
    if template.is_failure and not any(line.role == "cause" for line in wording.lines):
        yield "a failure needs a line with the role cause"


def _playing_problems(template: Template, file: TemplateFile) -> Iterator[str]:
    for wording in template.wordings:
        for style in wording.formats:
            try:
                stage(template, wording.model_copy(update={"formats": (style,)}), "", file.variants, Random(1))  # noqa: S311 - a trial run
            except (TemplateError, DatasetError, ValueError, OverflowError) as error:
                yield f"{wording.id} as {style}: {error}"


def _unknown_names(line: TemplateLine, known: Collection[str]) -> Iterator[str]:
    for name in sorted({name for text in _texts(line) for name in placeholders(text)} - set(known)):
        yield f"unknown field {name} in {line.text[:60]!r}; define it under values"


def _texts(line: TemplateLine) -> list[str]:
    return [line.text, line.logger, *(value for value in line.fields.values() if isinstance(value, str))]


def _twice(names: Iterator[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
