"""What the reader relies on in a Loki, held by the fake and, given LOKI_URL or LOKI_BINARY, by a real one alike."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from k8s_log_agent.ingest.loki import LokiReader, Reading
from k8s_log_agent.ingest.loki_access import LokiAccess, http_client
from k8s_log_agent.ingest.loki_client import LokiClient
from k8s_log_agent.ingest.loki_errors import LokiRefusedError
from k8s_log_agent.ingest.loki_selector import LogQuery, Selector, TypedQuery
from tests.fake_loki import FakeLoki

SECOND = 10**9
READY_SECONDS = 90
CONFIG = """
auth_enabled: false
server: {{http_listen_address: 127.0.0.1, http_listen_port: {http}, grpc_listen_address: 127.0.0.1, grpc_listen_port: {grpc}}}
common:
  instance_addr: 127.0.0.1
  path_prefix: {folder}
  replication_factor: 1
  ring: {{instance_addr: 127.0.0.1, kvstore: {{store: inmemory}}}}
  storage: {{filesystem: {{chunks_directory: {folder}/chunks, rules_directory: {folder}/rules}}}}
schema_config:
  configs: [{{from: 2024-01-01, store: tsdb, object_store: filesystem, schema: v13, index: {{prefix: index_, period: 24h}}}}]
