"""What the roles monitoring, chroma and log_analyzer render, read by Kubernetes' schemas, promtool, amtool and Helm."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # carries no types
import kubernetes_validate  # type: ignore[import-untyped] # carries no types
import pytest
import yaml
from ansible_collections.homelab.log_intelligence.plugins.module_utils import chart_values as checked

from k8s_log_agent.service.alerts.selectors import choose
from k8s_log_agent.service.settings import PREFIX, Settings
from tests.cluster_tools import binary
from tests.reference_charts import chart_folder, chart_values, values_only_chart
from tests.rendered import objects, render

ROOT = Path(__file__).resolve().parents[2]
ROLES = ROOT / "roles"
VERSIONS = ("1.33", "1.34", "1.35", "1.36")
MAIL = {"to": "me@example.lan", "from": "a@example.lan", "smarthost": "mail:587"}
RECEIVERS = [{"name": "mail", "email_configs": [MAIL]}]
SECRETS = {"_monitoring_secrets": {"analyzer-token": "secret", "watchdog-url": "https://example.org/ping"}}
ANALYZER = {"log_analyzer_secrets_dir": "/none", "_log_analyzer_secrets": {"alert-token": "secret", "keys.json": "{}"}}
PARTS = ["scrape_configs.yaml.j2", "alertmanager.yaml.j2", "rules.yaml.j2"]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Each template of the three roles; monitoring with everything on, and with everything off in `values-least`."""
    given: dict[str, Any] = {"monitoring_secrets_dir": "/none", "monitoring_tempo": True, **SECRETS}
    routes = [{"receiver": "mail", "matchers": ['severity="critical"']}]
    full = {
        "monitoring_receivers": RECEIVERS,
        "monitoring_routes": routes,
        "monitoring_watchdog_url_file": "/none/url",
    }
    place = tmp_path_factory.mktemp("monitoring")
    texts = render("monitoring", PARTS, place, **given, **full)
    facts = {
        "_monitoring_scrape_configs": yaml.safe_load(texts["scrape_configs.yaml.j2"]),
        "_monitoring_alertmanager_config": yaml.safe_load(texts["alertmanager.yaml.j2"]),
    }
    texts |= render("monitoring", ["values.yaml.j2", "objects.yaml.j2"], place, **given, **facts)
    parts = ("alertmanager", "kube_state_metrics", "node_exporter", "analyzer", "tempo")
    off = {f"monitoring_{part}": False for part in parts} | {
        "monitoring_secrets_dir": "/none",
        "_monitoring_secrets": {},
    }
    least = render(
        "monitoring", ["values.yaml.j2", "objects.yaml.j2"], tmp_path_factory.mktemp("least"), **facts, **off
    )
    texts |= {"values-least": least["values.yaml.j2"], "objects-least": least["objects.yaml.j2"]}
    texts |= render("chroma", ["chroma.yaml.j2"], tmp_path_factory.mktemp("chroma"))
    templates = ["service.yaml.j2", "claim.yaml.j2", "jobs.yaml.j2"]
    return texts | render("log_analyzer", templates, tmp_path_factory.mktemp("analyzer"), **ANALYZER)


MANIFESTS = ("objects.yaml.j2", "objects-least", "chroma.yaml.j2", "service.yaml.j2", "claim.yaml.j2", "jobs.yaml.j2")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid_for_the_supported_versions(rendered: dict[str, str], version: str) -> None:
    found = [one for name in MANIFESTS for one in objects(rendered[name])]

    for one in found:
        kubernetes_validate.validate(one, version, strict=True)
    assert len(found) > 13


