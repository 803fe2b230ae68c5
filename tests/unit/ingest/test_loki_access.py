"""Who one is to a Loki: sent with each request, shown nowhere."""

from __future__ import annotations

import http.server
import logging
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from k8s_log_agent.ingest.loki_access import LokiAccess, http_client, secret_from_file
from k8s_log_agent.ingest.loki_client import LokiClient
from k8s_log_agent.ingest.loki_errors import LokiAccessError, LokiRefusedError, LokiUnavailableError

HIDDEN = "hunter2-hunter2"


def requests_of(access: LokiAccess) -> list[httpx.Request]:
    """What a server would see, being asked with this access."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(401, text="no")

    with http_client(access) as configured:
        client = httpx.Client(
            transport=httpx.MockTransport(handler),
            base_url=configured.base_url,
            headers=configured.headers,
            auth=configured.auth,
        )
        with client, pytest.raises(LokiRefusedError) as refused:
            LokiClient(client).lines('{a="b"}', 0, 1, 10)
    assert HIDDEN not in str(refused.value)
    return seen


def test_tenant_and_token_go_with_each_request() -> None:
    (request,) = requests_of(LokiAccess("http://loki.invalid/prefix", tenant="team-a", token=SecretStr(HIDDEN)))

    assert request.headers["X-Scope-OrgID"] == "team-a"
    assert request.headers["Authorization"] == f"Bearer {HIDDEN}"
    assert request.headers["X-Loki-Response-Encoding-Flags"] == "categorize-labels"
    assert request.url.path == "/prefix/loki/api/v1/query_range"


def test_user_and_password_go_with_each_request() -> None:
    (request,) = requests_of(LokiAccess("http://loki.invalid", user="me", password=SecretStr("pw")))

    assert request.headers["Authorization"] == "Basic bWU6cHc="
    assert "X-Scope-OrgID" not in request.headers


def test_no_secret_is_shown_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = LokiAccess("http://loki.invalid", token=SecretStr(HIDDEN))
    password = LokiAccess("http://loki.invalid", user="me", password=SecretStr(HIDDEN))
    with http_client(token) as client:
        requests_of(token)
        requests_of(password)
        shown = [repr(token), repr(password), str(token), repr(client), repr(client.headers), caplog.text]

    assert not any(HIDDEN in text for text in shown)


def test_secrets_come_from_files_and_variables_without_the_line_end(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{HIDDEN}\n", encoding="utf-8")

    assert secret_from_file(file).get_secret_value() == HIDDEN


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff\xfe", b"bell\x07"])
def test_a_file_that_holds_no_secret_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)

    with pytest.raises(LokiAccessError, match=str(file)) as refused:
        secret_from_file(file)
    assert "two" not in str(refused.value)


def test_a_missing_secret_is_told(tmp_path: Path) -> None:
    with pytest.raises(LokiAccessError, match="No such file"):
        secret_from_file(tmp_path / "none")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"url": "loki:3100"}, "not an address"),
        ({"url": "ftp://loki"}, "not an address"),
        ({"url": f"http://me:{HIDDEN}@loki:3100"}, "holds a user or password"),
        ({"url": "http://loki:3100/?a=b"}, "query or fragment"),
        ({"url": "http://[::1"}, "not a URL"),
        ({"url": "http://loki", "token": SecretStr(HIDDEN), "user": "me", "password": SecretStr(HIDDEN)}, "Both"),
        ({"url": "http://loki", "user": "me"}, "one is missing"),
        ({"url": "http://loki", "password": SecretStr(HIDDEN)}, "one is missing"),
        ({"url": "http://loki", "user": "a:b", "password": SecretStr(HIDDEN)}, "colon"),
        ({"url": "http://loki", "tenant": "a\r\nX-Evil: 1"}, "no tenant"),
        ({"url": "http://loki", "tenant": ""}, "no tenant"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(LokiAccessError, match=text) as refused:
        LokiAccess(**arguments)  # type: ignore[arg-type]  # wrong ones are the point
    assert HIDDEN not in str(refused.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "cert.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost".split()
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    try:
        subprocess.run([*command, *names, "-keyout", key, "-out", pem], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed, so there is no certificate to try")
    return key, pem


@pytest.fixture
def https_url(certificate: tuple[Path, Path]) -> Iterator[str]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(400)
            self.end_headers()
            self.wfile.write(b"reached")

        def log_message(self, *arguments: object) -> None:
            pass

    key, pem = certificate
    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_certificate_is_trusted_by_the_authority_that_is_named(
    https_url: str, certificate: tuple[Path, Path]
) -> None:
    trusting = LokiAccess(https_url, ca_file=certificate[1])
    with http_client(trusting) as client, pytest.raises(LokiRefusedError, match="reached"):
        LokiClient(client).lines('{a="b"}', 0, 1, 10)


def test_an_untrusted_certificate_is_told_and_not_tried_again(https_url: str) -> None:
    with http_client(LokiAccess(https_url)) as client:
        loki = LokiClient(client)
        with pytest.raises(LokiUnavailableError, match=r"not trusted.*PEM file"):
            loki.lines('{a="b"}', 0, 1, 10)
    assert loki.counts["requests"] == 1


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_file_without_certificates_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content, encoding="utf-8")

    with pytest.raises(LokiAccessError, match=str(file)):
        http_client(LokiAccess("https://loki.invalid", ca_file=file))
