"""The four runs: options in, files out. The command line, the scripts and the modules all call these."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
from pydantic import ValidationError

from k8s_log_agent import __version__
from k8s_log_agent.dataset import store
from k8s_log_agent.dataset.analysis import analyse
from k8s_log_agent.dataset.analysis_page import page
from k8s_log_agent.dataset.analysis_result import Analysis
from k8s_log_agent.dataset.card import data_card
from k8s_log_agent.dataset.combine import CombineOptions, combine
from k8s_log_agent.dataset.extract import Extraction, ExtractOptions
from k8s_log_agent.dataset.human_labels import applied, beside, read_labels
from k8s_log_agent.dataset.labelling import Labeller
from k8s_log_agent.dataset.sources import LogSource
from k8s_log_agent.dataset.store import Artefact, DatasetError
from k8s_log_agent.dataset.synthesize import SynthesisOptions, synthesize
from k8s_log_agent.dataset.templates import load_templates
from k8s_log_agent.records import GoldenDataset, Severity
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.pipeline import Understanding

Say = Callable[[str], None]
_NEAR_CODE = Path(__file__).with_name("log_templates.json")
_IN_CHECKOUT = Path(__file__).parents[3] / "scripts" / "log_templates.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The files that a run makes, the first of them the data itself, and what a reader is told of them."""

    artefacts: tuple[Artefact, ...]
    records: int
    counts: Mapping[str, Mapping[str, int]]
    shortfalls: Mapping[str, int] = field(default_factory=dict)
    drops: Mapping[str, int] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Of the first file."""
        return self.artefacts[0].sha256

    def changed(self) -> list[Path]:
        """The files that differ from what is on disk."""
        return [artefact.path for artefact in self.artefacts if artefact.differs()]

    def write(self) -> list[Path]:
        """Write the files that differ; returns them."""
        return [artefact.path for artefact in self.artefacts if artefact.write()]


def default_templates() -> Path:
    """The template file of the checkout, or the one that an installed package carries."""
    return _IN_CHECKOUT if _IN_CHECKOUT.is_file() else _NEAR_CODE


def extract_run(source: LogSource, out: Path, options: ExtractOptions, say: Say) -> Outcome:
    """Real records from a source, with what people said about them in labels beside `out`.

    Raises `DatasetError`, `SourceError`, `RecordingError`.
    """
    labels = read_labels(beside(out))
    extraction = Extraction(Understanding.default().events, Labeller(CauseTable.default()), options, say)
    return _outcome(applied(extraction.run(source), labels), out)


def synthesize_run(templates: Path, out: Path, options: SynthesisOptions, say: Say) -> Outcome:
    """Synthetic records from a template file. Raises `TemplateError`."""
    file = load_templates(templates)
    digest = hashlib.sha256(templates.read_bytes()).hexdigest()
    wanted = replace(options, inputs={"templates": digest})
    return _outcome(synthesize(file, wanted, Understanding.default().events, say), out)


def combine_run(real: Path | None, synthetic: Path | None, out: Path, options: CombineOptions, say: Say) -> Outcome:
    """One data set of two, with its card beside it; either may be None. Raises `DatasetError`."""
    given = {"real": real, "synthetic": synthetic}
    datasets = {name: store.read(path) if path else None for name, path in given.items()}
    inputs = {name: _sha256(path) for name, path in given.items() if path}
    found, made = (dataset.records if dataset else () for dataset in datasets.values())
    wanted = replace(options, inputs=inputs)
    combined = combine(found, made, wanted, say)
    return _outcome(combined, out, Artefact(card_beside(out), data_card(combined).encode()))


def analyse_run(dataset: Path, out: Path, target: Mapping[Severity, int]) -> Outcome:
    """The analysis as JSON, with the same as Markdown beside it. Raises `DatasetError`."""
    content = store.read(dataset)
    codes = CauseTable.default().codes
    inputs = {"dataset": _sha256(dataset), "options": analysis_fingerprint(target)}
    made = analyse(content, target, codes, inputs)
    result = Analysis.model_validate_json(_json(out, made).content)  # the page is made of what the file holds
    return Outcome(
        (_json(out, result), Artefact(out.with_suffix(".md"), page(result).encode())),
        records=result.records,
        counts={"severity": result.distribution.found, "category": result.categories, "split": result.splits},
        shortfalls=result.distribution.missing,
    )


def analysis_fingerprint(target: Mapping[Severity, int]) -> str:
    """Hash of what decides an analysis besides the data set."""
    words = repr((__version__, sorted((level.value, number) for level, number in target.items())))
    return hashlib.sha256((words + repr(CauseTable.default().codes)).encode()).hexdigest()[:16]


def card_beside(out: Path) -> Path:
    """Where the card of the data set file `out` lies."""
    return out.with_name(f"{out.stem}_card.md")


def combination_stands(out: Path, inputs: Mapping[str, str]) -> bool:
    """Whether `out` and its card are whole and were made of files with these hashes (and `options`).

    This is how a prediction is made while an input lies there altered and will be mended first.
    """
    try:
        content = out.read_bytes()
        dataset = store.parse(content, str(out))
        card = card_beside(out).read_bytes()
    except (OSError, DatasetError):
        return False
    manifest = dataset.manifest
    return (
        manifest.inputs == dict(inputs)
        and store.encode(dataset) == content
        and store.records_sha256(dataset.records) == manifest.records_sha256
        and store.count_records(dataset.records) == manifest.counts
        and data_card(dataset).encode() == card
    )


def analysis_stands(out: Path, inputs: Mapping[str, str]) -> bool:
    """Whether the analysis at `out` is whole and was made of a file with this hash (and `options`)."""
    try:
        content = out.read_bytes()
        result = Analysis.model_validate_json(content)
        text = out.with_suffix(".md").read_bytes()
    except (OSError, ValidationError):
        return False
    return result.inputs == dict(inputs) and _json(out, result).content == content and page(result).encode() == text


def counts_in(path: Path) -> dict[str, dict[str, int]] | None:
    """Return the counts that a data set file or an analysis states, or None when it cannot be read."""
    try:
        content = orjson.loads(path.read_bytes())
        if "manifest" in content:
            counts: dict[str, dict[str, int]] = content["manifest"]["counts"]
            return counts
        return {
            "severity": content["distribution"]["found"],
            "category": content["categories"],
            "split": content["splits"],
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _outcome(dataset: GoldenDataset, out: Path, *beside: Artefact) -> Outcome:
    manifest = dataset.manifest
    first = Artefact(out, store.encode(dataset))
    return Outcome((first, *beside), len(dataset.records), manifest.counts, manifest.shortfalls, manifest.drops)


def _json(out: Path, result: Analysis) -> Artefact:
    return Artefact(out, store.canonical(result.model_dump(mode="json")))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
