"""The figures of one running service, in a registry of its own.

Every label comes from a closed set: there is none for a signature, a pod or a text, as each value costs memory.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from k8s_log_agent import __version__
from k8s_log_agent.records import Verdict
from k8s_log_agent.service.telemetry.watching import Watched

PREFIX = "k8s_log_agent"
_FAST = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320)


class Metrics:
    """Counters and times, named for what they count. Thread-safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        build = self._gauge("build_info", "The version that runs.", "version")
        build.labels(__version__).set(1)
        self.requests = self._counter("http_requests", "Requests that were answered.", "method", "route", "status")
        self.request_seconds = self._times("http_request", "Time until an answer began.", _FAST, "method", "route")
        self.refused = self._counter("refused_requests", "Requests that were refused.", "reason")
        self.jobs = self._counter("jobs", "Jobs that ended.", "kind", "state")
        self.job_seconds = self._times("job", "Time from acceptance of a job to its end.", _SLOW, "kind")
        self.job_wait_seconds = self._times("job_wait", "Time that a job waited before it began.", _SLOW, "kind")
        self.stage_seconds = self._times("stage", "Time of one step of a triage.", _SLOW, "stage")
        self.lines = self._counter("lines", "Log lines that were read.")
        self.dropped = self._counter("dropped_lines", "Log lines that were left out, by rule.", "rule")
        self.redactions = self._counter("redactions", "Secrets that were taken out of log lines, by rule.", "rule")
        self.injections = self._counter("injections", "Log events that spoke to a model and were disarmed.")
        self.verdicts = self._counter("verdicts", "Verdicts, by how they came about.", "state", "decided_by")
        self.incidents = self._counter("incidents", "Incidents that were recorded.", "severity", "category", "cause")
        self.feedback = self._counter("feedback", "What people said of verdicts.", "verdict")
        self.tokens = self._counter("model_tokens", "Tokens of calls of a model.", "model", "direction")
        self.calls = self._counter("model_calls", "Calls of a model.", "model", "outcome")
        self.call_seconds = self._times("model_call", "Time of a call of a model.", _SLOW, "model")
        self.tokens_per_second = self._gauge("model_tokens_per_second", "Speed of the last answer of a model.", "model")
        self.alerts = self._counter("alerts", "Alerts that came in.", "outcome")
        self.alert_jobs = self._counter("alert_jobs", "Jobs that groups of alerts became.")
        self.notifications = self._counter("notifications", "Messages about incidents.", "target", "outcome")
        self.watched = Watched(PREFIX)
        self.registry.register(self.watched)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def judged(self, verdict: Verdict) -> None:
        """Counts a verdict: how it came about, what was redacted for it."""
        self.verdicts.labels(verdict.state.value, verdict.decided_by).inc()
        self.count(self.redactions, verdict.redactions)

    def count(self, counter: Counter, by_name: Mapping[str, int]) -> None:
        """Adds to a counter with one label."""
        for name, count in by_name.items():
            counter.labels(name).inc(count)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", says, labels, registry=self.registry)

    def _gauge(self, name: str, says: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", says, labels, registry=self.registry)

    def _times(self, name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}_seconds", says, labels, buckets=buckets, registry=self.registry)
