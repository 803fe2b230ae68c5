"""The dashboards: each query is read by the program whose language it is in."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLE = Path(__file__).resolve().parents[3] / "roles" / "grafana"
FILES = sorted((ROLE / "files" / "dashboards").glob("*.json"))
LARGEST = 262144  # bytes of a ConfigMap that a client-side apply would still take


def board(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def queries(kind: str) -> list[str]:
    return [
        target["expr"]
        for path in FILES
        for panel in board(path)["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == kind
    ]


def filled(query: str) -> str:
    """The query as Grafana sends it, its variables given."""
    for name, value in (("__rate_interval", "1m"), ("__range", "1h"), ("__auto", "1m"), ("__interval", "1m")):
        query = query.replace(f"${name}", value)
    return re.sub(r"\$\w+", "value", query)


def test_every_dashboard_is_in_a_folder_and_the_other_way_round() -> None:
    private = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))
    named = [name for names in private["_grafana_folders"].values() for name in names]

    assert sorted(named) == [path.stem for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dashboard_stands_alone(path: Path) -> None:
    one = board(path)

    assert one["uid"] == path.stem and one["title"]
    assert len({panel["id"] for panel in one["panels"]}) == len(one["panels"])
    assert {panel["datasource"]["uid"] for panel in one["panels"]} <= {"loki", "prometheus"}
    assert path.stat().st_size < LARGEST


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_panel_lies_over_another(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board(path)["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken and place["x"] + place["w"] <= 24
        taken |= cells


def test_prometheus_reads_every_query_of_metrics(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on PATH: install the package prometheus")
    found = queries("prometheus")
    rules = [{"record": f"dashboard:query{number}", "expr": filled(query)} for number, query in enumerate(found)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))

    done = subprocess.run(
        [promtool, "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(found) > 30


def test_queries_of_logs_use_the_labels_that_alloy_sets() -> None:
    known = {"namespace", "pod", "container", "node", "app", "job", "level", "stream", "cluster", "response_code"}
    known |= {"severity", "cause"}  # of the analyzer's verdicts, which are JSON
    for query in queries("loki"):
        selectors = re.findall(r"\{([^}]*)\}", query)
        named = {name for selector in selectors for name in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)}
        grouped = {name.strip() for group in re.findall(r"by \(([^)]*)\)", query) for name in group.split(",")}
        assert selectors and (named | grouped) <= known, query
