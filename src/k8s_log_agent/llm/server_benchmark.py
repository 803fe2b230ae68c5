"""One whole measurement of a llama.cpp server: throughput, the machine's ceiling, and the thread sweep if asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from k8s_log_agent.llm.benchmark import (
    Benchmark,
    BenchmarkOptions,
    best_of,
    fingerprint,
    generation_ceiling,
)
from k8s_log_agent.llm.local_server import ServerConfig
from k8s_log_agent.llm.memory_bandwidth import read_bandwidth_bytes_per_second
from k8s_log_agent.llm.thread_sweep import sweep
from k8s_log_agent.llm.throughput_probe import ThroughputProbe, measure


def benchmark_server(  # noqa: PLR0913 - each argument is one independent fact about the measurement
    base_url: str,
    *,
    config: ServerConfig,
    model_sha256: str,
    model_bytes: int,
    options: BenchmarkOptions,
    now: Callable[[], datetime],
    progress: Callable[[str], None] = lambda _: None,
) -> Benchmark:
    """Measures the server at `base_url`, which was started with `config`; raises `MeasurementError` when it cannot."""
    started = time.perf_counter()
    with ThroughputProbe(base_url) as probe:
        properties = probe.properties()
        throughput = measure(probe, options, config.slots, progress)
    bandwidth = read_bandwidth_bytes_per_second(model_bytes, config.threads)
    points = tuple(sweep(config, list(options.sweep_threads), options)) if options.sweep_threads else ()
    return Benchmark(
        fingerprint=fingerprint(model_sha256, config.model_dump(mode="json"), options),
        measured_at=now().isoformat(timespec="seconds"),
        model_alias=config.alias,
        model_bytes=model_bytes,
        context_tokens_per_slot=properties["default_generation_settings"]["n_ctx"],
        build=str(properties["build_info"]),
        threads=config.threads,
        options=options,
        throughput=throughput,
        memory_bandwidth_bytes_per_second=bandwidth,
        generation_ceiling_tokens_per_second=generation_ceiling(bandwidth, model_bytes),
        sweep=points,
        recommended_threads=best_of(list(points)).threads if points else None,
        seconds_taken=time.perf_counter() - started,
    )
