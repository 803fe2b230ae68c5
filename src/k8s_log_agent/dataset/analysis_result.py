"""The shape of `dataset_analysis.json`."""

from __future__ import annotations

from k8s_log_agent.dataset.distribution import Distance
from k8s_log_agent.records import Record


class Distribution(Record):
    """Records by severity: wanted, there, missing, and how far the shares are apart."""

    target: dict[str, int]
    found: dict[str, int]
    missing: dict[str, int]
    distance: Distance
    by_source: dict[str, dict[str, int]]


class Diversity(Record):
    """How many different values a field has, how evenly they are spread (0 to 1), and the ten most frequent."""

    different: int
    evenness: float
    most: dict[str, int]


class Completeness(Record):
    """How many of the records that should have a field have it."""

    of: int
    complete: int


class Repetition(Record):
    """Texts that occur again, exactly or nearly (shingles of masked words, Jaccard 0.8 and more)."""

    exact: int
    near_pairs: int
    near_pairs_across_splits: list[tuple[str, str, float]]
    largest_signature_group: int


class Conflict(Record):
    """One signature with several labels: `values` of the `field`, and the records that have them."""

    signature: str
    field: str
    values: tuple[str, ...]
    records: tuple[str, ...]


class Agreement(Record):
    """The severity by rules against the label; `confusion` is label, then rules."""

    records: int
    equal: int
    within_one: int
    confusion: dict[str, dict[str, int]]


class Spread(Record):
    """Estimated tokens of a record; `at_most` gives, by a number of tokens, the records with no more."""

    minimum: int
    median: float
    largest: int
    at_most: dict[str, int]


class RealAndSynthetic(Record):
    """How alike the two kinds are: shared share of masked words, and how well a classifier tells them apart."""

    real: int
    synthetic: int
    vocabulary_overlap: float | None
    classifier_auc: float | None
    note: str


class Preview(Record):
    """A record to look at."""

    id: str
    severity: str
    cause: str
    component: str
    source: str
    origin: str
    text: str
    evidence_lines: tuple[int, ...]


class Analysis(Record):
    """Everything that is measured of one data set."""

    schema_version: int = 1
    name: str
    records: int
    inputs: dict[str, str]
    distribution: Distribution
    categories: dict[str, int]
    categories_missing: list[str]
    causes: dict[str, int]
    causes_missing: list[str]
    scenarios: dict[str, int]
    diversity: dict[str, Diversity]
    completeness: dict[str, Completeness]
    repetition: Repetition
    splits: dict[str, int]
    leaks: list[str]
    label_sources: dict[str, int]
    label_conflicts: list[Conflict]
    severity_agreement: dict[str, Agreement]
    tokens: Spread
    redaction_residue: list[str]
    real_and_synthetic: RealAndSynthetic
    previews: list[Preview]
