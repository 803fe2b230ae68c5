"""Makes docs/platform/flows.md and docs/platform/budget.md from the roles' own data; `--check` only compares."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ROOT / "docs" / "platform"
MADE = "<!-- Made by tools/build_platform_docs.py; change the roles instead. -->"
MIB = {"Mi": 1, "Gi": 1024}
NODES = {"node-1 (light)": (12.0, 32_000), "node-2 (heavy)": (20.0, 94_000)}  # threads, MB


@dataclass(frozen=True)
class Share:
    """What one workload asks for on a node: cores, and memory in MiB."""

    node: str
    name: str
    cpu_request: float
    memory_request: float
    cpu_limit: float
    memory_limit: float


def flows() -> str:
    """Return the page of the network flows."""
    data = _read("cluster/vars/flows.yml")
    peers: Mapping[str, Mapping[str, Any]] = data["_cluster_peers"]
    rows = [
        (
            _peer(one["from"], peers),
            _peer(one["to"], peers),
            ", ".join(_ports(one)),
            one["why"],
        )
        for one in data["_cluster_flows"]
    ]
    closed = [name for name, one in _read("cluster/vars/main.yml")["_cluster_namespaces"].items() if one["closed"]]
    return "\n".join(
        [
            "# Network flows",
            "",
            MADE,
            "",
            f"In {', '.join(f'`{name}`' for name in closed)} nothing passes but these connections; replies",
            "need no entry. A node may always reach its own pods, as for probes. Further ones: `cluster_extra_flows`.",
            "",
            *_table(("from", "to", "ports of the pods", "why"), rows),
            "",
        ]
    )


def _ports(flow: Mapping[str, Any]) -> Iterator[str]:
    for port in flow["ports"]:
        yield from (f"{port}/{protocol.lower()}" for protocol in flow.get("protocols", ["TCP"]))


def _peer(name: str, peers: Mapping[str, Mapping[str, Any]]) -> str:
    namespace = peers[name].get("namespace")
    return f"{name} (`{namespace}`)" if namespace else name


def shares() -> Iterator[Share]:
    """Yield what each workload of the roles asks for, on the node where it runs."""
    light, heavy = NODES
    alloy, loki, grafana = (_read(f"{role}/defaults/main.yml") for role in ("alloy", "loki", "grafana"))
    gateway = _read("envoy_gateway/defaults/main.yml")
    for node in (light, heavy):
        yield _share(node, "Alloy", alloy["alloy_resources"])
    yield _share(light, "Alloy, events", alloy["alloy_events_resources"])
    yield _share(light, "Grafana", grafana["grafana_resources"])
    yield _share(light, "Envoy Gateway", gateway["envoy_gateway_resources"])
    yield _share(light, "Envoy", gateway["envoy_gateway_proxy_resources"])
    yield _share(heavy, "Loki", loki["loki_resources"])
    monitoring = _read("monitoring/defaults/main.yml")
    for node in (light, heavy):
        yield _share(node, "node exporter", monitoring["monitoring_node_exporter_resources"])
    yield _share(light, "kube-state-metrics", monitoring["monitoring_kube_state_metrics_resources"])
    yield _share(heavy, "Prometheus", monitoring["monitoring_resources"])
    yield _share(heavy, "Alertmanager", monitoring["monitoring_alertmanager_resources"])
    yield _share(heavy, "Chroma", _read("chroma/defaults/main.yml")["chroma_resources"])
    yield _share(heavy, "Log analyzer", _read("log_analyzer/defaults/main.yml")["log_analyzer_resources"])
    yield _share(heavy, "Log analyzer, digest", _read("log_analyzer/defaults/main.yml")["log_analyzer_resources"])
    for model in _read("llama_cpp/defaults/main.yml")["llama_cpp_models"]:
        yield Share(
            heavy,
            f"llama.cpp, {model['name']}",
            model["cpu_request"],
            model["memory_request_mib"],
            model["cpu_limit"],
            model["memory_limit_mib"],
        )


def _share(node: str, name: str, resources: Mapping[str, Mapping[str, str]]) -> Share:
    asked, limit = resources["requests"], resources["limits"]
    return Share(node, name, _cores(asked["cpu"]), _mib(asked["memory"]), _cores(limit["cpu"]), _mib(limit["memory"]))


def totals() -> dict[str, Share]:
    """Return the sum of each node."""
    found = {}
    for node in NODES:
        own = [one for one in shares() if one.node == node]
        found[node] = Share(
            node,
            "sum",
            sum(one.cpu_request for one in own),
            sum(one.memory_request for one in own),
            sum(one.cpu_limit for one in own),
            sum(one.memory_limit for one in own),
        )
    return found


def budget() -> str:
    """Return the page of what the workloads ask for."""
    parts = ["# Resource budget", "", MADE, ""]
    parts += [
        "Requests are set aside; limits are the most that a workload can take. Roles that are not listed come on top."
    ]
    for node, (threads, memory) in NODES.items():
        own = [*(one for one in shares() if one.node == node), totals()[node]]
        rows = [
            (
                one.name,
                f"{one.cpu_request:g}",
                f"{one.memory_request:,.0f}",
                f"{one.cpu_limit:g}",
                f"{one.memory_limit:,.0f}",
            )
            for one in own
        ]
        parts += ["", f"## {node}: {threads:g} threads, {memory / 1000:g} GB", ""]
        heading = ("workload", "CPU asked", "memory asked, MiB", "CPU at most", "memory at most, MiB")
        parts += _table(heading, rows)
    return "\n".join([*parts, ""])


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in (heading, *rows)]
    return [lines[0], "|" + "---|" * len(heading), *lines[1:]]


def _cores(text: str | float) -> float:
    return float(str(text)[:-1]) / 1000 if str(text).endswith("m") else float(text)


def _mib(text: str) -> float:
    return float(text[:-2]) * MIB[text[-2:]]


def _read(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "roles" / path).read_text(encoding="utf-8"))
    return loaded


def main() -> int:
    """Write the pages, or compare; return the exit status."""
    different = False
    for name, text in (("flows.md", flows()), ("budget.md", budget())):
        target = TARGETS / name
        if "--check" not in sys.argv:
            target.write_text(text, encoding="utf-8")
        elif not target.exists() or target.read_text(encoding="utf-8") != text:
            sys.stderr.write(f"{target} is not what the roles say; run python tools/build_platform_docs.py\n")
            different = True
    return int(different)


if __name__ == "__main__":
    sys.exit(main())
