"""What people said about records, kept in a file of its own so that a new extraction does not lose it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import Field, ValidationError

from k8s_log_agent.dataset import store
from k8s_log_agent.dataset.store import Artefact, DatasetError
from k8s_log_agent.records import Category, GoldenDataset, GoldenInput, GoldenRecord, GoldenTruth, Record, Severity
from k8s_log_agent.understand.causes import CauseTable

FILE = "human_labels.json"
_NOTHING = {
    "is_failure": False,
    "cause": "none",
    "cause_text": "",
    "evidence_lines": (),
    "remedy": "",
    "answerable": True,
}


class HumanLabel(Record):
    """One person's word on one record. `record` is `key_of` its input, so it also fits the record of a later run."""

    record: str
    kind: Literal["confirmed", "corrected"]
    truth: GoldenTruth
    author: Annotated[str, Field(min_length=1)]
    at: datetime
    reason: str = ""


class HumanLabels(Record):
    """The file: at most one label a record, the last one said."""

    schema_version: Literal[1] = 1
    labels: tuple[HumanLabel, ...] = ()

    def with_label(self, label: HumanLabel) -> HumanLabels:
        """These and one more, which takes the place of an older one on the same record."""
        others = [one for one in self.labels if one.record != label.record]
        return HumanLabels(labels=tuple(sorted([*others, label], key=lambda one: one.record)))


def beside(dataset: Path) -> Path:
    """Where the labels of the data set file `dataset` lie."""
    return dataset.with_name(FILE)


def read_labels(path: Path) -> HumanLabels:
    """The labels of a file, none where there is no file. Raises `DatasetError`."""
    try:
        return HumanLabels.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return HumanLabels()
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror}. Make it readable; it holds people's labels."
        ) from error
    except ValidationError as error:
        raise DatasetError(
            f"{path} holds no labels that this version knows: {error.errors()[0]['msg']}. It is kept as it is: "
            "mend it, or move it away to begin anew."
        ) from error


def labels_file(path: Path, labels: HumanLabels) -> Artefact:
    """The file with these labels."""
    return Artefact(path, store.canonical(labels.model_dump(mode="json")))


def key_of(shown: GoldenInput) -> str:
    """16 hexadecimal digits of the hash of where and when a record was logged and what it says."""
    content = [shown.namespace, shown.pod, shown.container, shown.timestamp, shown.raw]
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:16]


def corrected_truth(record: GoldenRecord, cause: str, causes: CauseTable) -> GoldenTruth:
    """The record's truth with another cause of the table and that cause's severity.

    `none` says that nothing failed, `unknown` that the lines do not tell; both keep a severity that fits them.
    Raises `DatasetError` for any other word that the table does not have.
    """
    if cause == "none":
        quiet = min(record.truth.severity, Severity.WARN, key=lambda one: one.rank)
        return record.truth.model_copy(update={**_NOTHING, "severity": quiet, "category": Category.NONE})
    if cause == "unknown":
        return record.truth.model_copy(
            update={
                **_NOTHING,
                "is_failure": True,
                "cause": "unknown",
                "category": Category.UNKNOWN,
                "answerable": False,
            }
        )
    if cause not in causes.codes:
        raise DatasetError(f"{cause} is no cause code. `k8s-log-agent label --causes` prints them all.")
    known = causes.cause(cause)
    return record.truth.model_copy(
        update={
            "is_failure": True,
            "severity": known.severity,
            "category": known.category,
            "cause": cause,
            "cause_text": known.summary,
            "evidence_lines": record.truth.evidence_lines or (0,),
            "remedy": known.remedies[0] if known.remedies else "",
            "answerable": True,
        }
    )


def applied(dataset: GoldenDataset, labels: HumanLabels) -> GoldenDataset:
    """The data set with each record as people said, and its counts and hash made anew."""
    by_record = {label.record: label for label in labels.labels}
    records = tuple(_labelled(record, by_record.get(key_of(record.input))) for record in dataset.records)
    if records == dataset.records:
        return dataset
    manifest = dataset.manifest.model_copy(
        update={"counts": store.count_records(records), "records_sha256": store.records_sha256(records)}
    )
    return dataset.model_copy(update={"manifest": manifest, "records": records})


def waiting(records: Iterable[GoldenRecord]) -> list[GoldenRecord]:
    """Records whose truth only a rule proposed, the gravest first."""
    ruled = [record for record in records if record.quality.label_source == "rule"]
    return sorted(ruled, key=lambda record: (-record.truth.severity.rank, record.id))


def _labelled(record: GoldenRecord, label: HumanLabel | None) -> GoldenRecord:
    if label is None:
        return record
    said = f"{label.kind} by {label.author} on {label.at:%Y-%m-%d}"
    quality = record.quality.model_copy(
        update={"label_source": "human", "author": label.author, "note": label.reason or record.quality.note}
    )
    history = (*(one for one in record.provenance.history if one != said), said)
    return record.model_copy(
        update={
            "id": store.record_id(record.input, label.truth),
            "truth": label.truth,
            "quality": quality,
            "provenance": record.provenance.model_copy(update={"history": history}),
        }
    )
