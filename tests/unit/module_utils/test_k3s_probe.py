"""Asking a server, which is here one with a certificate of its own and K3s' answers to a token."""

from __future__ import annotations

import base64
import hashlib
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_probe
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "q7Zr2mXc9LwT4vBn8KsJ1hGf6DpY3eUa"


class FakeServer:
    """Answers `/cacerts` to everybody and the guarded paths to those who know the token."""

    def __init__(self, folder: Path) -> None:
        self.clock_ahead = 0.0
        self.asked: list[str] = []
        self.bundle, certificate = _certificate(folder)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                name = "node" if self.path == "/v1-k3s/config" else "server"
                right = base64.b64encode(f"{name}:{TOKEN}".encode()).decode()
                known = self.path == "/cacerts" or self.headers.get("Authorization") == f"Basic {right}"
                self.send_response_only(200 if known else 401)
                self.send_header("Date", formatdate(time.time() + outer.clock_ahead, usegmt=True))
                self.end_headers()
                self.wfile.write(outer.bundle if self.path == "/cacerts" else b"{}")

            def log_message(self, *args: object) -> None:
                """Keeps the test's output quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def _certificate(folder: Path) -> tuple[bytes, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "k3s")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    public = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(public + private)
    return public, path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeServer]:
    made = FakeServer(tmp_path)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize("user", [k3s_probe.NODE, k3s_probe.SERVER])
def test_the_right_token_is_taken(server: FakeServer, user: str) -> None:
    answer = k3s_probe.ask(server.url, TOKEN, user, time.time())

    assert answer.ready
    assert abs(answer.clock_seconds or 99) < 5


def test_a_wrong_token_is_refused(server: FakeServer) -> None:
    answer = k3s_probe.ask(server.url, TOKEN[::-1], k3s_probe.NODE, time.time())

    assert answer.reached
    assert answer.token_refused


def test_a_token_that_pins_the_ca_is_sent_to_its_own_cluster_only(server: FakeServer) -> None:
    right, wrong = hashlib.sha256(server.bundle).hexdigest(), "0" * 64

    assert k3s_probe.ask(server.url, f"K10{right}::node:{TOKEN}", k3s_probe.NODE, time.time()).ready
    server.asked.clear()
    answer = k3s_probe.ask(server.url, f"K10{wrong}::node:{TOKEN}", k3s_probe.NODE, time.time())

    assert answer.ca_matches is False
    assert server.asked == ["/cacerts"]


def test_the_difference_of_the_clocks_is_seen(server: FakeServer) -> None:
    server.clock_ahead = 600

    answer = k3s_probe.ask(server.url, None, k3s_probe.NODE, time.time())

    assert 590 < (answer.clock_seconds or 0) < 610


def test_a_port_where_nobody_listens_says_so() -> None:
    answer = k3s_probe.ask("https://127.0.0.1:1", TOKEN, k3s_probe.NODE, time.time())

    assert not answer.reached
    assert answer.error == "connection refused"
