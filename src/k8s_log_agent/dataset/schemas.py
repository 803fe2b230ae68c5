"""The JSON Schemas that are published: of data set files and of template files."""

from __future__ import annotations

from typing import Any

from k8s_log_agent.dataset.store import canonical
from k8s_log_agent.dataset.templates import TemplateFile
from k8s_log_agent.records import GoldenDataset

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text(*, templates: bool) -> str:
    """Return the schema as JSON text with a newline at its end."""
    model = TemplateFile if templates else GoldenDataset
    described: dict[str, Any] = model.model_json_schema(by_alias=True)
    return canonical({"$schema": _DIALECT, **described}).decode()
