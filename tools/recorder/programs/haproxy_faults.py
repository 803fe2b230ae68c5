"""What breaks a load balancer: its settings, its servers, its clients."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tools.recorder.programs.haproxy_stage import COMPONENT, Balancer
from tools.recorder.steps import port_held
from tools.recorder.upstream import Answer, Upstream


def record(balancer: Balancer) -> None:
    """Every fault at least three times."""
    _starts(balancer)
    _services(balancer)
    _clients(balancer)


def _starts(balancer: Balancer) -> None:
    recording = balancer.recording
    for port in (8080, 8443, 9443):
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"cannot bind socket \(Address already in use\)"],
                description="Another process listens on the port",
                values={"port": str(port)},
            ),
            port_held(port, "127.0.0.1"),
        ):
            balancer.start(balancer.pod("b7q3m"), balancer.config(port=str(port))).wait()
    good = balancer.config()
    broken = {
        "unknown keyword": good.replace("option httplog", "option httplogs"),
        "no number": good.replace("timeout server 1500ms", "timeout server soon"),
        "no backend": good.replace("\nbackend cart\n", "\nbackend carts\n"),
        "bad address": good.replace("127.0.0.1:8091", "127.0.0.1:80910"),
        "missing argument": good.replace("acl is_cart path_beg /cart", "acl is_cart"),
    }
    for mistake, text in broken.items():
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"\[ALERT\].*config : (parsing|Proxy|\[/app)", r"unable to find required"],
            description="The configuration is not valid",
            values={"mistake": mistake},
        ):
            pod = balancer.pod("d4n9t")
            for _ in range(2):
                balancer.start(pod, text).wait()
    for limit in (60, 100, 160):
        with recording.fault(
            "fd_limit",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"(FD limit|[Cc]annot raise FD limit|ulimit-n|file descriptors)"],
            description="The container may open fewer files than the settings need",
            values={"nofile": str(limit)},
        ):
            pod = balancer.pod("f8w5c")
            for _ in range(2):
                balancer.start(pod, balancer.config(maxconn="4000"), {"nofile": limit}).wait()
    for host in ("cart.shop.svc.cluster.local", "basket", "cart.example.net"):
        with recording.fault(
            "dns_failure",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"could not resolve address"],
            description="The name of a server does not resolve at start",
            values={"host": host},
        ):
            pod = balancer.pod("h3r6z")
            for _ in range(2):
                balancer.start(pod, balancer.config(cart=f"{host}:8093")).wait()
    for name in ("/etc/haproxy/certs/shop.pem", "/etc/ssl/private/tls.pem", "/run/secrets/edge.pem"):
        with recording.fault(
            "missing_config_object",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"unable to (stat|load) SSL certificate"],
            description="The certificate is not where the configuration says",
            values={"file": name},
        ):
            pod = balancer.pod("j6t4k")
            for _ in range(2):
                balancer.start(pod, balancer.config(bind_options=f" ssl crt {name}")).wait()
    for folder in ("/run/haproxy", "/var/lib/edge", "/data/socket"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        with recording.fault(
            "volume_permission",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"\(Permission denied\)"],
            description="The folder of the admin socket belongs to root",
            values={"folder": folder, "user": "www-data"},
        ):
            pod = balancer.pod("m5x7d")
            text = balancer.config(more_global=f"stats socket {folder}/admin.sock mode 600 level admin")
            for _ in range(2):
                balancer.start(pod, text, user="www-data").wait()


def _services(balancer: Balancer) -> None:
    def refuse(cart: Upstream) -> None:
        cart.close()

    def slow(cart: Upstream) -> None:
        cart.answer = lambda _method, path: Answer(200, "{}", delay=0.0 if path == "/ready" else 1.2)

    def reset(cart: Upstream) -> None:
        cart.answer = lambda _method, path: Answer(reset=path != "/ready")

    def unready(cart: Upstream) -> None:
        cart.answer = lambda *_: Answer(503, "migrating")

    cases: dict[str, tuple[str, str, Callable[[Upstream], None]]] = {
        "upstream_refused": ("ERROR", r"cart/cart1 is DOWN, reason: Layer4 connection problem", refuse),
        "upstream_timeout": ("ERROR", r" 504 \d+ .* sH", slow),
        "connection_reset": ("WARN", r" 502 \d+ .* SH", reset),
        "bad_gateway": ("ERROR", r"backend '?cart'? has no server available", unready),
    }
    for cause, (severity, evidence, spoil) in cases.items():
        for turn, port in enumerate((8080, 8010, 8190)):
            balancer.begin()
            timeout = f"{300 + 200 * turn}ms"
            with balancer.recording.fault(
                cause,
                severity=severity,
                component=("service", "cart"),
                evidence=[evidence],
                description="The service behind /cart does not do its part",
                values={"port": str(port), "timeout": timeout},
            ):
                program = balancer.started(
                    balancer.pod("p9c2v"), balancer.config(port=str(port), timeout=timeout), port
                )
                balancer.traffic(14 + 6 * turn, port)
                spoil(balancer.services["cart"])
                balancer.traffic(8, port)
                if cause in ("upstream_refused", "bad_gateway"):
                    time.sleep(1.3)
                balancer.traffic(12, port)
                program.stop()
            if cause == "upstream_refused":
                del balancer.services["cart"]
            balancer.end()


def _clients(balancer: Balancer) -> None:
    for bad in (
        "GET /pro ducts HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x02\r\n\r\n",
        "POST /cart HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ):
        balancer.begin()
        with balancer.recording.fault(
            "bad_request_data",
            severity="WARN",
            component=COMPONENT,
            evidence=[r"<BADREQ>"],
            description="A client does not speak proper HTTP",
            values={"first bytes": repr(bad[:12])},
        ):
            program = balancer.started(balancer.pod("r4s8g"), balancer.config(), 8080)
            for _ in range(7):
                balancer.traffic(3, 8080)
                with socket.create_connection(("127.0.0.1", 8080), 2) as connection:
                    connection.sendall(bad.encode("latin-1"))
                    connection.recv(300)
            program.stop()
        balancer.end()
    for delay in (0.2, 0.5, 0.8):
        balancer.begin()
        with balancer.recording.fault(
            "process_killed",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"exited with code 137 \(Killed\)"],
            description="The worker is killed from outside",
            values={"after": f"{delay} s"},
        ):
            program = balancer.started(balancer.pod("t6k3w"), balancer.config(), 8080)
            balancer.traffic(15, 8080)
            time.sleep(delay)
            children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGKILL)
            program.wait()
        balancer.end()
