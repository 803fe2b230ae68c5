"""What the roles give to the charts: against the charts' own schemas and values, and rendered by real Helms."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # carries no types
import pytest
import yaml
from ansible_collections.homelab.log_intelligence.plugins.module_utils import chart_values as checked

from tests.cluster_tools import binary
from tests.reference_charts import chart_folder, chart_values, values_only_chart
from tests.rendered import render

ROLES = Path(__file__).resolve().parents[2] / "roles"
STORE = {"endpoint": "s3.example.lan:9000", "bucket": "loki", "secret_name": "loki-s3"}
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "loki": ("loki", "values.yaml.j2", {}),
    "loki-distributed": ("loki", "values.yaml.j2", {"loki_mode": "distributed", "loki_object_store": STORE}),
    "loki-ruler": (
        "loki",
        "values.yaml.j2",
        {"loki_alertmanager_url": "http://prometheus-alertmanager.monitoring:9093"},
    ),
    "alloy": ("alloy", "nodes.yaml.j2", {"_alloy_config": "logging { }"}),
    "alloy-otlp": ("alloy", "nodes.yaml.j2", {"_alloy_config": "logging { }", "alloy_otlp": True}),
    "alloy-events": ("alloy", "events.yaml.j2", {"_alloy_config": "logging { }"}),
    "grafana": ("grafana", "values.yaml.j2", {"_grafana_password": "secret", "grafana_secrets_dir": "/none"}),
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return {
        case: yaml.safe_load(render(role, [template], tmp_path_factory.mktemp(case), **given)[template])
        for case, (role, template, given) in CASES.items()
    }


def free_paths(role: str) -> tuple[str, ...]:
    private = yaml.safe_load((ROLES / role / "vars" / "main.yml").read_text(encoding="utf-8"))
    return tuple(private.get(f"_{role}_free_paths", ()))


@pytest.mark.parametrize("case", CASES)
def test_the_chart_knows_every_value(rendered: dict[str, dict[str, Any]], case: str) -> None:
    role = CASES[case][0]

    unknown = list(checked.unknown_keys(rendered[case], chart_values(role), free_paths(role)))

    assert unknown == []


@pytest.mark.parametrize("case", [name for name in CASES if name.startswith("loki")])
def test_the_values_fit_the_charts_schema(rendered: dict[str, dict[str, Any]], case: str) -> None:
    schema = json.loads((chart_folder("loki") / "values.schema.json").read_text(encoding="utf-8"))

    jsonschema.validate(checked.merge(chart_values("loki"), rendered[case]), schema)


@pytest.mark.parametrize("helm", ["helm3", "helm4"])
@pytest.mark.parametrize("case", CASES)
def test_helm_takes_the_values(rendered: dict[str, dict[str, Any]], case: str, helm: str, tmp_path: Path) -> None:
    chart = values_only_chart(CASES[case][0], tmp_path)
    (tmp_path / "given.yaml").write_text(yaml.safe_dump(rendered[case]), encoding="utf-8")

    command = [binary(helm), "template", "one", str(chart), "--values", str(tmp_path / "given.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_a_value_of_the_wrong_type_would_be_refused(tmp_path: Path) -> None:
    chart = values_only_chart("loki", tmp_path)

    command = [binary("helm4"), "template", "one", str(chart), "--set", "singleBinary.persistence.size=50"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode != 0 and "size" in done.stderr


def test_loki_keeps_thirty_days_on_its_volume(rendered: dict[str, dict[str, Any]]) -> None:
    values = rendered["loki"]

    assert values["loki"]["limits_config"]["retention_period"] == "720h"
    assert values["loki"]["compactor"]["retention_enabled"] is True
    assert values["singleBinary"]["persistence"] == {
        "enabled": True,
        "storageClass": "k8s-storage",
        "size": "107374182400",
    }


@pytest.mark.parametrize(("case", "where"), [("loki", "singleBinary"), ("alloy-events", "controller"), ("grafana", "")])
def test_each_release_is_placed_where_the_design_says(
    rendered: dict[str, dict[str, Any]], case: str, where: str
) -> None:
    part = rendered[case][where] if where else rendered[case]

    assert part["nodeSelector"] == {"hardware": "heavy" if case == "loki" else "light"}


def test_alloy_may_read_no_secret(rendered: dict[str, dict[str, Any]]) -> None:
    for case in ("alloy", "alloy-events"):
        rules = rendered[case]["rbac"]["rules"] + rendered[case]["rbac"]["clusterRules"]
        named = {resource for rule in rules for resource in rule.get("resources", [])}
        assert named <= {"pods", "events", "namespaces"}
