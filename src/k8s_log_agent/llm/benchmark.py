"""What a throughput measurement means: statistics over repeats, the machine's ceiling, minima, reuse of a result.

Pure: the measuring itself is in `throughput_probe` and `memory_bandwidth`. Rates are tokens per second, times are
milliseconds, bandwidths are bytes per second; every field of a result that has a unit carries it in its name.
"""

from __future__ import annotations

import hashlib
import json
from statistics import median
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
MINIMUM_REPETITIONS = 5


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BenchmarkOptions(_Frozen):
    """What is measured. Lengths are tokens."""

    prompt_tokens: int = Field(default=512, ge=8)
    generation_tokens: int = Field(default=128, ge=8)
    repetitions: int = Field(default=5, ge=MINIMUM_REPETITIONS)
    warmup: int = Field(default=1, ge=1)
    sweep_threads: tuple[int, ...] = ()


class Spread(_Frozen):
    """A figure over repeats: the median, and how far single repeats lie from it."""

    median: float
    median_absolute_deviation: float
    minimum: float
    maximum: float
    samples: tuple[float, ...]

    @classmethod
    def of(cls, samples: list[float]) -> Spread:
        """Of at least one sample, in the order in which they were taken."""
        middle = median(samples)
        return cls(
            median=middle,
            median_absolute_deviation=median(abs(sample - middle) for sample in samples),
            minimum=min(samples),
            maximum=max(samples),
            samples=tuple(samples),
        )


class Throughput(_Frozen):
    """What one server does, at the options that were asked for."""

    prompt_tokens_per_second: Spread
    generation_tokens_per_second: Spread
    time_to_first_token_ms: Spread
    parallel_slots: int
    parallel_generation_tokens_per_second: Spread


class SweepPoint(_Frozen):
    """The medians with one number of threads."""

    threads: int
    prompt_tokens_per_second: float
    generation_tokens_per_second: float


class Benchmark(_Frozen):
    """One measurement with everything that is needed to read it later."""

    schema_version: int = SCHEMA_VERSION
    fingerprint: str
    measured_at: str
    model_alias: str
    model_bytes: int
    context_tokens_per_slot: int
    build: str
    threads: int
    options: BenchmarkOptions
    throughput: Throughput
    memory_bandwidth_bytes_per_second: float
    generation_ceiling_tokens_per_second: float
    sweep: tuple[SweepPoint, ...] = ()
    recommended_threads: int | None = None
    seconds_taken: float


class Minima(_Frozen):
    """What is asked for; 0 asks for nothing."""

    prompt_tokens_per_second: float = Field(default=0, ge=0)
    generation_tokens_per_second: float = Field(default=0, ge=0)
    parallel_tokens_per_second: float = Field(default=0, ge=0)
    maximum_time_to_first_token_ms: float = Field(default=0, ge=0)


def prompt_rate(timings: dict[str, Any]) -> float:
    """Prompt tokens per second from a llama.cpp answer's `timings`."""
    return float(timings["prompt_n"]) / float(timings["prompt_ms"]) * 1000


def generation_rate(timings: dict[str, Any]) -> float:
    """Generated tokens per second from a llama.cpp answer's `timings`.

    The clock of `predicted_ms` starts when the first token is there (it comes out of the prompt's pass), so n tokens
    are n - 1 passes. llama.cpp's own `predicted_per_second` divides by n and is too high by 1/n.
    """
    return (float(timings["predicted_n"]) - 1) / float(timings["predicted_ms"]) * 1000


def generation_ceiling(bandwidth_bytes_per_second: float, model_bytes: int) -> float:
    """Tokens per second that memory allows one sequence: every token reads every weight once."""
    return bandwidth_bytes_per_second / model_bytes


def fingerprint(model_sha256: str, server: object, options: BenchmarkOptions) -> str:
    """A key that changes when a new measurement could come out differently. `server` is anything that JSON can hold."""
    material = [SCHEMA_VERSION, model_sha256, server, options.model_dump()]
    return hashlib.sha256(json.dumps(material, sort_keys=True).encode()).hexdigest()


def reusable(stored: bytes | None, wanted: str) -> Benchmark | None:
    """The stored measurement when it is whole and was made of the wanted fingerprint."""
    if stored is None:
        return None
    try:
        found = Benchmark.model_validate_json(stored)
    except ValueError:
        return None
    return found if found.fingerprint == wanted else None


def best_of(points: list[SweepPoint]) -> SweepPoint:
    """The point with the highest generation rate; among those within 3 % of it the one with the fewest threads."""
    top = max(point.generation_tokens_per_second for point in points)
    close = [point for point in points if point.generation_tokens_per_second >= 0.97 * top]
    return min(close, key=lambda point: point.threads)


def shortfalls(measured: Throughput, asked: Minima) -> list[str]:
    """One phrase for every minimum that is not met."""
    rows = [
        ("prompt processing", measured.prompt_tokens_per_second, asked.prompt_tokens_per_second),
        ("generation", measured.generation_tokens_per_second, asked.generation_tokens_per_second),
        (
            f"generation over {measured.parallel_slots} slots",
            measured.parallel_generation_tokens_per_second,
            asked.parallel_tokens_per_second,
        ),
    ]
    phrases = [
        f"{name} reached {spread.median:.1f} tokens/s ({spread.minimum:.1f} to {spread.maximum:.1f} over "
        f"{len(spread.samples)} repeats) where {minimum:g} was asked for"
        for name, spread, minimum in rows
        if minimum and spread.median < minimum
    ]
    first, limit = measured.time_to_first_token_ms, asked.maximum_time_to_first_token_ms
    if limit and first.median > limit:
        phrases.append(f"the first token took {first.median:.0f} ms where at most {limit:g} ms was asked for")
    return phrases


def advice(benchmark: Benchmark, asked: Minima) -> str:
    """What limits this machine, and what to look at, for the message of a failed verification."""
    ceiling = benchmark.generation_ceiling_tokens_per_second
    reached = benchmark.throughput.generation_tokens_per_second.median
    gigabytes = benchmark.memory_bandwidth_bytes_per_second / 1e9
    text = (
        f"Memory delivers about {gigabytes:.1f} GB/s here, and each token reads {benchmark.model_bytes / 1e9:.2f} GB "
        f"of weights, so generation ends at about {ceiling:.0f} tokens/s; {reached / ceiling:.0%} of that was reached."
    )
    if asked.generation_tokens_per_second > ceiling:
        return f"{text} More was asked for: use a smaller model or a coarser quantisation, or lower the minimum."
    return (
        f"{text} Look at the number of threads (sweep_threads recommends one), at other programs on this machine, at "
        "the CPU's frequency and power limits, and at CPU features that the build does not use (llama_cpp_info)."
    )
