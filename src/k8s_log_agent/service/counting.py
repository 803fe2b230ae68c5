"""What a finished job adds to the figures of the service."""

from __future__ import annotations

from k8s_log_agent.service.analysis import Outcome
from k8s_log_agent.service.models import Job
from k8s_log_agent.service.telemetry import Metrics
from k8s_log_agent.triage.opinions import TriageTrace


class Counting:
    """Told of each job that ended. `model` is the name that calls of the model are counted under."""

    def __init__(self, metrics: Metrics, model: str) -> None:
        self._metrics = metrics
        self._model = model or "default"

    def __call__(self, job: Job, outcome: Outcome | None) -> None:
        """Counts the job, its verdicts, and the calls that they took; `outcome` is None where it failed."""
        metrics = self._metrics
        metrics.jobs.labels(job.kind, job.state).inc()
        if job.started_at:
            metrics.job_wait_seconds.labels(job.kind).observe(
                _least_zero((job.started_at - job.created_at).total_seconds())
            )
        if job.finished_at:
            metrics.job_seconds.labels(job.kind).observe(
                _least_zero((job.finished_at - job.created_at).total_seconds())
            )
        if outcome is None:
            return
        metrics.lines.inc(int(outcome.result.get("lines", 0)))
        metrics.count(metrics.dropped, outcome.noise)
        for incident in outcome.incidents:
            metrics.judged(incident.verdict)
            metrics.incidents.labels(incident.severity.value, incident.category.value, incident.cause).inc()
        for trace in outcome.traces:
            self._traced(trace)

    def _traced(self, trace: TriageTrace) -> None:
        metrics = self._metrics
        metrics.injections.inc(trace.disarmed)
        for stage, seconds in trace.seconds.items():
            metrics.stage_seconds.labels(stage).observe(_least_zero(seconds))
        for call in trace.calls:
            metrics.calls.labels(self._model, "answered").inc()
            metrics.call_seconds.labels(self._model).observe(_least_zero(call.seconds))
            for direction, tokens in (("input", call.prompt_tokens), ("output", call.completion_tokens)):
                metrics.tokens.labels(self._model, direction).inc(tokens)
            metrics.tokens.labels(self._model, "cached").inc(call.cached_tokens)
            if call.completion_tokens and call.seconds > 0:
                metrics.tokens_per_second.labels(self._model).set(call.completion_tokens / call.seconds)
        if trace.model_error:
            metrics.calls.labels(self._model, "failed").inc()


def _least_zero(seconds: float) -> float:
    """No less than nothing, which a clock that was set back would make."""
    return max(0.0, seconds)
