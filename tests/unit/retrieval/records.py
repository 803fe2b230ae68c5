"""Small golden records and a tiny embedder for the tests of retrieval."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from k8s_log_agent.records import (
    Category,
    Component,
    GoldenDerived,
    GoldenInput,
    GoldenProvenance,
    GoldenQuality,
    GoldenRecord,
    GoldenTruth,
    Severity,
)
from k8s_log_agent.retrieval.embeddings import Purpose, Vectors, normalised
from k8s_log_agent.retrieval.lexical import words


class WordEmbedder:
    """Each word falls into one of 64 places: equal words, equal vectors. `name` can be another's."""

    def __init__(self, name: str = "words-64") -> None:
        self.name = name
        self.dimensions = 64
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Vectors:
        self.embedded += texts
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in words(text):
                rows[row, hashlib.sha256(word.encode()).digest()[0] % self.dimensions] += 1
        return normalised(rows)


def record(
    identity: str, message: str, cause: str = "disk_full", *, signature: str = "", origin: str = "made", raw: str = ""
) -> GoldenRecord:
    shown = raw or message
    return GoldenRecord(
        id=identity,
        split="train",
        input=GoldenInput(
            timestamp=None, namespace="shop", pod="p", container="c", raw=shown, message=message, format="plain"
        ),
        derived=GoldenDerived(
            signature=signature or identity,
            signature_version=1,
            template=message,
            detected_severity=Severity.ERROR,
            detection_method="level",
            detection_confidence=1,
            token_estimate=10,
        ),
        truth=GoldenTruth(
            is_failure=True,
            severity=Severity.ERROR,
            category=Category.STORAGE,
            cause=cause,
            component=Component(kind="database", name="postgresql"),
            evidence_lines=(len(shown.splitlines()) - 1,),
        ),
        quality=GoldenQuality(label_source="provoked"),
        provenance=GoldenProvenance(source="real", origin=origin, extractor_version="1"),
    )
