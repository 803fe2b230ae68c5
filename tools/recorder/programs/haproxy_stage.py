"""The load balancer as the scripts start and use it."""

from __future__ import annotations

import random
from collections.abc import Mapping

from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import wait_for_port, write_file
from tools.recorder.upstream import Answer, Upstream, ask

COMPONENT = ("gateway", "haproxy")


CONFIG = """global
    log stdout format raw local0 info
    maxconn {maxconn}
    {more_global}
defaults
    mode http
    log global
    option httplog
    option dontlognull
    timeout connect 400ms
    timeout client 3s
    timeout server {timeout}
    retries 1
frontend shop
    bind 127.0.0.1:{port}{bind_options}
    acl is_cart path_beg /cart
    use_backend cart if is_cart
    default_backend web
backend web
    option httpchk GET /healthz
    server web1 127.0.0.1:8091 check inter 700ms fall 2 rise 1
    server web2 127.0.0.1:8092 check inter 700ms fall 2 rise 1
backend cart
    {cart_options}
    server cart1 {cart} check inter 500ms fall 2 rise 1
"""


class Balancer:
    """The load balancer under one recording, with its services."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.dice = random.Random(59)  # noqa: S311 -- traffic, not secrets
        self.services: dict[str, Upstream] = {}

    def pod(self, suffix: str) -> Pod:
        """A pod of the deployment."""
        return self.recording.pod(f"haproxy-ingress-{suffix}", namespace="ingress", container="haproxy")

    def config(self, **values: str) -> str:
        """The configuration; `values` replace the defaults."""
        base = {
            "maxconn": "200",
            "more_global": "",
            "timeout": "1500ms",
            "port": "8080",
            "bind_options": "",
            "cart": "127.0.0.1:8093",
            "cart_options": "option httpchk GET /ready",
        }
        return CONFIG.format(**{**base, **values})

    def start(
        self, pod: Pod, text: str, limits: Mapping[str, int] | None = None, user: str | None = None
    ) -> RunningProgram:
        """A master and its worker."""
        path = write_file("/app/haproxy.cfg", text)
        return pod.run(["haproxy", "-W", "-db", "-f", str(path)], limits=limits, user=user)

    def started(self, pod: Pod, text: str, port: int) -> RunningProgram:
        """A load balancer that listens."""
        program = self.start(pod, text)
        wait_for_port(port)
        return program

    def begin(self) -> None:
        """All services, in order."""

        def web(_method: str, path: str) -> Answer:
            number = sum(path.encode()) % 30
            return Answer(404 if number == 11 else 200, "y" * (40 * number), delay=0.001 * (number % 5))

        self.services = {
            "web1": Upstream(8091, web),
            "web2": Upstream(8092, web),
            "cart": Upstream(8093, lambda *_: Answer(200, '{"items": 1}', delay=0.002)),
        }

    def end(self) -> None:
        """Every service away."""
        for service in self.services.values():
            service.close()
        self.services = {}

    def traffic(self, rounds: int, port: int) -> None:
        """What browsers ask."""
        for _ in range(rounds):
            path = self.dice.choice(
                (
                    "/",
                    "/products",
                    f"/products/{self.dice.randrange(300)}",
                    "/static/app.js",
                    f"/cart/{self.dice.randrange(80)}",
                    "/search?q=chair",
                )
            )
            method = "POST" if path.startswith("/cart") and self.dice.random() < 0.5 else "GET"
            ask(f"http://127.0.0.1:{port}{path}", method=method, body="{}" if method == "POST" else None, seconds=4)
