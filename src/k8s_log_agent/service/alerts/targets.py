"""Where messages about incidents go, read from a file of the operator's; an address may itself be a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from k8s_log_agent.records import Severity
from k8s_log_agent.service.settings import SettingsError

Secret = Annotated[Path, Field(description="A file that holds it, alone.")]


class Target(BaseModel):
    """One place. `least` is the lowest severity that is told, `per_hour` how many messages at most."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
    kind: Literal["ntfy", "webhook"]
    url: str
    topic: str = ""
    token_file: Secret | None = None
    secret_file: Secret | None = None
    least: Severity = Severity.ERROR
    closed: bool = True
    per_hour: Annotated[int, Field(ge=1, le=3600)] = 20

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or not value.isprintable():
            raise ValueError("the url of a target begins with https:// or http://")
        return value

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.kind == "ntfy" and not self.topic:
            raise ValueError("a target of kind ntfy needs a topic")
        if self.kind == "ntfy" and self.secret_file:
            raise ValueError("ntfy checks no signature; give it a token_file instead of a secret_file")
        return self


class Targets(BaseModel):
    """The file. `page_url` is the address of the analyzer's pages as readers reach it, for links."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    page_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    targets: tuple[Target, ...] = ()

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if len({one.name for one in self.targets}) < len(self.targets):
            raise ValueError("two targets have the same name")
        return self


def read_targets(path: Path | None) -> Targets:
    """The targets of a YAML file; none without one. Raises `SettingsError`, which shows no address."""
    if path is None:
        return Targets()
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Targets.model_validate(document or {})
    except OSError as error:
        raise SettingsError(f"notify_file: {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"notify_file: {path} is not YAML. docs/alerts.md shows an example.") from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
            for one in error.errors(include_url=False, include_context=False, include_input=False)
        )
        raise SettingsError(f"notify_file: {path}: {wrong}. docs/alerts.md shows an example.") from None


def secret(path: Path) -> str:
    """The secret of a file, read anew each time; raises `OSError`, also where it holds none."""
    if found := path.read_text(encoding="utf-8").strip():
        return found
    raise OSError(f"There is no secret in {path}.")
