"""The one question that ends a run: on a settled host nothing is due, and each thing that drifts is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import (
    k3s_kubeconfig,
    k3s_readiness,
    k3s_settled,
    k3s_systemd,
)
from ansible_collections.homelab.log_intelligence.plugins.modules import k3s_status

VERSION = "v1.35.0+k3s1"
TOKEN = "".join(f"{number:02x}" for number in range(7, 71))
KUBECONFIG = "clusters:\n- cluster:\n    server: https://127.0.0.1:6443\n  name: default\n"
UNIT = k3s_systemd.UnitState(
    exists=True, active="active", sub="running", result="success", main_pid=7, restarts=0, needs_reload=False,
    enabled=True, since="",
)  # fmt: skip


@dataclass
class Host:
    """A server on which all is as asked for."""

    folder: Path
    given: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    unit: k3s_systemd.UnitState = UNIT
    ready: k3s_readiness.Readiness = field(default_factory=lambda: k3s_readiness.Readiness("", VERSION))

    def due(self) -> list[str]:
        return k3s_status.due(self.given, self.found)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path)
    program = tmp_path / f"k3s-{VERSION}"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "k3s").symlink_to(program)
    (tmp_path / "kubectl").symlink_to("k3s")
    written = {"config.yaml": "node-ip: 10.0.0.102\n", "token": f"{TOKEN}\n"}
    for name, content in written.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "k3s.yaml").write_text(KUBECONFIG, encoding="utf-8")
    server = {"server": "https://10.0.0.102:6443", "name": "homelab"}
    copied = k3s_kubeconfig.rewritten(KUBECONFIG, *server.values())
    sums = {"sha256": hashlib.sha256(copied.encode()).hexdigest(), "cluster_id": "one"}
    one = {"content": None, "settings": None, "secret": None, "absent": False, "mode": "0600", "directory_mode": "0755"}
    files = [
        {**one, "path": str(tmp_path / "config.yaml"), "content": written["config.yaml"]},
        {**one, "path": str(tmp_path / "token"), "secret": "token"},
        {**one, "path": str(tmp_path / "registries.yaml"), "absent": True},
    ]
    made.given = {
        "role": "server", "host": "node-1", "node": "node-1", "version": VERSION, "servers": ["node-1"],
        "node_names": ["node-1"], "settings": {}, "kubelet_settings": {}, "cpu_manager_policy": "none",
        "secrets_encryption": True, "server_token": TOKEN, "agent_token": TOKEN[::-1], "join_url": "",
        "program": str(program), "link": str(tmp_path / "k3s"), "verified_elsewhere": False, "aliases": ["kubectl"],
        "sha256": hashlib.sha256(program.read_bytes()).hexdigest().upper(), "files": files, "secrets": {"token": TOKEN},
        "kubeconfig": {"path": "kubeconfig", **server, **sums}, "data_dir": str(tmp_path / "data"),
    }  # fmt: skip
    made.found = {
        "role": "server", "member": True, "installed_version": VERSION, "running_version": VERSION,
        "fingerprint": {"differences": []}, "datastore": "sqlite", "secrets_encryption": True,
        "server_token_sha256": None, "cluster_id": "one",
    }  # fmt: skip
    monkeypatch.setattr(k3s_systemd, "state", lambda _unit: made.unit)
    monkeypatch.setattr(k3s_readiness, "look", lambda *_asked: made.ready)
    monkeypatch.setattr(k3s_settled.of_kubeconfig, "__defaults__", (str(tmp_path / "k3s.yaml"),))
    return made


def test_nothing_is_due_where_all_is_as_asked_for(host: Host) -> None:
    assert host.due() == []


def altered(name: str, text: str = "altered\n") -> Callable[[Host], None]:
    def spoil(host: Host) -> None:
        (host.folder / name).write_text(text, encoding="utf-8")

    return spoil


def mode(name: str, bits: int = 0o666) -> Callable[[Host], None]:
    return lambda host: (host.folder / name).chmod(bits)


def gone(name: str) -> Callable[[Host], None]:
    return lambda host: (host.folder / name).unlink()


def given(**values: Any) -> Callable[[Host], None]:
    return lambda host: host.given.update(values)


def found(**values: Any) -> Callable[[Host], None]:
    return lambda host: host.found.update(values)


def unit(**values: Any) -> Callable[[Host], None]:
    return lambda host: setattr(host, "unit", replace(UNIT, **values))


def node(missing: str, *, drained: bool = False) -> Callable[[Host], None]:
    return lambda host: setattr(host, "ready", k3s_readiness.Readiness(missing, VERSION, drained))


@pytest.mark.parametrize(
    ("spoil", "phrase"),
    [
        (found(role=None), "is not a server here"),
        (found(role="agent"), "is not a server here"),
        (given(version="v1.36.4+k3s1"), "instead of v1.36.4+k3s1"),
        (given(verified_elsewhere=True), "the controller's copy"),
        (altered(f"k3s-{VERSION}"), "has another content"),
        (mode(f"k3s-{VERSION}", 0o777), "may be written by others"),
        (gone("kubectl"), "kubectl is missing"),
        (altered("config.yaml"), "config.yaml: content"),
        (mode("config.yaml"), "config.yaml: mode"),
        (gone("config.yaml"), "config.yaml: created"),
        (altered("token"), "token: content"),
        (mode("token"), "token: mode"),
        (altered("registries.yaml"), "registries.yaml: removed"),
        (given(secrets={"token": TOKEN[::-1]}), "token: content"),
        (unit(active="inactive", main_pid=0), "k3s: it is inactive"),
        (unit(enabled=False), "k3s: it is not enabled"),
        (unit(needs_reload=True), "its unit on disk"),
        (found(fingerprint={"differences": ["/etc/default/k3s has changed"]}), "k3s: /etc/default/k3s has changed"),
        (node("the node node-1 is not ready"), "is not ready"),
        (node("", drained=True), "was drained by a run that was broken off"),
        (given(server_token="hunter2hunter2"), "14 characters"),
        (given(secrets_encryption=False), "Secrets encryption"),
        (found(cluster_id="another"), "is not this cluster's"),
        (altered("k3s.yaml", KUBECONFIG + "users: []\n"), "is not this cluster's"),
    ],
)
def test_each_thing_that_drifted_sends_the_run_through_all_its_steps(
    host: Host, spoil: Callable[[Host], None], phrase: str
) -> None:
    spoil(host)
    due = host.due()
    assert due
    assert all(phrase in one for one in due)
