"""Validates custom resources by the schemas of their definitions, and names fields that a schema does not know.

The definitions are upstream's, below REFERENCE_DIR. Rules in CEL are left to a real API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped] # carries no types
import pytest
import yaml

from tests.reference_charts import REFERENCE

CRDS = REFERENCE / "crds"
OPEN = "x-kubernetes-preserve-unknown-fields"


@cache
def _schemas() -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for path in sorted(CRDS.rglob("*.yaml")):
        for one in yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            if one and one["kind"] == "CustomResourceDefinition":
                spec = one["spec"]
                for version in spec["versions"]:
                    key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                    found[key] = version["schema"]["openAPIV3Schema"]
    return found


def schema_of(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema of the object's kind; None for a kind that no definition has. Skips where there are no definitions."""
    if not CRDS.is_dir():
        pytest.skip(f"no custom resource definitions: REFERENCE_DIR names {REFERENCE}, which has no crds")
    return _schemas().get((manifest["apiVersion"], manifest["kind"]))


def problems(manifest: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with the object, as paths with a reason."""
    wrong = [
        f"{error.json_path}: {error.message}" for error in jsonschema.Draft7Validator(schema).iter_errors(manifest)
    ]
    return wrong + [f"{path} is unknown" for path in _unknown(manifest, schema, "$")]


def _unknown(value: object, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if schema.get(OPEN) or "x-kubernetes-int-or-string" in schema:
        return
    if isinstance(value, Mapping):
        known = schema.get("properties")
        for key, below in value.items():
            if known is None:
                extra = schema.get("additionalProperties")
                if isinstance(extra, Mapping):
                    yield from _unknown(below, extra, f"{path}.{key}")
            elif key in known:
                yield from _unknown(below, known[key], f"{path}.{key}")
            elif path != "$" or key not in ("apiVersion", "kind", "metadata"):
                yield f"{path}.{key}"
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _unknown(one, schema.get("items", {}), f"{path}[{index}]")
