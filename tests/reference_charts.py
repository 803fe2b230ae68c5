"""Upstream's values and schemas of the pinned charts: below REFERENCE_DIR, by default the folder `shared` beside the
checkout. They are no part of the repository."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = Path(os.environ.get("REFERENCE_DIR", ROOT.parent / "shared"))


def chart_folder(name: str) -> Path:
    """The folder with Chart.yaml and values.yaml of `name`; skips the test with the reason when there is none."""
    folder = REFERENCE / "charts" / name
    if not (folder / "values.yaml").is_file():
        pytest.skip(f"no values of the chart {name}: REFERENCE_DIR names {REFERENCE}, which has no charts/{name}")
    return folder


def chart_values(name: str) -> dict[str, Any]:
    """The chart's own values."""
    loaded: dict[str, Any] = yaml.safe_load((chart_folder(name) / "values.yaml").read_text(encoding="utf-8"))
    return loaded


def values_only_chart(name: str, directory: Path) -> Path:
    """A chart with upstream's values and schema, and a ConfigMap of the values it was given instead of its templates.

    It stands in where the chart itself cannot be had: what Helm makes of the values is real, the objects are not.
    """
    target = directory / f"{name}-values-only"
    if target.exists():
        shutil.rmtree(target)
    (target / "templates").mkdir(parents=True)
    for part in ("Chart.yaml", "values.yaml", "values.schema.json"):
        if (chart_folder(name) / part).is_file():
            shutil.copy(chart_folder(name) / part, target / part)
    chart = yaml.safe_load((target / "Chart.yaml").read_text(encoding="utf-8"))
    chart.pop("dependencies", None)
    (target / "Chart.yaml").write_text(yaml.safe_dump(chart), encoding="utf-8")
    (target / "templates" / "given.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-values-only\n"
        "data:\n  keys: {{ keys .Values | sortAlpha | toJson | quote }}\n",
        encoding="utf-8",
    )
    return target
