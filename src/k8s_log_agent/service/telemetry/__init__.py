"""What the service tells about itself: figures for Prometheus, traces for OpenTelemetry, logs for people and Loki."""

from k8s_log_agent.service.telemetry.installing import install
from k8s_log_agent.service.telemetry.metrics import Metrics
from k8s_log_agent.service.telemetry.model_calls import traced_client
from k8s_log_agent.service.telemetry.tracing import Tracing, span, traceparent

__all__ = ["Metrics", "Tracing", "install", "span", "traced_client", "traceparent"]