def pods(texts: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The pod template of each workload that the roles write themselves."""
    found = {}
    for name in MANIFESTS:
        for one in objects(texts[name]):
            spec = one.get("spec", {}).get("jobTemplate", one).get("spec", {})
            if "template" in spec:
                found[one["metadata"]["name"]] = spec["template"]
    return found


@pytest.mark.parametrize("name", ["chroma", "log-analyzer", "log-analyzer-digest", "tempo"])
def test_a_pod_is_closed_and_on_the_heavy_node(rendered: dict[str, str], name: str) -> None:
    spec = pods(rendered)[name]["spec"]
    container = spec["containers"][0]

    assert spec["nodeSelector"] == {"hardware": "heavy"}
    assert spec["automountServiceAccountToken"] is False and spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert {"requests", "limits"} <= set(container["resources"])


def test_claims_are_those_that_the_volumes_wait_for(rendered: dict[str, str]) -> None:
    volumes = yaml.safe_load((ROOT / "roles/cluster/vars/main.yml").read_text())["_cluster_volumes"]
    waiting = {(one["namespace"], one["claim"]) for one in volumes}
    state = next(one for one in objects(rendered["chroma.yaml.j2"]) if one["kind"] == "StatefulSet")
    template = state["spec"]["volumeClaimTemplates"][0]["metadata"]["name"]

    assert ("llm", f"{template}-{state['metadata']['name']}-0") in waiting
    assert ("llm", objects(rendered["claim.yaml.j2"])[0]["metadata"]["name"]) in waiting
    release = yaml.safe_load((ROOT / "roles/monitoring/defaults/main.yml").read_text())["monitoring_release_name"]
    assert ("monitoring", f"{release}-server") in waiting  # as the chart names it


def test_the_analyzer_can_start_with_what_it_is_told(rendered: dict[str, str]) -> None:
    config = next(one for one in objects(rendered["service.yaml.j2"]) if one["kind"] == "ConfigMap")["data"]
    container = pods(rendered)["log-analyzer"]["spec"]["containers"][0]
    given = config | {one["name"]: one["value"] for one in container["env"] if "value" in one}

    settings = Settings.read(given)

    assert all(name.removeprefix(PREFIX).lower() in Settings.model_fields for name in config)
    assert settings.listen_port == container["ports"][0]["containerPort"] and settings.root_path == "/analyzer"
    assert str(settings.keys_file).startswith(container["volumeMounts"][1]["mountPath"])


def open_to_prometheus() -> set[tuple[Any, tuple[str, ...], int]]:
    """Namespace, labels' values and port of what the role cluster lets Prometheus reach."""
    flows = yaml.safe_load((ROOT / "roles/cluster/vars/flows.yml").read_text())
    peers = flows["_cluster_peers"]
    return {
        (peers[flow["to"]].get("namespace"), tuple(peers[flow["to"]].get("labels", {}).values()), port)
        for flow in flows["_cluster_flows"]
        if flow["from"] == "prometheus"
        for port in flow["ports"]
    }


def test_every_job_of_prometheus_has_its_flow() -> None:
    open_ports, private = open_to_prometheus(), yaml.safe_load((ROOT / "roles/monitoring/vars/main.yml").read_text())
    for part in private["_monitoring_parts"]:
        node = part["job"] == "node"  # its exporter has the node's own address
        wanted = (None, (), 9100) if node else (part["namespace"], (part["app"],), part["port"])
        assert wanted in open_ports, part


def test_the_annotated_pods_have_their_flow(rendered: dict[str, str]) -> None:
    annotated = {
        name: found
        for name, pod in pods(rendered).items()
        if (found := pod["metadata"].get("annotations", {})).get("prometheus.io/scrape") == "true"
    }

    assert list(annotated) == ["log-analyzer"]
    for name, found in annotated.items():
        assert ("llm", (name,), int(found["prometheus.io/port"])) in open_to_prometheus()


@pytest.mark.parametrize("case", ["values.yaml.j2", "values-least"])
def test_the_chart_takes_the_values(rendered: dict[str, str], case: str, tmp_path: Path) -> None:
    values = yaml.safe_load(rendered[case])
    free = yaml.safe_load((ROOT / "roles/monitoring/vars/main.yml").read_text())["_monitoring_free_paths"]
    schema = json.loads((chart_folder("prometheus") / "values.schema.json").read_text(encoding="utf-8"))

    assert list(checked.unknown_keys(values, chart_values("prometheus"), tuple(free))) == []
    jsonschema.validate(checked.merge(chart_values("prometheus"), values), schema)
    (tmp_path / "values.yaml").write_text(rendered[case], encoding="utf-8")
    command = [binary("helm4"), "template", "prometheus", str(values_only_chart("prometheus", tmp_path))]
    done = subprocess.run(
        [*command, "--values", "values.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_promtool_takes_jobs_and_rules(rendered: dict[str, str], tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on PATH: install the package prometheus")
    jobs = yaml.safe_load(rendered["scrape_configs.yaml.j2"])
    scraped = []
    for name, job in jobs.items():
        if job.pop("enabled", True):
            # Debian's promtool is built without the discovery of Kubernetes; everything else is read as it is.
            assert job.pop("kubernetes_sd_configs")
            job.pop("tls_config", None)
            job.pop("authorization", None)  # its file is in a pod only
            scraped.append({"job_name": name, "static_configs": [{"targets": ["a:1"]}], **job})
    for name, text in yaml.safe_load(rendered["rules.yaml.j2"]).items():
        (tmp_path / f"rules-{name}").write_text(text, encoding="utf-8")
    config = {"rule_files": ["rules-*.yml"], "scrape_configs": scraped}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))

    done = subprocess.run(
        [promtool, "check", "config", "prometheus.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(scraped) >= 12


def test_amtool_takes_the_routes_and_each_alert_finds_its_receiver(rendered: dict[str, str], tmp_path: Path) -> None:
    amtool = shutil.which("amtool")
    if amtool is None:
        pytest.skip("no amtool on PATH: install the package prometheus-alertmanager")
    # Alertmanager before 0.26, as Debian has it, knows no url_file; the pinned one does.
    text = rendered["alertmanager.yaml.j2"].replace(
        "url_file: /etc/receivers/watchdog-url", "url: https://example.org/ping"
    )
    (tmp_path / "alertmanager.yml").write_text(text, encoding="utf-8")

    def told(*labels: str) -> str:
        command = [amtool, "config", "routes", "test", "--config.file", "alertmanager.yml", *labels]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout.strip()

    check = [amtool, "check-config", "alertmanager.yml"]
    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert told("alertname=Watchdog", "severity=none") == "watchdog"
    assert told("alertname=NodeDown", "severity=critical") == "mail"
    assert told("alertname=BackupOld", "severity=warning") == "analyzer"


def test_the_analyzer_follows_the_selectors_of_the_alerts() -> None:
    files = [
        *sorted((ROOT / "roles/monitoring/files/rules").glob("*.yml")),
        ROOT / "roles/log_analyzer/files/ruler/critical.yml",
    ]
    found = 0
    for path in files:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if written := rule["annotations"].get("logql", ""):
                    filled = written.replace("{{ $labels.", "").replace(" }}", "")
                    assert choose({}, {"logql": filled}).note == "", written
                    found += 1
    assert found >= 12
