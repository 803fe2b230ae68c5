"""nginx: an ingress with static pages and two upstreams, under visitors, then broken at every edge."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import ssl
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path

from tools.recorder.certificates import Authority, authority, issue
from tools.recorder.program import Program
from tools.recorder.programs.nginx_stage import PAGES, Orders, application, configure, get, reload_with, start, visit
from tools.recorder.recording import Pod, Recording
from tools.recorder.steps import client, port_held, write_file

PROGRAM = Program(
    name="nginx",
    kind="ingress",
    split="training",
    version=("nginx", "-v"),
    command=("nginx", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"),
    packages=("debian:nginx-light",),
)
COMPONENT = ("ingress", "nginx")


def record(recording: Recording) -> None:
    """Healthy runs, then every fault three times."""
    dice = random.Random(5)  # noqa: S311 -- traffic, not secrets
    recording.sandbox.cover("/etc/nginx")
    for name in ("index.html", "static/app.js", "static/site.css"):
        write_file(f"/srv/www/{name}", "x" * 900)
    shutil.chown("/data", "www-data")
    orders = application()
    pod = recording.pod("ingress-nginx-controller-7d8f9c6b5d-x2q4z", namespace="ingress", container="controller")
    configure()
    for run in range(3):
        with recording.healthy(f"Visitors of the shop, run {run + 1}"):
            running = start(pod)
            visit(dice, 210)
            running.send_signal(signal.SIGHUP)
            time.sleep(1)
            visit(dice, 210, (*PAGES, "/api/missing", "/favicon.ico", "/robots.txt"))
            running.stop(signal.SIGQUIT)
    _start_faults(recording, pod, dice)
    _upstream_faults(recording, pod, dice, orders)
    _client_faults(recording, pod, dice)
    _machine_faults(recording, pod, dice)


def _start_faults(recording: Recording, pod: Pod, dice: random.Random) -> None:
    for port in (8080, 8443, 9090):
        configure(port=port)
        with (
            recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"bind\(\) to .* failed \(98: (?:Unknown error|Address already in use)"],
                description="Another process holds the port",
                values={"port": str(port)},
            ),
            port_held(port),
        ):
            start(pod, wait=0).wait()
    mistakes = {
        "server": "location /x { proxy_pas http://orders; }",
        "events": "use kqueue2;",
        "http": "gzip maybe;",
        "body": "64k; client_header_timeout 5parsecs",
    }
    for place, text in mistakes.items():
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"\[emerg\] .* in /etc/nginx/nginx.conf:\d+"],
            description="A directive in nginx.conf that nginx does not understand",
            values={"text": text},
        ):
            reload_with(pod, dice, **{place: text})
    for name in ("orders-v2", "stock.warehouse.svc.cluster.local", "payments.billing"):
        with recording.fault(
            "dns_failure",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"host not found in upstream"],
            description="An upstream's name does not resolve when nginx starts",
            values={"name": name},
        ):
            reload_with(pod, dice, upstream=f"{name}:8080")
            start(pod, wait=0).wait(30)
    signer = authority(Path("/data/tls"), "Edge CA")
    issued = [issue(signer, Path("/data/tls"), f"{name}.example.org") for name in ("shop", "admin", "api")]
    for index, certificate in enumerate(issued):
        wrong = issued[(index + 1) % 3].key
        listen = f"listen 8443 ssl; ssl_certificate {certificate.certificate}; ssl_certificate_key {wrong};"
        with recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"key values mismatch"],
            description="The key does not belong to the certificate",
            values={"certificate": str(certificate.certificate), "key": str(wrong)},
        ):
            reload_with(pod, dice, server=listen)


def _upstream_faults(recording: Recording, pod: Pod, dice: random.Random, orders: ThreadingHTTPServer) -> None:
    for port in (9001, 9100, 8081):
        configure(upstream=f"127.0.0.1:{port}")
        with recording.fault(
            "upstream_refused",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"connect\(\) failed \(111: (?:Unknown error|Connection refused)"],
            description="The application behind nginx does not listen",
            values={"upstream": f"127.0.0.1:{port}"},
        ):
            running = start(pod)
            visit(dice, 30)
            running.stop(signal.SIGQUIT)
    for path in ("/api/orders/slow", "/api/reports/slow", "/api/stock/slow-export"):
        configure()
        with recording.fault(
            "upstream_timeout",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"upstream timed out \(110:"],
            description="The application answers too slowly",
            values={"path": path},
        ):
            running = start(pod)
            visit(dice, 12)
            for _ in range(3):
                get(path)
            visit(dice, 8)
            running.stop(signal.SIGQUIT)
    for path in ("/api/orders/broken", "/api/cart/broken", "/api/broken-export"):
        with recording.fault(
            "bad_gateway",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"upstream prematurely closed connection"],
            description="The application ends connections without an answer",
            values={"path": path},
        ):
            running = start(pod)
            visit(dice, 12)
            for _ in range(4):
                get(path)
            visit(dice, 6)
            running.stop(signal.SIGQUIT)
    signer, other = authority(Path("/data/tls"), "Mesh CA"), authority(Path("/data/tls"), "Old CA")
    for index, days in enumerate((1, 20, 200)):
        _tls_upstream(recording, pod, dice, signer, other, index, days)
    orders.shutdown()


def _tls_upstream(  # noqa: PLR0913, PLR0917 -- one scene, two faults that differ in the certificate
    recording: Recording, pod: Pod, dice: random.Random, signer: Authority, other: Authority, index: int, days: int
) -> None:
    host = f"backend-{index}.shop.svc"
    faults = {
        "cert_expired": (
            "CRITICAL",
            r"certificate has expired",
            issue(signer, Path("/data/exp"), host, expired_days=days),
        ),
        "cert_untrusted": (
            "ERROR",
            r"unable to get local issuer|self-signed|unable to verify",
            issue(other, Path("/data/old"), host),
        ),
    }
    for number, (cause, (severity, evidence, issued)) in enumerate(faults.items()):
        port = 9500 + 10 * index + number
        server = ThreadingHTTPServer(("127.0.0.1", port), Orders)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        verify = f"proxy_ssl_verify on; proxy_ssl_trusted_certificate {signer.file}; proxy_ssl_name {host};"
        configure(
            server=f"location /secure/ {{ proxy_pass https://127.0.0.1:{port}; {verify} }}", upstream="127.0.0.1:9000"
        )
        with recording.fault(
            cause,
            severity=severity,
            component=COMPONENT,
            evidence=[evidence],
            description="nginx refuses the certificate of the application behind it",
            values={"host": host, "port": str(port), "expired_days": str(days if cause == "cert_expired" else 0)},
        ):
            running = start(pod)
            visit(dice, 10)
            for step in range(3):
                get(f"/secure/{step}")
            visit(dice, 5)
            running.stop(signal.SIGQUIT)
        server.shutdown()


def _client_faults(recording: Recording, pod: Pod, dice: random.Random) -> None:
    application(9200)
    for kib in (8, 32, 100):
        configure(upstream="127.0.0.1:9200", body=f"{kib}k")
        with recording.fault(
            "bad_request_data",
            severity="WARN",
            component=COMPONENT,
            evidence=[r"client intended to send too large body", r"client sent invalid"],
            description="Clients send bodies that are too large and broken requests",
            values={"limit": f"{kib}k"},
        ):
            running = start(pod)
            visit(dice, 12)
            for step in range(5):
                get("/api/upload", method="POST", body=b"x" * (kib * 1024 + 100 * (step + 1)))
                raw = f"GET /search?q={step} HTTP/1.1\r\nHost: shop\r\nbad header {step}\r\n: x\r\n\r\n"
                with socket.create_connection(("127.0.0.1", 8080), 2) as connection:
                    connection.sendall(raw.encode() if step % 2 else b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
                    connection.settimeout(1)
                    connection.recv(400)
            visit(dice, 8)
            running.stop(signal.SIGQUIT)


def _machine_faults(recording: Recording, pod: Pod, dice: random.Random) -> None:
    for files in (18, 24, 30):
        configure(upstream="127.0.0.1:9200", files=files)
        with recording.fault(
            "fd_limit",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"\(24: Too many open files\)"],
            description="A worker may open too few files",
            values={"worker_rlimit_nofile": str(files)},
        ):
            running = start(pod)
            visit(dice, 10)
            held = [socket.create_connection(("127.0.0.1", 8080), 2) for _ in range(files * 2)]
            time.sleep(0.2)
            for connection in held:
                connection.close()
            visit(dice, 8)
            running.stop(signal.SIGQUIT)
    for folder in ("/srv/www/private", "/srv/www/media", "/srv/www/reports"):
        write_file(f"{folder}/index.html", "secret")
        Path(folder).chmod(0o700)
        configure(upstream="127.0.0.1:9200")
        with recording.fault(
            "volume_permission",
            severity="ERROR",
            component=COMPONENT,
            evidence=[r"\(13: (?:Unknown error|Permission denied)"],
            description="Files of the volume may not be read by nginx",
            values={"folder": folder},
        ):
            running = start(pod)
            visit(dice, 10)
            for name in ("index.html", "a.png", ""):
                get(f"/{Path(folder).name}/{name}")
            visit(dice, 6)
            running.stop(signal.SIGQUIT)
    configure(upstream="127.0.0.1:9200")
    for number, cause, severity in ((9, "process_killed", "ERROR"), (11, "segfault", "CRITICAL")):
        for kills in (1, 2, 3):
            with recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[rf"worker process \d+ exited on signal {number}"],
                description=f"Workers end by signal {number}",
                values={"signal": str(number), "workers": str(kills)},
            ):
                running = start(pod)
                visit(dice, 8)
                for _ in range(kills):
                    workers = client("pgrep", "-P", str(running.pid)).split()
                    client("kill", f"-{number}", workers[0])
                    time.sleep(0.3)
                visit(dice, 6)
                running.stop(signal.SIGQUIT)
