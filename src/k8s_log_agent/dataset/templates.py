"""What a template file holds: scenarios with their truth, and the wordings in which programs report them.

`scripts/log_templates.json` is such a file and `scripts/log_templates.schema.json` the JSON Schema of this module.
Text may hold placeholders such as `{{pod}}`: names of `values.COMMON`, of `MOMENTARY`, or of the template's `values`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator

from k8s_log_agent.records import Category, Component, Record, Severity

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,59}$")]
Level = Literal["debug", "info", "warn", "error", "critical"]
Format = Literal[
    "plain",
    "json",
    "zap-json",
    "pino",
    "python-json",
    "logfmt",
    "klog",
    "java",
    "python",
    "go",
    "zap-console",
    "containerd",
    "kernel",
    "syslog",
    "systemd",
    "event",
    "nginx",
    "envoy",
    "postgres",
    "redis",
    "mongodb",
]
Role = Literal["context", "symptom", "cause", "consequence", "recovery", "distractor"]


class TemplateError(ValueError):
    """A template file cannot be used; the text names the template and the mend."""


class ValueRule(Record):
    """How a placeholder gets its value: exactly one of these. Bounds are included and may name an earlier value."""

    integer: tuple[int | Name, int | Name] | None = None
    number: tuple[float, float] | None = None  # two decimals
    choice: tuple[str, ...] | None = None
    hex: Annotated[int, Field(ge=1, le=64)] | None = None  # that many hexadecimal digits
    text: str | None = None  # composed of other placeholders
    product: tuple[Name, int] | None = None  # an integer value times a factor

    @model_validator(mode="after")
    def _one_rule(self) -> ValueRule:
        given = self.model_dump(exclude_none=True)
        if len(given) != 1:
            raise ValueError(f"give exactly one of integer, number, choice, hex, text, product, not {sorted(given)}")
        if self.choice is not None and not self.choice:
            raise ValueError("a choice needs at least one value")
        return self


class TemplateLine(Record):
    """One log statement. `text` may run over several physical lines; `evidence` counts them from 0.

    `fields` are added where the format has fields; `format` overrides the wording's; `repeat` is how often the
    statement may come in a row, and `gap_ms` the time that passes before it.
    """

    role: Role = "context"
    level: Level = "info"
    text: Annotated[str, Field(min_length=1)]
    evidence: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    fields: dict[str, str | int | float | bool] = Field(default_factory=dict)
    format: Format | None = None
    logger: str = ""
    repeat: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(le=20)]] = (1, 1)
    gap_ms: tuple[Annotated[int, Field(ge=0)], int] = (1, 900)

    @property
    def evidence_offsets(self) -> tuple[int, ...]:
        """The physical lines that state the truth: as given, else the first of a cause or recovery."""
        if self.evidence is not None:
            return self.evidence
        return (0,) if self.role in ("cause", "recovery") else ()


class Wording(Record):
    """One way in which a program says it. A format is drawn for each record; `values` override the template's."""

    id: Slug
    program: str  # whose wording it is modelled on, with the version where it matters
    formats: Annotated[tuple[Format, ...], Field(min_length=1)]
    namespace: str = ""
    container: str = ""
    values: dict[Name, ValueRule] = Field(default_factory=dict)
    lines: Annotated[tuple[TemplateLine, ...], Field(min_length=1)]


class Template(Record):
    """A scenario: what is true, and how it is told. `scenario` is its number in the taxonomy, when it has one."""

    id: Slug
    scenario: Annotated[str, Field(pattern=r"^(S\d\d)?$")] = ""
    title: str
    cause: str
    category: Category
    severity: Literal[Severity.INFO, Severity.WARN, Severity.ERROR, Severity.CRITICAL]
    component: Component
    cause_text: str
    affected_object: str = ""
    remedy: str = ""
    answerable: bool = True
    difficulty: Annotated[int, Field(ge=1, le=3)] = 1
    tags: tuple[str, ...] = ()
    values: dict[Name, ValueRule] = Field(default_factory=dict)
    wordings: Annotated[tuple[Wording, ...], Field(min_length=1)]

    @property
    def is_failure(self) -> bool:
        """Whether something went wrong that somebody has to look at."""
        return self.cause != "none"


class Variants(Record):
    """Lines that are slipped into records of any scenario: hostile instructions, and secrets that must not survive."""

    injection: tuple[TemplateLine, ...] = ()
    secret_canary: tuple[TemplateLine, ...] = ()


class TemplateFile(Record):
    """The whole file. `$schema` names the JSON Schema for editors."""

    model_config = ConfigDict(title="Log templates")

    schema_reference: str = Field(default="", alias="$schema")
    schema_version: Literal[1] = 1
    description: str = ""
    variants: Variants = Variants()
    templates: Annotated[tuple[Template, ...], Field(min_length=1)]


def load_templates(path: Path) -> TemplateFile:
    """Read a template file; raises `TemplateError` that names the first template and field at fault."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TemplateError(
            f"{path} cannot be read: {error.strerror}. Name a template file with --templates; a checkout has one in "
            "scripts/log_templates.json."
        ) from error
    try:
        return TemplateFile.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise TemplateError(
            f"{path} is no template file: {place}: {first['msg']} ({error.error_count()} problems in all). Correct it; "
            "`k8s-log-agent dataset lint-templates` lists every problem, `dataset schema --templates` shows the rules."
        ) from error


def problems_of_shape(content: bytes) -> list[str]:
    """Return every departure from the schema, each with its place; none when the file has the right shape."""
    try:
        TemplateFile.model_validate_json(content)
    except ValidationError as error:
        errors = error.errors()
        places = [one["loc"] for one in errors]
        return [
            f"{'.'.join(str(part) for part in one['loc']) or 'file'}: {one['msg']}"
            for one in errors
            if not any(len(place) > len(one["loc"]) and place[: len(one["loc"])] == one["loc"] for place in places)
        ]
    return []
