"""Milliseconds of one search among many labelled records, the embedding of the question left out.

`python -m benchmarks.retrieval.measure --records 10000` makes records from a seed, searches them in this process on one
core, and writes `benchmarks/results/retrieval.json`. Times are of the processor, so that other programs do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import numpy as np

from k8s_log_agent.evaluation.environment import read_machine
from k8s_log_agent.retrieval.documents import Document
from k8s_log_agent.retrieval.embeddings import Purpose, Vectors, normalised
from k8s_log_agent.retrieval.memory import MemoryIndex
from k8s_log_agent.retrieval.retriever import Method, Retriever

RESULT = Path(__file__).resolve().parents[1] / "results" / "retrieval.json"
DIMENSIONS = 384
BOUND = 20.0  # milliseconds
WORDS = (
    "connection refused timeout volume full disk space write failed password user database certificate expired name "
    "host resolve memory limit exceeded heap node pod container restart probe readiness liveness quota scheduling "
    "image pull registry unauthorized config parse yaml key missing port address use upstream gateway reset peer lock "
    "deadlock transaction migration table index query slow replica leader election lost raft snapshot corrupt checksum "
    "token invalid forbidden role binding webhook admission mount attach claim pending bound class storage network"
).split()
METHODS: tuple[Method, ...] = ("fused", "dense", "lexical")


class Drawn:
    """Random unit vectors, one for each text and the same in every run."""

    name = "drawn"
    dimensions = DIMENSIONS

    def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Vectors:
        """One row for each text."""
        seeds = [crc32(f"{purpose} {text}".encode()) for text in texts]
        rows = [np.random.default_rng(seed).normal(size=DIMENSIONS).astype(np.float32) for seed in seeds]
        return normalised(np.stack(rows))


class Known(Drawn):
    """Gives vectors that were drawn before, so that a search alone is measured."""

    def __init__(self, questions: Sequence[str]) -> None:
        self._vectors = dict(zip(questions, super().embed(questions, "query"), strict=True))

    def embed(self, texts: Sequence[str], purpose: Purpose = "query") -> Vectors:
        """One row for each known text."""
        assert purpose == "query"
        return np.stack([self._vectors[text] for text in texts])


def records(count: int, seed: int) -> list[Document]:
    """Short documents of eight to forty words, as frequent as words of logs are."""
    draw = np.random.default_rng(seed)
    weights = 1 / np.arange(1, len(WORDS) + 1)
    made = []
    for number in range(count):
        chosen = draw.choice(WORDS, size=int(draw.integers(8, 41)), p=weights / weights.sum())
        text = f"{' '.join(chosen)} id{draw.integers(count)} code {draw.integers(600)}"
        group = f"signature-{number % (count // 4 + 1)}"
        cause = f"cause-{number % 60}"
        made.append(Document(f"{number:06d}", text, cause, "ERROR", "app", "shop", group, f"o{number}"))
    return made


def measure(count: int, questions: int, seed: int) -> dict[str, dict[str, float]]:
    """Median, 95th percentile and greatest of the milliseconds of a search, by method."""
    documents = records(count, seed)
    asked = [document.text for document in records(questions, seed + 1)]
    index = MemoryIndex(documents, Drawn())
    found: dict[str, dict[str, float]] = {}
    for method in METHODS:
        retriever = Retriever(lambda: index, Known(asked), method=method)
        retriever.check()
        taken = []
        for question in asked:
            started = time.process_time()
            assert len(retriever.similar(question, 5, ("signature-1",))) == 5
            taken.append((time.process_time() - started) * 1000)
        low, high = np.percentile(taken, [50, 95])
        found[method] = {"median": round(low, 2), "p95": round(high, 2), "maximum": round(max(taken), 2)}
    return found


def main() -> int:
    """Measure, print, write the result; 1 when the 95th percentile of a fused search is 20 ms or more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    taken = measure(given.records, given.questions, given.seed)
    result = {
        "command": f"python -m benchmarks.retrieval.measure --records {given.records} --questions {given.questions}",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": read_machine().model_dump(mode="json"),
        "python": platform.python_version(),
        "records": given.records,
        "milliseconds_of_processor": taken,
    }
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(result["milliseconds_of_processor"], indent=2) + "\n")
    return 0 if taken["fused"]["p95"] < BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
