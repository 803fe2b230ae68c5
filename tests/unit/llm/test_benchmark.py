from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.llm import benchmark
from k8s_log_agent.llm.benchmark import Benchmark, BenchmarkOptions, Minima, Spread, SweepPoint, Throughput

OPTIONS = BenchmarkOptions()


def measurement(generation: float = 50, fingerprint: str = "f") -> Benchmark:
    return Benchmark(
        fingerprint=fingerprint,
        measured_at="2026-01-01T00:00:00+00:00",
        model_alias="m",
        model_bytes=1_000_000_000,
        context_tokens_per_slot=4096,
        build="b",
        threads=2,
        options=OPTIONS,
        throughput=Throughput(
            prompt_tokens_per_second=Spread.of([300.0] * 5),
            generation_tokens_per_second=Spread.of([generation] * 5),
            time_to_first_token_ms=Spread.of([900.0] * 5),
            parallel_slots=2,
            parallel_generation_tokens_per_second=Spread.of([70.0] * 5),
        ),
        memory_bandwidth_bytes_per_second=100e9,
        generation_ceiling_tokens_per_second=100,
        seconds_taken=1,
    )


@given(st.lists(st.floats(min_value=0.1, max_value=1e6), min_size=1, max_size=20))
def test_the_median_lies_between_the_extremes_and_every_sample_is_kept(samples: list[float]) -> None:
    spread = Spread.of(samples)

    assert spread.minimum <= spread.median <= spread.maximum
    assert list(spread.samples) == samples
    assert spread.median_absolute_deviation <= spread.maximum - spread.minimum


def test_one_disturbed_repeat_does_not_move_the_median() -> None:
    assert Spread.of([100, 101, 99, 100, 3]).median == 100


def test_generation_counts_passes_not_tokens() -> None:
    # 128 tokens of which the first came out of the prompt's pass: 127 passes in one second
    assert benchmark.generation_rate({"predicted_n": 128, "predicted_ms": 1000}) == 127


def test_prompt_rate_is_tokens_per_second() -> None:
    assert benchmark.prompt_rate({"prompt_n": 512, "prompt_ms": 2000}) == 256


def test_fewer_than_five_repeats_are_refused() -> None:
    with pytest.raises(ValueError, match="repetitions"):
        BenchmarkOptions(repetitions=4)


def test_a_result_is_used_again_only_for_the_same_model_server_and_options() -> None:
    key = benchmark.fingerprint("sha", {"threads": 2}, OPTIONS)
    stored = measurement(fingerprint=key).model_dump_json().encode()

    assert benchmark.reusable(stored, key) is not None
    assert benchmark.reusable(stored, benchmark.fingerprint("other", {"threads": 2}, OPTIONS)) is None
    assert benchmark.reusable(stored, benchmark.fingerprint("sha", {"threads": 3}, OPTIONS)) is None
    assert benchmark.reusable(stored, benchmark.fingerprint("sha", {"threads": 2}, BenchmarkOptions(warmup=2))) is None


@pytest.mark.parametrize("stored", [None, b"", b"{", b"[]", json.dumps({"fingerprint": "f"}).encode()])
def test_a_damaged_result_is_measured_anew(stored: bytes | None) -> None:
    assert benchmark.reusable(stored, "f") is None


def test_a_minimum_that_is_missed_is_named_with_what_was_measured() -> None:
    missed = benchmark.shortfalls(
        measurement(50).throughput, Minima(generation_tokens_per_second=60, maximum_time_to_first_token_ms=500)
    )

    assert missed == [
        "generation reached 50.0 tokens/s (50.0 to 50.0 over 5 repeats) where 60 was asked for",
        "the first token took 900 ms where at most 500 ms was asked for",
    ]


def test_minima_that_are_met_say_nothing() -> None:
    assert benchmark.shortfalls(measurement(50).throughput, Minima(generation_tokens_per_second=50)) == []


def test_the_advice_tells_an_impossible_wish_from_a_slow_machine() -> None:
    assert "smaller model" in benchmark.advice(measurement(50), Minima(generation_tokens_per_second=150))
    assert "number of threads" in benchmark.advice(measurement(50), Minima(generation_tokens_per_second=60))


def test_the_recommended_threads_are_the_fewest_that_come_close_to_the_best() -> None:
    points = [
        SweepPoint(threads=threads, prompt_tokens_per_second=1, generation_tokens_per_second=rate)
        for threads, rate in [(1, 60), (2, 99), (4, 100), (8, 80)]
    ]

    assert benchmark.best_of(points).threads == 2
