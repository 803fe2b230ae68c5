"""The real Envoy with the golden configuration of the role envoy_gateway, before stand-in upstreams.

STREAM_SECONDS sets how long the model streams; one minute takes longer than Envoy's own time-out of 15 seconds.
"""

from __future__ import annotations

import datetime
import http.client
import json
import os
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import self_signed

from tests.gateway import translation
from tests.gateway.envoy import Envoy, binary, secret_names
from tests.gateway.examples import manifests
from tests.gateway.stand_in_upstreams import StandIn, shares

STREAM_SECONDS = float(os.environ.get("STREAM_SECONDS", "4"))
KEY = {"Authorization": "Bearer key-of-homelab"}


class Gateway:
    """Envoy with a case's golden file, and the stand-ins by name."""

    def __init__(self, case: str, directory: Path) -> None:
        routes = manifests(case, directory)["routes.yaml.j2"]
        found = translation.services(routes)
        self.upstreams = {one["metadata"]["name"]: StandIn(one["metadata"]["name"]) for one in found.values()}
        self.authority = directory / "gateway.crt"
        wanted = self_signed.Wanted(("ai.example.lan", "127.0.0.1"), 30, 1)
        self_signed.make(self.authority, directory / "gateway.key", wanted, datetime.datetime.now(datetime.UTC))
        pair = {
            "certificateChain": {"filename": str(self.authority)},
            "privateKey": {"filename": str(directory / "gateway.key")},
        }
        golden = translation.read(case)
        secrets = [{"name": name, "tlsCertificate": pair} for name in sorted(secret_names(golden))]
        servers = {address: self.upstreams[one["metadata"]["name"]].port for address, one in found.items()}
        self.envoy = Envoy(golden, servers, secrets, directory)

    def ask(
        self,
        path: str,
        headers: dict[str, str] | None = None,
        *,
        method: str = "GET",
        tls: bool = False,
        body: str = "",
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer."""
        connection: http.client.HTTPConnection
        if tls:
            context = ssl.create_default_context(cafile=str(self.authority))
            connection = http.client.HTTPSConnection("127.0.0.1", self.envoy.ports[10443], timeout=90, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.envoy.ports[10080], timeout=90)
        try:
            connection.request(method, path, body=body or None, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def asked(self, path: str, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        """What the stand-in says that it was asked."""
        status, _headers, body = self.ask(path, headers, **more)
        assert status == 200, (status, body)
        told: dict[str, Any] = json.loads(body)
        return told

    def close(self) -> None:
        """Ends all of them."""
        self.envoy.close()
        for one in self.upstreams.values():
            one.close()


def started(case: str, directory: Path) -> Iterator[Gateway]:
    binary()
    one = Gateway(case, directory)
    yield one
    one.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    yield from started("every-feature", tmp_path_factory.mktemp("gateway"))


@pytest.fixture(scope="module")
def redirecting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    yield from started("redirect", tmp_path_factory.mktemp("redirecting"))


@pytest.mark.parametrize("tls", [False, True])
def test_grafana_answers_with_the_way_to_its_login_page(gateway: Gateway, tls: bool) -> None:
    status, headers, _body = gateway.ask("/grafana", method="HEAD", tls=tls)

    assert (status, headers["location"]) == (302, "/grafana/login")
    assert gateway.upstreams["grafana"].asked[-1]["path"] == "/grafana"


@pytest.mark.parametrize("headers", [KEY, {"x-api-key": "key-of-homelab"}], ids=["bearer", "x-api-key"])
def test_the_model_is_asked_without_the_prefix_and_without_the_key(gateway: Gateway, headers: dict[str, str]) -> None:
    told = gateway.asked("/llm/v1/models", headers)

    assert (told["server"], told["path"]) == ("llama-cpp", "/v1/models")
    assert not {"authorization", "x-api-key"} & told["headers"].keys()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}], ids=["none", "wrong"])
def test_without_the_right_key_the_model_is_not_reached(gateway: Gateway, headers: dict[str, str]) -> None:
    before = len(gateway.upstreams["llama-cpp"].asked)

    assert gateway.ask("/llm/v1/models", headers)[0] == 401
    assert len(gateway.upstreams["llama-cpp"].asked) == before


def test_a_long_answer_is_streamed_to_its_end_while_a_route_with_a_time_out_is_cut(gateway: Gateway) -> None:
    model, shop = gateway.upstreams["llama-cpp"], gateway.upstreams["shop-v1"]
    model.stream_seconds = shop.stream_seconds = STREAM_SECONDS
    gateway.upstreams["shop-v2"].stream_seconds = STREAM_SECONDS

    status, _headers, body = gateway.ask("/llm/v1/chat/completions", KEY, method="POST", body='{"stream": true}')
    assert status == 200 and body.endswith(b"data: [DONE]\n\n")
    assert body.count(b"token") >= STREAM_SECONDS * 3

    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        gateway.ask("/shop/slow", method="POST", body='{"stream": true}')


def test_a_failed_generation_is_not_tried_again(gateway: Gateway) -> None:
    model = gateway.upstreams["llama-cpp"]
    before, model.failures = len(model.asked), 1

    assert gateway.ask("/llm/v1/completions", KEY, method="POST", body="{}")[0] == 503
    assert len(model.asked) == before + 1


def test_requests_are_shared_out_by_weight_and_a_header_chooses(gateway: Gateway) -> None:
    answers = shares([gateway.asked("/shop/a") for _one in range(300)])
    preview = shares([gateway.asked("/shop/a", {"x-preview": "yes"}) for _one in range(20)])

    assert 8 <= answers["shop-v2"] <= 62 and answers["shop-v1"] + answers["shop-v2"] == 300
    assert preview == {"shop-v2": 20}


def test_headers_are_set_added_and_taken_away_both_ways(gateway: Gateway) -> None:
    _status, answered, body = gateway.ask("/shop/a", {"x-unwanted": "a", "x-set": "old", "x-added": "own"})
    told = json.loads(body)["headers"]

    assert told["x-set"] == ["one"] and "x-unwanted" not in told
    assert [part for value in told["x-added"] for part in value.split(",")] == ["own", "two"]
    assert answered["x-answered-by"] == "gateway" and "server-detail" not in answered


def test_a_mirror_gets_a_copy(gateway: Gateway) -> None:
    gateway.asked("/shop/mirrored-once")

    deadline = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=5)
    copy = gateway.upstreams["shop-copy"]
    while datetime.datetime.now(datetime.UTC) < deadline:
        if any(one["path"] == "/shop/mirrored-once" for one in copy.asked):
            return
        time.sleep(0.05)
    pytest.fail("the mirror was not asked")


def test_a_failing_backend_is_tried_again(gateway: Gateway) -> None:
    flaky = gateway.upstreams["flaky"]
    before, flaky.failures = len(flaky.asked), 2

    assert gateway.asked("/flaky")["server"] == "flaky"
    assert len(flaky.asked) == before + 3


def test_more_than_the_limit_is_refused(gateway: Gateway) -> None:
    assert [gateway.ask("/limited")[0] for _one in range(5)] == [200, 200, 200, 429, 429]


def test_each_client_has_a_limit_of_its_own(gateway: Gateway) -> None:
    asked = [gateway.ask("/each", {"x-client": name})[0] for name in ("ada", "ada", "ada", "bob", "bob", "bob")]

    assert asked == [200, 200, 429, 200, 200, 429]


def test_exact_paths_methods_queries_and_patterns_decide(gateway: Gateway) -> None:
    host = {"Host": "ai.example.lan", "accept": "application/json"}

    assert gateway.asked("/status/now?full=1")["headers"]["host"] == ["shop.internal"]
    assert gateway.ask("/status/now")[0] == 404
    assert gateway.ask("/status/now/x?full=1")[0] == 404
    assert gateway.ask("/status/now?full=1", method="POST")[0] == 404
    assert gateway.ask("/v2/items", host, tls=True)[0] == 200
    assert gateway.ask("/v2/items", {**host, "accept": "text/html"}, tls=True)[0] == 404
    assert gateway.ask("/v2/items", host)[0] == 404


def test_another_service_decides_who_passes(gateway: Gateway) -> None:
    assert gateway.ask("/asked")[0] == 403
    assert gateway.asked("/asked", {"x-pass": "yes"})["headers"]["x-user"] == ["ada"]


def test_the_analyzer_asks_for_name_and_password_and_learns_the_name(gateway: Gateway) -> None:
    assert gateway.ask("/analyzer/incidents")[0] == 401

    told = gateway.asked(
        "/analyzer/incidents",
        {"Authorization": "Basic b3BlcmF0b3I6cGFzc3dvcmQtb2Ytb3BlcmF0b3I=", "x-forwarded-user": "root"},
    )

    assert told["path"] == "/incidents" and told["headers"]["x-forwarded-user"] == ["operator"]
    assert told["headers"]["x-forwarded-prefix"] == ["/analyzer"]


def test_with_the_redirect_port_80_leads_to_https(redirecting: Gateway) -> None:
    status, headers, _body = redirecting.ask("/grafana", {"Host": "ai.example.lan"})

    assert (
        status == 301
        and headers["location"].startswith("https://ai.example.lan")
        and headers["location"].endswith("/grafana")
    )
    assert redirecting.ask("/grafana", tls=True)[0] == 302


def test_an_old_version_of_tls_is_refused(gateway: Gateway) -> None:
    context = ssl.create_default_context(cafile=str(gateway.authority))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

    connection = http.client.HTTPSConnection("127.0.0.1", gateway.envoy.ports[10443], timeout=10, context=context)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connection.request("GET", "/grafana")


def test_each_request_is_a_line_of_json_without_the_key(gateway: Gateway) -> None:
    gateway.asked("/llm/v1/logged", KEY)
    lines: list[dict[str, Any]] = []
    deadline = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=15)
    while not lines and datetime.datetime.now(datetime.UTC) < deadline:
        written = [line for line in gateway.envoy.log().splitlines() if line.startswith("{") and line.endswith("}")]
        lines = [one for one in map(json.loads, written) if one.get("path") == "/v1/logged"]

    assert (lines[0]["response_code"], lines[0]["method"]) == (200, "GET")
    assert "/llama-route/" in lines[0]["route_name"]
    assert "key-of-homelab" not in gateway.envoy.log()
