from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from k8s_log_agent.llm.answers import Message, ServerAnswerError
from k8s_log_agent.llm.client import ClientOptions
from k8s_log_agent.service.settings import Settings
from k8s_log_agent.service.telemetry import Tracing, genai, span, traced_client, traceparent
from tests.otlp_receiver import receiver

SECRET = "what the log line said"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def model() -> Iterator[str]:
    """A chat server that answers everything with the same, and refuses the model `absent`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            usage = {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 5}}
            choice = {"finish_reason": "stop", "message": {"content": "an answer"}}
            answer = json.dumps({"choices": [choice], "usage": usage}).encode()
            self.send_response(404 if asked["model"] == "absent" else 200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def called(tracing: Tracing, url: str, model: str = "small") -> None:
    with tracing.continued("job alert", PARENT), traced_client(tracing)(url, ClientOptions(model=model)) as client:
        client.complete([Message("user", SECRET)], max_tokens=50)


def only(kept: InMemorySpanExporter, name: str) -> ReadableSpan:
    found = [one for one in kept.get_finished_spans() if one.name == name]
    assert len(found) == 1, [one.name for one in kept.get_finished_spans()]
    return found[0]


def test_a_call_of_a_model_is_described_by_the_names_of_the_conventions(kept: InMemorySpanExporter, model: str) -> None:
    called(Tracing(SimpleSpanProcessor(kept)), model)

    attributes = dict(only(kept, "chat small").attributes or {})
    assert attributes["gen_ai.operation.name"] == "chat" and attributes["gen_ai.request.model"] == "small"
    assert attributes["gen_ai.usage.input_tokens"] == 12 and attributes["gen_ai.usage.output_tokens"] == 3
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 5
    assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert attributes["gen_ai.output.type"] == "text"  # no schema was given


def test_prompts_and_answers_stay_out_unless_asked_for(kept: InMemorySpanExporter, model: str) -> None:
    called(Tracing(SimpleSpanProcessor(kept)), model)
    silent = str([one.to_json() for one in kept.get_finished_spans()])
    kept.clear()
    called(Tracing(SimpleSpanProcessor(kept), capture_content=True), model)

    assert SECRET not in silent and "an answer" not in silent
    attributes = dict(only(kept, "chat small").attributes or {})
    assert SECRET in str(attributes[genai.INPUT_MESSAGES]) and attributes[genai.OUTPUT_MESSAGES] == "an answer"


def test_a_span_that_fails_names_the_kind_of_error_and_not_its_text(kept: InMemorySpanExporter, model: str) -> None:
    with pytest.raises(ServerAnswerError):
        called(Tracing(SimpleSpanProcessor(kept)), model, "absent")

    failed = only(kept, "chat absent")
    assert not failed.status.is_ok and (failed.attributes or {})["error.type"] == "ServerAnswerError"
    assert "an answer" not in failed.to_json()


def test_work_goes_on_in_the_trace_that_asked_for_it(kept: InMemorySpanExporter) -> None:
    tracing = Tracing(SimpleSpanProcessor(kept))
    with tracing.request("POST /api/v1/alerts", {"traceparent": PARENT}):
        carried = traceparent()
    with tracing.continued("job alert", carried), span("loki.query", lines__read=7):
        pass

    names = ("POST /api/v1/alerts", "job alert", "loki.query")
    received, job, step = (only(kept, name) for name in names)
    assert {f"{one.context.trace_id:032x}" for one in (received, job, step)} == {PARENT.split("-")[1]}
    assert job.parent and job.parent.span_id == received.context.span_id
    assert (step.attributes or {})["lines.read"] == 7


def test_two_services_in_one_process_do_not_mix() -> None:
    exporters = (InMemorySpanExporter(), InMemorySpanExporter())
    tracings = [Tracing(SimpleSpanProcessor(one)) for one in exporters]

    def work(number: int) -> None:
        with tracings[number].continued(f"job {number}"), span("step"):
            pass

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for number, exporter in enumerate(exporters):
        assert {one.name for one in exporter.get_finished_spans()} == {f"job {number}", "step"}


def test_without_a_receiver_nothing_is_recorded_and_nothing_fails() -> None:
    with Tracing().request("GET /", {"traceparent": "nonsense"}), span("step") as begun:
        assert not begun.is_recording() and traceparent() == ""


def test_spans_arrive_in_a_receiver_of_otlp() -> None:
    with receiver() as (address, spans):
        tracing = Tracing.from_settings(Settings(otlp_endpoint=address))
        with tracing.request("GET /incidents", {"traceparent": PARENT}):
            pass
        tracing.close()

    assert [(one["name"], one["service"], one["trace"]) for one in spans] == [
        ("GET /incidents", "log-analyzer", PARENT.split("-")[1])
    ]


def test_a_receiver_that_is_away_costs_nothing_but_the_spans() -> None:
    tracing = Tracing.from_settings(Settings(otlp_endpoint="http://127.0.0.1:9"))
    with tracing.request("GET /", {}) as begun:
        assert begun.is_recording()
    tracing.close()  # gives up, and says nothing
