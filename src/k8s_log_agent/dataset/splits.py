"""Which split a record belongs to: decided for a whole group, so that no test example was seen in training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal

from k8s_log_agent.records import GoldenRecord

Split = Literal["train", "validation", "test"]

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
_FROZEN = "golden-test-split-1"  # part of the hash; another word would make another test split


def split_of(group: str, seed: int) -> Split:
    """Return the split of a group: a signature, or the wording of a template.

    The test split is frozen: whether a group is in it depends on the group alone. `seed` only decides between train
    and validation.
    """
    if _share(f"{_FROZEN}:{group}") < TEST_SHARE:
        return "test"
    return "validation" if _share(f"{seed}:{group}") < VALIDATION_SHARE / (1 - TEST_SHARE) else "train"


def _share(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def groups_of(record: GoldenRecord) -> tuple[str, ...]:
    """Return the groups that must not be torn apart: the signature and, for a synthetic record, its wording."""
    if record.provenance.source == "synthetic":
        return (record.derived.signature, record.provenance.origin)
    return (record.derived.signature,)


def settle(records: Iterable[GoldenRecord]) -> list[GoldenRecord]:
    """Return the records with each group in one split: what shares a group with a test record is a test record.

    Between the other two splits, train wins.
    """
    settled = list(records)
    for split in ("test", "train"):
        settled = _spread(settled, split)
    return settled


def _spread(records: list[GoldenRecord], split: Split) -> list[GoldenRecord]:
    """Groups overlap, so the split travels until nothing moves any more."""
    reached: set[str] = set()
    while True:
        touched = {
            group
            for record in records
            if record.split == split or (record.split != "test" and reached.intersection(groups_of(record)))
            for group in groups_of(record)
        }
        if touched == reached:
            break
        reached = touched
    return [
        record.model_copy(update={"split": split})
        if record.split != "test" and reached.intersection(groups_of(record))
        else record
        for record in records
    ]


def leaks(records: Sequence[GoldenRecord]) -> list[str]:
    """Return the groups that occur in more than one split, sorted; none when the splits are clean."""
    seen: dict[str, set[str]] = {}
    for record in records:
        for group in groups_of(record):
            seen.setdefault(group, set()).add(record.split)
    return sorted(group for group, splits in seen.items() if len(splits) > 1)
