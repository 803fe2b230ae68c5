"""What cannot work is refused before anything is changed, with what, why, and the next step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.role_runner import run_role

MODEL: dict[str, Any] = {
    "name": "chat",
    "file": "chat.gguf",
    "alias": "chat",
    "size_bytes": 2_000_000_000,
    "sha256": "0" * 64,
    "kv_cache_bytes_per_token": 114_688,
    "context_length_tokens": 131_072,
    "threads": 4,
    "slots": 2,
    "context_tokens": 8192,
    "cpu_request": 2,
    "cpu_limit": 4,
    "memory_request_mib": 4096,
    "memory_limit_mib": 6144,
}
BAD_MODELS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"slots": 8}, ("1024 tokens a", "at least 2048", "change context_tokens or slots")),
    ({"context_length_tokens": 2048}, ("at most the 2048",)),
    ({"memory_limit_mib": 2048, "memory_request_mib": 2048}, ("need 3572 MiB", "Raise the limit")),
    ({"threads": 6}, ("6 threads on 4", "at most as many as cpu_limit")),
]
BAD_LOKI: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"loki_retention": "30d"}, ("loki_retention is 30d", "720h")),
    ({"loki_retention": "30h"}, ("whole days",)),
    ({"loki_mode": "distributed"}, ("lacks bucket, endpoint, secret_name",)),
]


@pytest.mark.parametrize(("changed", "expected"), BAD_MODELS, ids=lambda value: ",".join(map(str, value)))
def test_a_model_that_does_not_fit_is_refused(
    tmp_path: Path, changed: dict[str, Any], expected: tuple[str, ...]
) -> None:
    given = {"llama_cpp_kubeconfig": "/none", "llama_cpp_models": [{**MODEL, **changed}]}

    run = run_role("llama_cpp", given, tmp_path)

    failed = run.results[next(name for name, result in run.results.items() if result.get("failed"))]
    said = " ".join(str(item.get("msg", "")) for item in failed.get("results", [failed]))
    assert all(part in said for part in expected), said
    assert run.changed == ()


@pytest.mark.parametrize(("given", "expected"), BAD_LOKI, ids=lambda value: ",".join(map(str, value)))
def test_a_loki_that_cannot_run_is_refused(tmp_path: Path, given: dict[str, Any], expected: tuple[str, ...]) -> None:
    run = run_role("loki", {"loki_kubeconfig": "/none", **given}, tmp_path)

    assert all(part in run.failure for part in expected), run.failure
    assert run.changed == ()
