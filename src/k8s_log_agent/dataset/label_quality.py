"""Labels that contradict each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from k8s_log_agent.dataset.analysis_result import Conflict
from k8s_log_agent.records import GoldenRecord

FIELDS: Mapping[str, Callable[[GoldenRecord], str]] = {
    "severity": lambda record: record.truth.severity.value,
    "cause": lambda record: record.truth.cause,
}


def conflicts(records: Iterable[GoldenRecord]) -> list[Conflict]:
    """Return, by signature, the fields in which records that say the same are labelled differently.

    A synthetic record is a whole story whose signature is that of one line, so only records of one line and real ones
    are compared.
    """
    groups: dict[str, list[GoldenRecord]] = defaultdict(list)
    for record in records:
        if record.provenance.source == "real" or "multi-line" not in record.quality.tags:
            groups[record.derived.signature].append(record)
    found = []
    for signature, group in sorted(groups.items()):
        for field, value in FIELDS.items():
            values = sorted({value(record) for record in group})
            if len(values) > 1:
                ids = tuple(sorted(record.id for record in group))
                found.append(Conflict(signature=signature, field=field, values=tuple(values), records=ids))
    return found
