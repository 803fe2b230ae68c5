"""Which container and output the labels of a Loki stream speak of."""

from __future__ import annotations

from collections.abc import Mapping

from k8s_log_agent.records import StreamKey

# As Alloy and Promtail, OpenTelemetry, Fluent Bit and the journal name them; the first that is present counts.
_NAMESPACE = ("namespace", "k8s_namespace_name", "kubernetes_namespace_name", "service_namespace")
_POD = ("pod", "k8s_pod_name", "kubernetes_pod_name", "pod_name", "instance", "node", "nodename", "hostname", "host")
_CONTAINER = ("container", "k8s_container_name", "kubernetes_container_name", "container_name")
_UNIT = ("unit", "systemd_unit", "syslog_identifier")
_PROGRAM = ("filename", "app", "service_name", "job")
_OUTPUT = ("stream", "log_iostream", "output")


def stream_of(labels: Mapping[str, str]) -> StreamKey:
    """The stream; empty where no label tells, so that lines of one Loki stream always share one key."""
    container = _first(labels, _CONTAINER)
    output = _first(labels, _OUTPUT)
    if not container and (unit := _first(labels, _UNIT)):
        return StreamKey(_first(labels, _NAMESPACE), _first(labels, _POD), unit, output or "journal")
    return StreamKey(_first(labels, _NAMESPACE), _first(labels, _POD), container or _first(labels, _PROGRAM), output)


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")
