"""Which part of the system an event speaks of: its program where that is a known one, else what its cause concerns."""

from __future__ import annotations

import re

from k8s_log_agent.llm.hostile_text import visible
from k8s_log_agent.records import Component, Event

# Kind and common name of programs, by the words that their containers and pods are called by; no name where a word only
# tells the kind.
_PROGRAMS = {
    "cache": {"redis": "redis", "valkey": "valkey", "memcached": "memcached", "": "cache"},
    "database": {
        "postgresql": "postgresql postgres pgsql",
        "mysql": "mysql mysqld",
        "mariadb": "mariadb",
        "mongodb": "mongodb mongo mongod",
        "": "db database",
    },
    "dns": {"coredns": "coredns"},
    "etcd": {"etcd": "etcd"},
    "ingress": {"nginx": "nginx", "envoy": "envoy", "traefik": "traefik", "haproxy": "haproxy", "caddy": "caddy"},
    "kubelet": {"kubelet": "kubelet"},
    "model-server": {"llama-server": "llama"},
    "monitoring": {"prometheus": "prometheus", "alertmanager": "alertmanager", "grafana": "grafana", "loki": "loki"},
    "queue": {"kafka": "kafka", "rabbitmq": "rabbitmq", "nats": "nats", "": "broker queue"},
    "containerd": {"containerd": "containerd"},
    "network-plugin": {"calico": "calico", "cilium": "cilium", "flannel": "flannel"},
    "vector-index": {"chroma": "chroma"},
}
_BY_WORD = {
    word: Component(kind=kind, name=name)
    for kind, programs in _PROGRAMS.items()
    for name, words in programs.items()
    for word in words.split()
}
_WORD = re.compile(r"[a-z]+")
# What a program's log may blame; the program that logs it is not of this kind, or its name would say so.
_OTHERS = ("cache", "certificate", "database", "dns", "ingress", "network-plugin", "queue")
_SAME = {
    "": "application",
    "app": "application",
    "attachdetach": "volume-controller",
    "cni": "network-plugin",
    "datastore": "etcd",
    "gateway": "ingress",
    "hpa": "autoscaler",
    "init": "init-container",
    "job": "job-controller",
    "pv-controller": "volume-controller",
    "runtime": "containerd",
    "unknown": "application",
    "worker": "application",
}


def canonical_kind(kind: str) -> str:
    """One word for each kind of component, whatever a recording, a template or the table of causes calls it."""
    return _SAME.get(kind, kind)


def component_of(event: Event | None, kind_of_cause: str) -> Component:
    """Kind and name of the program that logs, where its container, app label or pod are called by a known word.

    Else the kind is the cause's, or `application` for a container whose cause concerns another program; the name is the
    container's, else the app label, else the pod's, else empty.
    """
    if event is None:
        return Component(kind=canonical_kind(kind_of_cause), name="")
    names = (event.stream.container, event.labels.get("app", ""), event.stream.pod)
    for name in names:
        for word in _WORD.findall(name.lower()):
            if word in _BY_WORD:
                known = _BY_WORD[word]
                return known if known.name else Component(kind=known.kind, name=visible(name))
    kind = canonical_kind(kind_of_cause)
    if event.stream.container and event.stream.pod and kind in _OTHERS:
        kind = "application"
    return Component(kind=kind, name=visible(next((name for name in names if name), "")))
