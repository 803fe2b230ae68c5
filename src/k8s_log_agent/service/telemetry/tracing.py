"""Traces of the whole path of a request or an alert, sent to an OTLP receiver where one is named.

Which tracer is in use is a matter of the context that runs, not of the process: two services in one process do not mix.
Log text and prompts are never in a span unless `capture_content` is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NoOpTracer, Span, SpanKind, Status, StatusCode, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from k8s_log_agent import __version__
from k8s_log_agent.service.settings import Settings
from k8s_log_agent.service.telemetry.genai import ERROR_TYPE

SERVICE = "log-analyzer"
Attribute = str | bool | int | float | Sequence[str]
_HEADERS = TraceContextTextMapPropagator()
_tracer: ContextVar[Tracer] = ContextVar("tracer", default=NoOpTracer())  # noqa: B039 - it holds nothing


class Tracing:
    """One place that spans go to. Without a processor nothing is recorded."""

    def __init__(self, processor: SpanProcessor | None = None, *, capture_content: bool = False) -> None:
        self.capture_content = capture_content
        self._provider: TracerProvider | None = None
        if processor is not None:
            resource = Resource.create({"service.name": SERVICE, "service.version": __version__})
            self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
            self._provider.add_span_processor(processor)

    @classmethod
    def from_settings(cls, settings: Settings) -> Tracing:
        """To `otlp_endpoint` (the address without `/v1/traces`), or nowhere."""
        if not settings.otlp_endpoint:
            return cls()
        address = f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"
        return cls(BatchSpanProcessor(OTLPSpanExporter(endpoint=address, timeout=5)))

    @property
    def tracer(self) -> Tracer:
        """What begins spans."""
        return self._provider.get_tracer(__name__, __version__) if self._provider else NoOpTracer()

    @contextmanager
    def request(
        self, name: str, headers: Mapping[str, str], attributes: Mapping[str, Attribute] | None = None
    ) -> Iterator[Span]:
        """The span of a request that came in; its `traceparent`, where there is one, is the parent."""
        with self._used(), self._begun(name, _HEADERS.extract(headers), SpanKind.SERVER, attributes) as begun:
            yield begun

    @contextmanager
    def continued(self, name: str, parent: str = "") -> Iterator[Span]:
        """The span of work whose beginning lies elsewhere; `parent` is what `traceparent` gave there."""
        carried = {"traceparent": parent} if parent else {}
        with self._used(), self._begun(name, _HEADERS.extract(carried), SpanKind.CONSUMER, None) as begun:
            yield begun

    def close(self) -> None:
        """Sends what waits and ends."""
        if self._provider:
            self._provider.shutdown()

    @contextmanager
    def _begun(
        self, name: str, parent: Context, kind: SpanKind, attributes: Mapping[str, Attribute] | None
    ) -> Iterator[Span]:
        with (
            self.tracer.start_as_current_span(
                name, parent, kind, attributes or {}, record_exception=False, set_status_on_exception=False
            ) as begun,
            _failing(begun),
        ):
            yield begun

    @contextmanager
    def _used(self) -> Iterator[None]:
        token = _tracer.set(self.tracer)
        try:
            yield
        finally:
            _tracer.reset(token)


@contextmanager
def span(name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: Attribute) -> Iterator[Span]:
    """A step of the request or job that runs; `__` in the name of an attribute stands for a dot."""
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    with (
        _tracer.get().start_as_current_span(
            name, kind=kind, attributes=named, record_exception=False, set_status_on_exception=False
        ) as begun,
        _failing(begun),
    ):
        yield begun


def traceparent() -> str:
    """The W3C header that names the span which runs, to be carried with a job; empty where there is none."""
    carried: dict[str, str] = {}
    _HEADERS.inject(carried)
    return carried.get("traceparent", "")


def ids() -> tuple[str, str]:
    """Trace and span that run, in hex; empty texts where there is none."""
    context = get_current_span().get_span_context()
    return (f"{context.trace_id:032x}", f"{context.span_id:016x}") if context.is_valid else ("", "")


@contextmanager
def _failing(begun: Span) -> Iterator[None]:
    """Marks a span that ends with an error by the error's kind; its text may hold what was in a log line."""
    try:
        yield
    except Exception as error:
        begun.set_attribute(ERROR_TYPE, type(error).__name__)
        begun.set_status(Status(StatusCode.ERROR))
        raise