limits_config: {{ingestion_rate_mb: 256, ingestion_burst_size_mb: 256, per_stream_rate_limit: 256MB, per_stream_rate_limit_burst: 256MB}}
ingester: {{wal: {{dir: {folder}/wal}}}}
analytics: {{reporting_enabled: false}}
"""  # noqa: E501 - a file of Loki's, in the fewest lines

Push = Callable[[dict[str, str], list[tuple[int, str]]], None]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    pytest.fail(f"Loki at {url} was not ready after {READY_SECONDS} s")


@pytest.fixture(scope="module")
def real_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if url := os.environ.get("LOKI_URL"):
        yield url
        return
    binary = os.environ.get("LOKI_BINARY")
    if not binary:
        pytest.skip("no real Loki: give LOKI_URL or LOKI_BINARY")
    folder = tmp_path_factory.mktemp("loki")
    port = free_port()
    config = folder / "loki.yaml"
    config.write_text(CONFIG.format(http=port, grpc=free_port(), folder=folder), encoding="utf-8")
    with (folder / "loki.log").open("wb") as log:
        server = subprocess.Popen([binary, f"-config.file={config}"], stdout=log, stderr=log, cwd=folder)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture(params=["fake", "real"])
def http(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    if request.param == "fake":
        fake = FakeLoki()
        with http_client(LokiAccess("http://loki.invalid")) as configured:
            headers = dict(configured.headers)
        yield fake.client(headers=headers)
        return
    with http_client(LokiAccess(request.getfixturevalue("real_url"))) as client:
        yield client


@pytest.fixture
def run() -> dict[str, str]:
    """Labels of a test of its own, since a real Loki keeps what the others pushed."""
    return {"run": uuid.uuid4().hex}


@pytest.fixture
def push(http: httpx.Client) -> Push:
    def send(labels: dict[str, str], entries: list[tuple[int, str]]) -> None:
        for first in range(0, len(entries), 5000):
            values = [[str(timestamp), text] for timestamp, text in entries[first : first + 5000]]
            body = json.dumps({"streams": [{"stream": labels, "values": values}]})
            answer = http.post("/loki/api/v1/push", content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == 204, answer.text

    return send


@pytest.fixture
def now() -> int:
    return time.time_ns() - 60 * SECOND


def read(http: httpx.Client, query: LogQuery, start: int, end: int, limit: int = 5000) -> list[tuple[int, str]]:
    reader = LokiReader(LokiClient(http), Reading(query, start, end, limit=limit))
    return [(line.timestamp or 0, line.text) for line in reader]


def test_the_start_is_included_and_the_end_is_not(
    http: httpx.Client, push: Push, run: dict[str, str], now: int
) -> None:
    push(run, [(now + place, f"line {place}") for place in range(4)])

    found = LokiClient(http).lines(Selector.where(**run).logql, now + 1, now + 3, 10)

    assert [entry.text for entry in found.entries] == ["line 1", "line 2"]


def test_a_forward_limit_gives_the_oldest_of_all_streams(
    http: httpx.Client, push: Push, run: dict[str, str], now: int
) -> None:
    for stream in "abc":
        push({**run, "pod": stream}, [(now + place, f"{stream} {place}") for place in range(10)])

    found = LokiClient(http).lines(Selector.where(**run).logql, now, now + SECOND, 7)

    assert [entry.timestamp - now for entry in found.entries] == [0, 0, 0, 1, 1, 1, 2]


def test_a_line_pushed_twice_is_stored_once(http: httpx.Client, push: Push, run: dict[str, str], now: int) -> None:
    push(run, [(now, "same"), (now, "same"), (now, "other"), (now + 1, "same")])
    push(run, [(now, "same")])

    assert sorted(read(http, Selector.where(**run), now, now + 2)) == [(now, "other"), (now, "same"), (now + 1, "same")]


def test_time_alone_cannot_reach_more_lines_of_an_instant_than_an_answer_holds(
    http: httpx.Client, push: Push, run: dict[str, str], now: int
) -> None:
    push(run, [(now, f"entry {number:03}") for number in range(50)])
    client = LokiClient(http)
    query = Selector.where(**run).logql

    first = client.lines(query, now, now + 1, 20)
    again = client.lines(query, now, now + 1, 20)

    assert first.count == again.count == 20
    assert {entry.text for entry in first.entries} == {entry.text for entry in again.entries}
    assert client.lines(query, now + 1, now + SECOND, 20).count == 0


def test_what_loki_finds_in_a_line_does_not_part_its_stream(
    http: httpx.Client, push: Push, run: dict[str, str], now: int
) -> None:
    push({**run, "pod": "web"}, [(now, "level=error it broke"), (now + 1, "level=info all is well")])

    found = LokiClient(http).lines(Selector.where(**run).logql, now, now + 2, 10)

    levels = [entry.labels.values["detected_level"] for entry in found.entries]
    assert levels == ["error", "info"]
    assert {entry.labels.values["pod"] for entry in found.entries} == {"web"}


@pytest.mark.parametrize(
    "text",
    [
        'quote " and \\ backslash',
        "tab\tand newline\n inside",
        "back`tick` and {braces} | pipe = != # not a comment",
        "umlaut ü, snow ☃, face 😀, nothing \u200b, bell \x07, delete \x7f, next \x85",
        "percent %41 + plus & ampersand ? question",
        "\\u0041 \\x41 \\101 are not escapes here",
    ],
)
def test_any_text_can_be_searched_for(http: httpx.Client, push: Push, run: dict[str, str], now: int, text: str) -> None:
    push({**run, "odd": text}, [(now, f"before {text} after"), (now + 1, "before after")])
    query = Selector.where(**run, odd=text)

    assert read(http, query.containing(text), now, now + 2) == [(now, f"before {text} after")]
    assert read(http, query.lacking(text), now, now + 2) == [(now + 1, "before after")]


def test_everything_of_a_crowded_range_comes_once_and_in_order(
    http: httpx.Client, push: Push, run: dict[str, str], now: int
) -> None:
    pushed = []
    for stream in range(3):
        entries = [(now + number * 1000, f"line {number} of {stream}") for number in range(400)]
        entries += [(now + 77_000, f"burst {number} in {stream}") for number in range(150)]
        push({**run, "pod": f"pod-{stream}"}, entries)
        pushed += entries

    found = read(http, Selector.where(**run), now, now + SECOND, limit=100)

    assert [timestamp for timestamp, _ in found] == sorted(timestamp for timestamp, _ in pushed)
    assert sorted(found) == sorted(pushed)


def test_six_thousand_lines_of_one_instant_and_one_stream_all_come(
    http: httpx.Client, push: Push, run: dict[str, str], now: int
) -> None:
    push(run, [(now, f"entry {number:05}") for number in range(6000)])

    found = read(http, Selector.where(**run), now, now + SECOND)

    assert len(found) == 6000
    assert {text for _, text in found} == {f"entry {number:05}" for number in range(6000)}


def test_a_comment_at_the_end_of_a_typed_query_does_not_keep_it_from_being_narrowed(
    http: httpx.Client, push: Push, run: dict[str, str], now: int
) -> None:
    push(run, [(now, f"entry {number}") for number in range(30)])
    typed = TypedQuery(f'{{run="{run["run"]}"}} |= "entry" # all of them')

    assert len(read(http, typed, now, now + SECOND, limit=10)) == 30


def test_a_limit_above_the_servers_own_is_lowered_to_it(
    http: httpx.Client, push: Push, run: dict[str, str], now: int
) -> None:
    push(run, [(now + number, f"entry {number}") for number in range(20)])
    reader = LokiReader(LokiClient(http), Reading(Selector.where(**run), now, now + SECOND, limit=60_000))

    assert len(list(reader)) == 20
    told = http.get("/loki/api/v1/status/buildinfo").json()["version"]
    assert reader.provenance.loki_version == (told or "unknown")
    assert reader.provenance.counts["requests"] == 3


@pytest.mark.parametrize("query", ['{namespace="shop"', '{a="b"} hello', '{a=~".*"}'])
def test_a_query_that_loki_cannot_read_is_refused_in_its_own_words(http: httpx.Client, now: int, query: str) -> None:
    with pytest.raises(LokiRefusedError, match="parse error") as refused:
        read(http, TypedQuery(query), now, now + SECOND)

    assert refused.value.status == 400
    assert query in str(refused.value)


def test_a_long_query_is_sent_too(http: httpx.Client, push: Push, run: dict[str, str], now: int) -> None:
    push(run, [(now, "needle"), (now + 1, "hay")])
    query = Selector.where(**run)
    for number in range(60):
        query = query.lacking(f"something that is not there, number {number}")

    assert read(http, query.containing("needle"), now, now + 2) == [(now, "needle")]


def test_a_finished_range_leaves_no_cursor(tmp_path: Path, http: httpx.Client, now: int) -> None:
    cursor = tmp_path / "cursor.json"

    reader = LokiReader(LokiClient(http), Reading(Selector.where(run="none"), now, now + SECOND), cursor)

    assert list(reader) == [] and reader.provenance.complete
    assert list(tmp_path.iterdir()) == []
