"""Data set files: content hashes, canonical bytes, reading, and writing only what differs."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from k8s_log_agent.records import GoldenDataset, GoldenInput, GoldenRecord, GoldenTruth

REAL = "golden_dataset_real.json"
SYNTHETIC = "golden_dataset_synthetic.json"
COMBINED = "golden_dataset.json"
CARD = "golden_dataset_card.md"
ANALYSIS = "dataset_analysis.json"
ANALYSIS_PAGE = "dataset_analysis.md"

_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class DatasetError(ValueError):
    """A data set cannot be made or read; the text says what, why and the next step."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file as it shall be."""

    path: Path
    content: bytes

    @property
    def sha256(self) -> str:
        """Of the content, in lower-case hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    def differs(self) -> bool:
        """Whether the file on disk is missing or has other bytes."""
        try:
            return self.path.read_bytes() != self.content
        except OSError:
            return True

    def write(self) -> bool:
        """Bring the file to its content by an atomic rename; False when it had it. Raises `DatasetError`."""
        if not self.differs():
            return False
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(self.content)
            partial.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise DatasetError(
                f"{self.path} cannot be written: {error.strerror}. Name another place with --out, or make room there."
            ) from error
        return True


def canonical(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON can hold
    """Return `value` as indented JSON with sorted keys and a final newline: equal values give equal bytes."""
    return orjson.dumps(value, option=_CANONICAL)


def encode(dataset: GoldenDataset) -> bytes:
    """Return the bytes of a data set's file."""
    return canonical(dataset.model_dump(mode="json"))


def parse(content: bytes, name: str) -> GoldenDataset:
    """Return the data set that `content` holds; `name` is how errors call it. Raises `DatasetError`."""
    try:
        return GoldenDataset.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise DatasetError(
            f"{name} is not a golden data set: {place}: {first['msg']} ({error.error_count()} problems in all). "
            "Make it anew with scripts/extract_golden_dataset.py, synthesize_logs.py or combine_datasets.py."
        ) from error


def read(path: Path) -> GoldenDataset:
    """Read a data set file; raises `DatasetError`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror}. Make it first: scripts/extract_golden_dataset.py writes {REAL}, "
            f"scripts/synthesize_logs.py {SYNTHETIC}, scripts/combine_datasets.py {COMBINED}."
        ) from error
    return parse(content, str(path))


def record_id(shown: GoldenInput, truth: GoldenTruth) -> str:
    """Return the record's name: the first 16 hexadecimal digits of the hash of what it shows and what is right."""
    content = [shown.model_dump(mode="json"), truth.model_dump(mode="json")]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def records_sha256(records: Iterable[GoldenRecord]) -> str:
    """Return the hash of the records, in their order."""
    return hashlib.sha256(canonical([record.model_dump(mode="json") for record in records])).hexdigest()


def count_records(records: Iterable[GoldenRecord]) -> dict[str, dict[str, int]]:
    """Return how many records there are by severity, category, cause, and each other field that a reader asks for."""
    counts: dict[str, Counter[str]] = {}
    for record in records:
        for field, value in _counted(record).items():
            counts.setdefault(field, Counter())[value] += 1
    return {field: dict(sorted(values.items())) for field, values in sorted(counts.items())}


def _counted(record: GoldenRecord) -> Mapping[str, str]:
    return {
        "severity": record.truth.severity.value,
        "category": record.truth.category.value,
        "cause": record.truth.cause,
        "component": record.truth.component.kind,
        "format": record.input.format,
        "label_source": record.quality.label_source,
        "source": record.provenance.source,
        "split": record.split,
    }
