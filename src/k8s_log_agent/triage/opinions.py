"""What each part of a triage thought, kept beside the verdict so that an evaluation can compare them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from k8s_log_agent.llm.answers import Completion
from k8s_log_agent.records import EvidenceLine, Severity, Verdict
from k8s_log_agent.retrieval.retriever import Neighbour
from k8s_log_agent.triage.evidence import ShownLine

UNKNOWN = "unknown"
NO_CAUSE = "none"


class Policy(StrEnum):
    """Who decides on the cause."""

    RULES = "rules"  # the best rule, else what similar records agree on, else unknown; the model is not asked
    MODEL = "model"  # the model, always; the rules where it fails
    RULES_THEN_MODEL = "rules_then_model"  # the model only where rules and similar records are unsure


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cause that may be it. `score` is 0..1; `reason` names the rule, or the neighbours, that propose it.

    `symptom`: all that speaks for it are consequences, which other causes have too.
    """

    code: str
    score: float
    reason: str
    evidence: tuple[EvidenceLine, ...] = ()
    symptom: bool = False


@dataclass(frozen=True, slots=True)
class RuleOpinion:
    """The rules' answer: `cause` is the best candidate or `unknown`; `margin` is its lead over the second, 0..1."""

    candidates: tuple[Candidate, ...]
    cause: str
    margin: float
    sure: bool


@dataclass(frozen=True, slots=True)
class MemoryOpinion:
    """What the most similar labelled records agree on."""

    cause: str
    evidence: tuple[EvidenceLine, ...]
    reasoning: str


@dataclass(frozen=True, slots=True)
class ModelOpinion:
    """The model's validated answer. `evidence` are the lines that it cited; `confidence` is its own word."""

    cause: str
    severity: Severity
    confidence: str
    reasoning: str
    evidence: tuple[EvidenceLine, ...]
    repaired: bool


@dataclass(frozen=True, slots=True)
class TriageTrace:
    """How a verdict came about. `seconds` by stage; `calls` are the model's answers, the unusable ones included.

    `shown` are the lines that a question shows; `signatures` how many troubled ones the window has, `disarmed` how many
    of its events spoke to a model.
    """

    rules: RuleOpinion
    memory: MemoryOpinion | None = None
    model: ModelOpinion | None = None
    model_error: str = ""
    neighbours: tuple[Neighbour, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    calls: tuple[Completion, ...] = ()
    prompt_version: str = ""
    shown: tuple[ShownLine, ...] = ()
    signatures: int = 0
    disarmed: int = 0

    @property
    def undecided(self) -> bool:
        """Whether neither rules nor labelled records are sure of a cause, so that a model is worth asking."""
        return not self.rules.sure and self.memory is None

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all prompts, as the server counted them."""
        return sum(call.prompt_tokens for call in self.calls)

    @property
    def completion_tokens(self) -> int:
        """Tokens of all answers, as the server counted them."""
        return sum(call.completion_tokens for call in self.calls)


@dataclass(frozen=True, slots=True)
class Triaged:
    """A verdict and how it came about."""

    verdict: Verdict
    trace: TriageTrace
