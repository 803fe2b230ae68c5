"""What breaks a proxy: its configuration, its port, and the services behind it."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tools.recorder.certificates import authority, issue
from tools.recorder.programs import envoy as edge_program
from tools.recorder.steps import port_held
from tools.recorder.upstream import Answer, Upstream

if TYPE_CHECKING:
    from tools.recorder.programs.envoy import Edge, Json

TLS_CONTEXT = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


def record(edge: Edge) -> None:
    """Every fault at least three times."""
    _starts(edge)
    _services(edge)
    _names(edge)
    _certificates(edge)
    _tokens(edge)


def _starts(edge: Edge) -> None:
    for port in (10000, 8443, 10901):
        with (
            edge.recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=edge.component,
                evidence=[r"Address already in use"],
                description="Another process listens on the port",
                values={"port": str(port)},
            ),
            port_held(port, "127.0.0.1"),
        ):
            edge.start(edge.pod("b3m7t"), edge_program.bootstrap(port, edge.clusters())).wait()
    good = json.dumps(edge_program.bootstrap(10000, edge.clusters()), indent=1)
    broken = {
        "unknown field": good.replace('"connect_timeout"', '"connection_timeout"'),
        "no duration": good.replace('"0.4s"', '"soon"'),
        "cut off": good[: len(good) * 2 // 3],
        "unknown cluster": good.replace('"cluster": "cart"', '"cluster": "basket"'),
        "unknown filter": good.replace("filters.http.router.v3.Router", "filters.http.rooter.v3.Rooter"),
    }
    for mistake, text in broken.items():
        with edge.recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=edge.component,
            evidence=[r"\[critical\]\[main\]"],
            description="The configuration is not valid",
            values={"mistake": mistake},
        ):
            edge.start(edge.pod("d8k4w"), text).wait()
    for name in ("/etc/certs/tls.crt", "/etc/envoy/ca.pem", "/var/run/secrets/ca.crt"):
        context: Json = {
            "@type": TLS_CONTEXT,
            "common_tls_context": {"validation_context": {"trusted_ca": {"filename": name}}},
        }
        clusters = edge.clusters(transport_socket={"name": "envoy.transport_sockets.tls", "typed_config": context})
        with edge.recording.fault(
            "missing_config_object",
            severity="CRITICAL",
            component=edge.component,
            evidence=[r"(unable to read file|Invalid path|does not exist)"],
            description="A certificate that is to be mounted is not there",
            values={"file": name},
        ):
            edge.start(edge.pod("f2r6z"), edge_program.bootstrap(10000, clusters)).wait()


def _services(edge: Edge) -> None:
    cases = (
        ("upstream_refused", "ERROR", r"503 (UF|URX).*(onnection_refused|onnection refused|connection_failure)"),
        ("upstream_timeout", "ERROR", r'" 504 UT '),
        ("connection_reset", "WARN", r'" 503 UC '),
        ("bad_gateway", "ERROR", r'" 503 UH '),
    )
    for cause, severity, evidence in cases:
        for turn, port in enumerate((10000, 10085, 8088)):
            web, cart = edge.services()
            timeout = f"0.{2 + turn}s"
            more: Json = {}
            if cause == "bad_gateway":
                check = {
                    "timeout": "0.2s",
                    "interval": "0.4s",
                    "unhealthy_threshold": 1,
                    "healthy_threshold": 1,
                    "no_traffic_interval": "0.4s",
                    "http_health_check": {"path": "/ready"},
                    "event_logger": [
                        {
                            "name": "envoy.health_check.event_sink.file",
                            "typed_config": {
                                "@type": "type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3."
                                "HealthCheckEventFileSink",
                                "event_log_path": "/dev/stdout",
                            },
                        }
                    ],
                }
                more = {"health_checks": [check], "common_lb_config": {"healthy_panic_threshold": {"value": 0}}}
            with edge.recording.fault(
                cause,
                severity=severity,
                component=("service", "cart"),
                evidence=[evidence],
                description="The service behind /cart does not do its part",
                values={"port": str(port), "timeout": timeout},
            ):
                config = edge_program.bootstrap(port, edge.clusters(**more), timeout=timeout)
                program = edge.started(edge.pod("j5n9c"), config, port)
                time.sleep(0.3)
                edge.traffic(16 + 5 * turn, port)
                if cause == "upstream_refused":
                    cart.close()
                elif cause == "upstream_timeout":
                    cart.answer = lambda *_: Answer(200, "{}", delay=0.9)
                elif cause == "connection_reset":
                    cart.answer = lambda *_: Answer(reset=True)
                else:
                    cart.answer = lambda *_, now=(503, 500, 404)[turn]: Answer(now)
                    time.sleep(1.2)
                edge.traffic(24, port)
                program.stop()
            for service in (web, cart):
                if not (cause == "upstream_refused" and service is cart):
                    service.close()


def _names(edge: Edge) -> None:
    for turn, host in enumerate(("cart.shop.svc.cluster.local", "basket.example.net", "cart-v2")):
        clusters = edge.clusters()
        clusters[1] = edge_program.cluster(
            "cart",
            host,
            8092,
            type=("STRICT_DNS", "LOGICAL_DNS")[turn % 2],
            dns_refresh_rate="1s",
            dns_lookup_family="V4_ONLY",
        )
        web, cart = edge.services()
        edge.recording.sandbox.nameserver.failing = turn == 2
        with edge.recording.fault(
            "dns_failure",
            severity="ERROR",
            component=("service", "cart"),
            evidence=[r"dns resolution (without records )?for \S+"],
            description="The name of a service does not resolve",
            values={"host": host},
        ):
            program = edge.started(
                edge.pod("m7t3q"),
                edge_program.bootstrap(10000, clusters),
                10000,
                "--component-log-level",
                "main:warning,dns:debug",
            )
            edge.traffic(26, 10000)
            program.stop()
        edge.recording.sandbox.nameserver.failing = False
        for service in (web, cart):
            service.close()


def _certificates(edge: Edge) -> None:
    folder = Path("/app/tls")
    company, stranger = authority(folder, "Edge CA"), authority(folder, "Lab CA")
    for turn, host in enumerate(("cart.shop", "cart.internal.example.org", "pay.shop")):
        expired = 2 + 20 * turn
        cases = (
            (
                "cert_expired",
                "CRITICAL",
                issue(company, folder / "old", host, expired_days=expired),
                r"certificate[_ ]has[_ ]expired",
                {"expired_days": str(expired)},
            ),
            (
                "cert_untrusted",
                "ERROR",
                issue(stranger, folder / "other", host),
                r"CERTIFICATE_VERIFY_FAILED.*(unable.to.get.local.issuer|self.signed)",
                {"authority": "Lab CA"},
            ),
        )
        for cause, severity, certificate, evidence, values in cases:
            web, cart = edge.services()
            cart.close()
            context: Json = {
                "@type": TLS_CONTEXT,
                "sni": host,
                "common_tls_context": {"validation_context": {"trusted_ca": {"filename": str(company.file)}}},
            }
            clusters = edge.clusters(transport_socket={"name": "envoy.transport_sockets.tls", "typed_config": context})
            with (
                edge.recording.fault(
                    cause,
                    severity=severity,
                    component=("service", "cart"),
                    evidence=[evidence],
                    description="A service shows a certificate that is not accepted",
                    values={"host": host, **values},
                ),
                Upstream(8092, lambda *_: Answer(201), tls=certificate),
            ):
                program = edge.started(edge.pod("q4w8d"), edge_program.bootstrap(10000, clusters), 10000)
                edge.traffic(26, 10000)
                program.stop()
            web.close()


def _tokens(edge: Edge) -> None:
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_numbers()
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "kid": "shop-1",
        "x": _text(point.x.to_bytes(32, "big")),
        "y": _text(point.y.to_bytes(32, "big")),
    }
    kind = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"
    provider: Json = {"issuer": "https://id.example.org", "local_jwks": {"inline_string": json.dumps({"keys": [jwk]})}}
    rule = {"match": {"prefix": "/cart"}, "requires": {"provider_name": "shop"}}
    guard: Json = {
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {"@type": kind, "providers": {"shop": provider}, "rules": [rule]},
    }
    now = int(time.time())
    good = _token(key, {"iss": "https://id.example.org", "sub": "web", "exp": now + 900})
    bad = {
        "expired": _token(key, {"iss": "https://id.example.org", "sub": "web", "exp": now - 4000}),
        "foreign key": _token(other, {"iss": "https://id.example.org", "sub": "web", "exp": now + 900}),
        "foreign issuer": _token(key, {"iss": "https://login.example.net", "sub": "web", "exp": now + 900}),
    }
    for fault, token in bad.items():
        services = edge.services()
        with edge.recording.fault(
            "token_invalid",
            severity="ERROR",
            component=edge.component,
            evidence=[r'" 40[13] - jwt_authn_access_denied'],
            description="A client's token is not accepted",
            values={"token": fault},
        ):
            config = edge_program.bootstrap(10000, edge.clusters(), filters=[guard])
            program = edge.started(edge.pod("v9c5x"), config, 10000)
            edge.traffic(14, 10000, {"Authorization": f"Bearer {good}"})
            edge.traffic(24, 10000, {"Authorization": f"Bearer {token}"})
            program.stop()
        for service in services:
            service.close()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _token(key: ec.EllipticCurvePrivateKey, claims: Json) -> str:
    head = _text(json.dumps({"alg": "ES256", "typ": "JWT", "kid": "shop-1"}).encode())
    signed = f"{head}.{_text(json.dumps(claims).encode())}"
    first, second = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_text(first.to_bytes(32, 'big') + second.to_bytes(32, 'big'))}"
