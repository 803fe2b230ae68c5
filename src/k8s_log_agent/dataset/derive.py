"""What the rules make of a record's input: recomputed whenever the rules change, never part of the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k8s_log_agent.dataset.store import DatasetError
from k8s_log_agent.records import Event, GoldenDerived
from k8s_log_agent.understand.redaction import Redactor
from k8s_log_agent.understand.signature import SIGNATURE_VERSION

CHARACTERS_PER_TOKEN = 3  # logs are digits and punctuation, which tokenisers cut finer than the 4 of prose


def token_estimate(text: str) -> int:
    """Return about how many tokens a language model reads in `text`."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def derived_fields(event: Event, raw: str, redactions: Mapping[str, int]) -> GoldenDerived:
    """Return the derived part of a record that shows `raw` and whose telling event is `event`.

    The number of a cluster means something within one run only and is not kept.
    """
    return GoldenDerived(
        signature=event.signature,
        signature_version=SIGNATURE_VERSION,
        template=event.template,
        detected_severity=event.severity,
        detection_method=event.method,
        detection_confidence=round(event.confidence, 3),
        token_estimate=token_estimate(raw),
        redactions=dict(sorted(redactions.items())),
    )


def redacted_lines(lines: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """Return the lines without secrets, as many as before, and how many of each kind were replaced.

    One secret has one placeholder throughout. Raises `DatasetError` for a secret that runs over several lines.
    """
    whole = Redactor().redact("\n".join(lines))
    cut = whole.text.split("\n")
    if len(cut) != len(lines):
        raise DatasetError(
            f"Taking the secrets out of {len(lines)} lines left {len(cut)}, so that evidence cannot be numbered. "
            f"Put the secret that begins in {lines[0][:60]!r} on one line."
        )
    return cut, dict(whole.counts)
