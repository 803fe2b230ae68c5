"""The log analyzer as a service: API, page, alerts, durable queue and storage, telemetry."""
