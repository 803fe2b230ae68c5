"""What a model is asked to fill in: a flat object whose every field is closed or bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from k8s_log_agent.llm.hostile_text import clean
from k8s_log_agent.llm.schema import Schema, choice, flat_object, numbers_among, short_text
from k8s_log_agent.triage.opinions import UNKNOWN

MOST_EVIDENCE = 2
LONGEST_REASONING = 120  # characters; about 30 tokens
MOST_TOKENS = 128  # of the whole answer, which ends as invalid when it is longer

SEVERITIES = ("INFO", "WARN", "ERROR", "CRITICAL")
_LINK = re.compile(r"\b[a-z][a-z0-9+.-]{1,16}://\S{0,200}|\bwww\.\S{1,200}", re.IGNORECASE)
_SHELL = re.compile(r"[`|;&$]|\b(?:curl|wget|sudo|rm|bash|sh|kubectl|chmod)\b", re.IGNORECASE)


class ModelAnswer(BaseModel):
    """A model's answer as it must be. `evidence_lines` are numbers of shown lines."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    evidence_lines: Annotated[list[int], Field(min_length=1, max_length=MOST_EVIDENCE)]
    reasoning: Annotated[str, Field(min_length=1, max_length=LONGEST_REASONING)]
    cause: str
    severity: Literal["INFO", "WARN", "ERROR", "CRITICAL"]
    confidence: Literal["low", "medium", "high"]


def answer_schema(causes: Sequence[str], shown: int) -> Schema:
    """The schema of an answer that may name these causes or `unknown`, and cite the lines 1 to `shown`.

    The evidence comes first and the cause after the reasoning, so that what is generated later rests on it.
    """
    return flat_object(
        {
            "evidence_lines": numbers_among(range(1, shown + 1), MOST_EVIDENCE),
            "reasoning": short_text(LONGEST_REASONING),
            "cause": choice([*causes, UNKNOWN]),
            "severity": choice(SEVERITIES),
            "confidence": choice(["low", "medium", "high"]),
        }
    )


def problem_with(answer: ModelAnswer, causes: Sequence[str], shown: int) -> str | None:
    """One sentence on what is wrong with an answer that has the right form; None when nothing is."""
    if answer.cause not in (*causes, UNKNOWN):
        return f"cause must be one of {', '.join((*causes, UNKNOWN))}"
    outside = [line for line in answer.evidence_lines if not 1 <= line <= shown]
    if outside:
        return f"evidence_lines must be numbers from 1 to {shown}, not {outside[0]}"
    return None


def shown_reasoning(text: str) -> str:
    """A model's sentence as it may be shown to a person: no links, no commands, nothing invisible."""
    return _SHELL.sub("·", _LINK.sub("[link removed]", clean(text, LONGEST_REASONING).text))
