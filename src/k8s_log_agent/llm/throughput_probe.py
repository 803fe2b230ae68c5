"""Measures a running llama.cpp server over HTTP; rates come from its own timings, so the network's delay is apart.

Every request switches the prompt cache off and greedy sampling on, so that a repeat does the same work as the first.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from k8s_log_agent.llm.benchmark import BenchmarkOptions, Spread, Throughput, generation_rate, prompt_rate

# Any text will do: only its number of tokens matters.
_TEXT = "The kubelet restarted the container because its liveness probe failed three times in a row. "
_GENERATION_PROMPT_TOKENS = 8


class MeasurementError(RuntimeError):
    """The server did not do the work that was to be measured; the text says what it did."""


class ThroughputProbe:
    """One server, seen from outside. `seconds` bounds each single request."""

    def __init__(self, base_url: str, *, seconds: float = 600, clock: Callable[[], float] = time.perf_counter) -> None:
        # The server closes idle connections on its own; one that is used at that moment would lose its request.
        fresh = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.Client(base_url=base_url, timeout=seconds, limits=fresh)
        self._clock = clock

    def __enter__(self) -> ThroughputProbe:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def properties(self) -> dict[str, Any]:
        """The server's `/props`."""
        found: dict[str, Any] = self._get("/props")
        return found

    def prompt(self, tokens: int) -> list[int]:
        """Token ids of a prompt of exactly `tokens` tokens."""
        text = _TEXT
        while len(ids := self._post("/tokenize", {"content": text})["tokens"]) < tokens:
            text += text
        return [int(number) for number in ids[:tokens]]

    def complete(self, prompt: list[int], tokens: int) -> dict[str, Any]:
        """The `timings` of one answer of exactly `tokens` tokens to exactly this prompt."""
        answer = self._post("/completion", _request(prompt, tokens, stream=False))
        timings: dict[str, Any] = answer["timings"]
        if timings["prompt_n"] != len(prompt) or timings["predicted_n"] != tokens:
            raise MeasurementError(
                f"{len(prompt)} prompt tokens and {tokens} generated ones were asked for, but the server counted "
                f"{timings['prompt_n']} and {timings['predicted_n']}: its context is too small, or its model is damaged"
            )
        return timings

    def time_to_first_token_ms(self, prompt: list[int]) -> float:
        """Milliseconds from sending the request until the first token arrives, as a client sees it."""
        started = self._clock()
        first: float | None = None
        try:
            with self._http.stream("POST", "/completion", json=_request(prompt, 2, stream=True)) as response:
                for line in response.iter_lines():
                    if first is None and line.startswith("data: ") and "content" in json.loads(line[6:]):
                        first = (self._clock() - started) * 1000
        except httpx.HTTPError as error:
            raise self._no_answer("/completion", error) from error
        if first is None:
            raise MeasurementError(f"the server answered {response.status_code} and streamed no token")
        return first

    def parallel_rate(self, prompt: list[int], tokens: int, slots: int) -> float:
        """Generated tokens of `slots` requests at once, per second of wall time, their short prompts included."""
        started = self._clock()
        with ThreadPoolExecutor(max_workers=slots) as pool:
            list(pool.map(lambda _: self.complete(prompt, tokens), range(slots)))
        return slots * tokens / (self._clock() - started)

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return self._checked(lambda: self._http.get(path), path)

    def _post(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        return self._checked(lambda: self._http.post(path, json=body), path)

    def _checked(self, call: Callable[[], httpx.Response], path: str) -> Any:  # noqa: ANN401 - JSON
        try:
            response = call()
        except httpx.HTTPError as error:
            raise self._no_answer(path, error) from error
        if response.status_code != httpx.codes.OK:
            raise MeasurementError(f"the server answered {response.status_code} to {path}: {response.text[:300]}")
        return response.json()

    def _no_answer(self, path: str, error: httpx.HTTPError) -> MeasurementError:
        reason = str(error) or type(error).__name__
        return MeasurementError(f"the server at {self._http.base_url} did not answer {path}: {reason}")


def measure(
    probe: ThroughputProbe, options: BenchmarkOptions, slots: int, progress: Callable[[str], None]
) -> Throughput:
    """Measures with the four figures interleaved, so that a disturbance of the machine does not fall on one alone."""
    prompt = probe.prompt(options.prompt_tokens)
    short = prompt[:_GENERATION_PROMPT_TOKENS]
    figures: dict[str, list[float]] = {"prompt": [], "generation": [], "first": [], "parallel": []}
    for repetition in range(-options.warmup, options.repetitions):
        sample = {
            "prompt": prompt_rate(probe.complete(prompt, 1)),
            "generation": generation_rate(probe.complete(short, options.generation_tokens)),
            "first": probe.time_to_first_token_ms(prompt),
            "parallel": probe.parallel_rate(short, options.generation_tokens, slots),
        }
        progress(f"repeat {repetition + 1} of {options.repetitions}" if repetition >= 0 else "warm-up")
        if repetition >= 0:
            for name, value in sample.items():
                figures[name].append(value)
    return Throughput(
        prompt_tokens_per_second=Spread.of(figures["prompt"]),
        generation_tokens_per_second=Spread.of(figures["generation"]),
        time_to_first_token_ms=Spread.of(figures["first"]),
        parallel_slots=slots,
        parallel_generation_tokens_per_second=Spread.of(figures["parallel"]),
    )


def _request(prompt: list[int], tokens: int, *, stream: bool) -> dict[str, Any]:
    return {
        "prompt": prompt,
        "n_predict": tokens,
        "cache_prompt": False,
        "ignore_eos": True,
        "samplers": ["top_k"],
        "top_k": 1,
        "stream": stream,
    }
