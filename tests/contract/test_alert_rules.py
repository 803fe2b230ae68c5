"""The rules of the role monitoring, tried by promtool on series that make them fire and on some that must not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

RULES = Path(__file__).resolve().parents[2] / "roles" / "monitoring" / "files" / "rules"
CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "alert_rules" / "cases.yml").read_text())
PARTS = {
    "node down": "NodeDown",
    "quota filling": "VolumeFilling",
    "disk filling": "DiskFilling",
    "Loki not ingesting": "LokiNotIngesting",
    "Alloy dropping": "AlloyDropping",
    "Alloy over its memory": "AlloyMemoryHigh",
    "llama.cpp slower than verified": "ModelServerSlow",
    "llama.cpp queueing": "ModelServerQueueing",
    "certificates": "ClusterCertificateExpiring",
    "backups old": "BackupOld",
    "analyzer errors": "AnalyzerErrors",
    "watchdog": "Watchdog",
}


def alerts() -> dict[str, dict[str, Any]]:
    """Each alert by its name."""
    return {
        rule["alert"]: rule
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    }


def promtool(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("no promtool on PATH: install the package prometheus")
    return subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=False)


def unit_test(case: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    """The case in promtool's form; promtool would compare annotations as well, so the rules come without them."""
    fires = [{"exp_labels": {**rule.get("labels", {}), **labels}} for labels in case["fires"]]
    return {
        "interval": case.get("interval", "1m"),
        "name": f"{case['alert']}: {case.get('why', 'fires')}",
        "input_series": [{"series": name, "values": values} for name, values in case["series"].items()],
        "alert_rule_test": [{"eval_time": case["at"], "alertname": case["alert"], "exp_alerts": fires}],
    }


def test_promtool_takes_every_rule_file() -> None:
    done = promtool("check", "rules", *sorted(path.name for path in RULES.glob("*.yml")), folder=RULES)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("interval", sorted({case.get("interval", "1m") for case in CASES}))
def test_every_alert_fires_when_it_should_and_only_then(interval: str, tmp_path: Path) -> None:
    cases = [case for case in CASES if case.get("interval", "1m") == interval]
    known = {name: rule for name, rule in alerts().items() if name in {case["alert"] for case in cases}}
    bare = [{key: value for key, value in rule.items() if key != "annotations"} for rule in known.values()]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": bare}]}))
    tests = [unit_test(case, known[case["alert"]]) for case in cases]
    (tmp_path / "tests.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": interval, "tests": tests})
    )

    done = promtool("test", "rules", "tests.yml", folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    firing = {case["alert"] for case in CASES if case["fires"]}

    assert firing == set(alerts())


@pytest.mark.parametrize("alert", PARTS.values(), ids=PARTS)
def test_every_part_of_the_platform_has_its_alert(alert: str) -> None:
    assert alert in alerts()


def test_every_alert_says_what_why_and_the_next_step() -> None:
    for name, rule in alerts().items():
        assert {"summary", "description", "next_step"} <= set(rule["annotations"]), name
        assert rule["labels"]["severity"] in {"critical", "warning", "none"}, name
        assert rule["labels"]["component"], name
