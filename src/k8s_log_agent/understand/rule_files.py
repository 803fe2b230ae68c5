"""Reads the rule files below `rules/`: data with a reason and with examples that are themselves tests.

A rule names the phrases that it needs (see `phrases.py`) and, where that is not exact enough, a regular expression.
Regular expressions must be bounded, since log text is hostile: `.*` is refused, `.{0,80}` is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from k8s_log_agent.records import Record
from k8s_log_agent.understand.phrases import fold

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Model = TypeVar("Model", bound=BaseModel)
Example = Annotated[str, Field(min_length=1)]

_NOT_SYNTAX = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_UNBOUNDED = re.compile(r"[*+]|\{\d*,\}")


class RuleFileError(ValueError):
    """A rule file cannot be used; the text names the file, the rule and the field."""


class Rule(Record):
    """What every rule carries: a name, why it exists, and examples that must hit and must not."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    reason: Annotated[str, Field(min_length=10)]
    hits: Annotated[tuple[Example, ...], Field(min_length=1)]
    misses: Annotated[tuple[Example, ...], Field(min_length=1)]


class TextRule(Rule):
    """A rule that holds for a text with any phrase of `needs`, a match of `pattern` and no match of `unless`."""

    needs: Annotated[tuple[Example, ...], Field(min_length=1)]
    pattern: str = ""
    unless: str = ""

    @field_validator("needs")
    @classmethod
    def _needs_have_words(cls, needs: tuple[str, ...]) -> tuple[str, ...]:
        empty = [need for need in needs if not fold(need)]
        if empty:
            raise ValueError(f"{empty[0]!r} has no letter or digit to look for")
        return needs

    @field_validator("pattern", "unless")
    @classmethod
    def _patterns_are_bounded(cls, pattern: str) -> str:
        bounded(pattern)
        return pattern


class RuleFile(Record):
    """A file of rules whose names are unique."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> RuleFile:
        seen: set[str] = set()
        for rule in getattr(self, "rules", ()):
            if rule.name in seen:
                raise ValueError(f"rule {rule.name} stands twice")
            seen.add(rule.name)
        return self


def bounded(pattern: str) -> re.Pattern[str]:
    """Compile a pattern without regard to case; raises `ValueError` when a repetition in it has no upper bound."""
    if _UNBOUNDED.search(_NOT_SYNTAX.sub("x", pattern)):
        raise ValueError(f"{pattern!r} repeats without bound; write {{0,80}} instead of * or +")
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error


def rule_file_names(prefix: str) -> list[str]:
    """Names of the shipped files that begin with `prefix`, sorted."""
    folder = resources.files("k8s_log_agent.understand") / "rules"
    return sorted(
        item.name for item in folder.iterdir() if item.name.startswith(prefix) and item.name.endswith(".yaml")
    )


def load_rules(name: str, model: type[Model]) -> Model:
    """Read the shipped file `name`; raises `RuleFileError`."""
    text = (resources.files("k8s_log_agent.understand") / "rules" / name).read_text(encoding="utf-8")
    return parse_rules(text, name, model)


def parse_rules(text: str, name: str, model: type[Model]) -> Model:
    """Validate the text of a rule file; `name` is what an error calls it. Raises `RuleFileError`."""
    try:
        content = yaml.load(text, Loader=Loader)  # noqa: S506 - the loader is a safe one, the C one where it is built
    except yaml.YAMLError as error:
        raise RuleFileError(f"{name} is not YAML: {' '.join(str(error).split())}. Mend the line it names.") from error
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise RuleFileError(_explain(error, name, content)) from error


def _explain(error: ValidationError, name: str, content: object) -> str:
    first = error.errors()[0]
    rule, field = _place(first["loc"], content)
    where = f"rule {rule}, field {field}" if rule else f"field {field}"
    others = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    message = first["msg"].removeprefix("Value error, ")
    return f"{name}, {where}: {message}{others}. Mend the field; the comment at the top of the file lists the fields."


def _place(location: Iterable[int | str], content: object) -> tuple[str, str]:
    """Walk down to the innermost thing with a name or a code, and say which of its fields is meant."""
    names: list[str] = []
    field: list[str] = []
    here: Any = content
    for step in location:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
        field.append(str(step))
        if isinstance(here, dict) and (label := here.get("name") or here.get("code")):
            names.append(str(label))
            field.clear()
    return " / ".join(names), ".".join(field) or "(whole)"
