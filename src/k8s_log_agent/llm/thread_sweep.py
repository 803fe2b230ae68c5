"""Finds the best number of threads by starting temporary servers, one after the other, on free ports."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from k8s_log_agent.llm.benchmark import BenchmarkOptions, SweepPoint, generation_rate, prompt_rate
from k8s_log_agent.llm.local_server import ServerConfig
from k8s_log_agent.llm.throughput_probe import MeasurementError, ThroughputProbe

START_SECONDS = 300
_SHORT_PROMPT_TOKENS = 8


def sweep(config: ServerConfig, threads: list[int], options: BenchmarkOptions) -> list[SweepPoint]:
    """One point for each number of threads, in the order given; the server that `config` belongs to is left alone."""
    points = []
    for count in threads:
        trial = config.model_copy(
            update={"threads": count, "threads_batch": count, "port": free_port(), "host": "127.0.0.1", "slots": 1}
        )
        with temporary_server(trial) as base_url, ThroughputProbe(base_url) as probe:
            points.append(_point(probe, count, options))
    return points


@contextmanager
def temporary_server(config: ServerConfig) -> Iterator[str]:
    """A server of this configuration that answers at the address given, and is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="llama-cpp-sweep-") as folder:
        path, log = Path(folder, "server.json"), Path(folder, "server.log")
        path.write_text(config.model_dump_json(), encoding="utf-8")
        command = [sys.executable, "-m", "k8s_log_agent.llm.local_server", "--config", str(path)]
        with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
            base_url = f"http://{config.host}:{config.port}"
            try:
                _wait(base_url, process, log)
                yield base_url
            finally:
                process.terminate()


def free_port() -> int:
    """A TCP port of the loopback address that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(base_url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{base_url}/health", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    last = " | ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
    raise MeasurementError(f"a temporary server for the thread sweep did not start; its last lines: {last}")


def _point(probe: ThroughputProbe, threads: int, options: BenchmarkOptions) -> SweepPoint:
    prompt = probe.prompt(options.prompt_tokens)
    prompts, generations = [], []
    for repetition in range(-options.warmup, options.repetitions):
        read = prompt_rate(probe.complete(prompt, 1))
        written = generation_rate(probe.complete(prompt[:_SHORT_PROMPT_TOKENS], options.generation_tokens))
        if repetition >= 0:
            prompts.append(read)
            generations.append(written)
    return SweepPoint(
        threads=threads,
        prompt_tokens_per_second=median(prompts),
        generation_tokens_per_second=median(generations),
    )
