"""What is indexed of a labelled record: a short text to compare by, and the label to learn from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from k8s_log_agent.records import GoldenRecord

MAXIMUM_CHARACTERS = 600  # about 200 tokens, so that no embedder cuts
MAXIMUM_LINES = 4
_TIMESTAMP = re.compile(r"^\W{0,2}\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d[.,\d]{0,12}(?:Z|[+-]\d\d:?\d\d)?\W{0,3}")


@dataclass(frozen=True, slots=True)
class Document:
    """One entry of an index. `group` is its signature, `origin` the recording, query or template it came from."""

    id: str
    text: str
    cause: str
    severity: str
    component: str
    namespace: str
    group: str
    origin: str

    @property
    def digest(self) -> str:
        """Hash of all fields; another one means that the entry has to be written anew."""
        return hashlib.sha256("\x1f".join(astuple(self)).encode("utf-8", "replace")).hexdigest()[:32]


def comparable(lines: Sequence[str]) -> str:
    """The text that stands for some lines, in a record and in a question alike: no timestamps, no repeats, short."""
    kept = dict.fromkeys(bare for line in lines if (bare := _TIMESTAMP.sub("", line).strip()))
    return "\n".join(list(kept)[:MAXIMUM_LINES])[:MAXIMUM_CHARACTERS]


def document_of(record: GoldenRecord) -> Document:
    """The entry of one record: its message, and the lines that carry its evidence."""
    shown = record.input.raw.splitlines()
    evidence = [shown[line] for line in record.truth.evidence_lines if line < len(shown)]
    message = record.input.message.splitlines()[:1]
    text = comparable([*message, *(line for line in evidence if not message or message[0] not in line)])
    return Document(
        id=record.id,
        text=text or record.derived.template or "(empty)",
        cause=record.truth.cause,
        severity=record.truth.severity.value,
        component=record.truth.component.kind,
        namespace=record.input.namespace,
        group=record.derived.signature,
        origin=record.provenance.origin,
    )
