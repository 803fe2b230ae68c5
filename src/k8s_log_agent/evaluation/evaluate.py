"""One evaluation from end to end: reads recordings and data set, judges, scores, and says what the files shall hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from k8s_log_agent import __version__
from k8s_log_agent.dataset.store import Artefact, canonical, read
from k8s_log_agent.evaluation.answer_cache import AnswerCache
from k8s_log_agent.evaluation.assembling import Learnt, evaluation_of, timings_of, triaged_of
from k8s_log_agent.evaluation.cases import golden_cases, recorded_cases
from k8s_log_agent.evaluation.judging import Judge, Memory, Pipelines, Reading
from k8s_log_agent.evaluation.little_evidence import little_evidence, without_statement
from k8s_log_agent.evaluation.made_with import ROOMS_OF_MODEL, ROOMS_OF_RULES, hash_of_rooms, key_of
from k8s_log_agent.evaluation.outcomes import Case, Truth
from k8s_log_agent.evaluation.results import EVALUATION, TIMINGS, TRIAGE_FILE, Evaluation
from k8s_log_agent.evaluation.running import Judged, Progress, Run, judge_all
from k8s_log_agent.evaluation.serving import labelled_memory, model_panel
from k8s_log_agent.ingest.recordings import find_recordings
from k8s_log_agent.llm.prompt_templates import Prompt
from k8s_log_agent.records import Category, GoldenDataset, GoldenRecord, Record, Severity
from k8s_log_agent.triage.opinions import Policy
from k8s_log_agent.triage.pipeline import Triage, TriageOptions
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.pipeline import Understanding
from k8s_log_agent.understand.redaction import Redactor

DEFAULT_SEED = 20261124


class EvaluationError(ValueError):
    """There is nothing to evaluate; the text says what is missing and what makes it."""


class EvaluationOptions(Record):
    """What decides the answers and the scores. `model_calls` bounds the cases that the model is asked about."""

    policy: Policy = Policy.RULES
    model_calls: Annotated[int, Field(ge=0)] | None = None
    seed: int = DEFAULT_SEED


class Servers(Record):
    """Where the model and the index are; an empty address does without. `slots` answers are asked for at once."""

    model_url: str = ""
    model: str = ""
    model_sha256: str = ""
    slots: Annotated[int, Field(ge=1)] = 2
    chroma_url: str = ""
    collection: str = "golden"


@dataclass(frozen=True, slots=True)
class Finished:
    """The results. `incomplete` cases were not answered by a server; `artefacts` is what decides about a change."""

    evaluation: Evaluation
    artefacts: tuple[Artefact, ...]
    timings: Artefact
    incomplete: int

    @property
    def statement(self) -> str:
        """What a run with unanswered cases says; empty when there were none."""
        if not self.incomplete:
            return ""
        cases = "1 case was" if self.incomplete == 1 else f"{self.incomplete} cases were"
        return (
            f"{cases} not answered by the model server or the index, so the verdicts there are those of the rules. All "
            "other answers are kept. Bring the servers up with `ansible-playbook site.yml -i inventory/local` and run "
            "again: only what is missing is asked."
        )


def evaluate(  # noqa: PLR0913 - inputs, servers, options, and two places
    recordings: Path | None,
    dataset: Path | None,
    servers: Servers,
    options: EvaluationOptions,
    *,
    cache: Path,
    out: Path,
    progress: Progress,
    ask: bool = True,
    clock: Callable[[], float] = time.perf_counter,
) -> Finished:
    """Judge and score. Nothing is written but the cache, and without `ask` not even that.

    Raises `EvaluationError`, `DatasetError`, `RecordingError`, and without `ask` `AnswersMissingError`.
    """
    table = CauseTable.default()
    golden = read(dataset) if dataset else None
    cases = list(_cases(recordings, golden, _categories(table)))
    if not cases:
        raise EvaluationError(
            "There is nothing to judge: no recording was found"
            + (f" below {recordings}" if recordings else "")
            + (f", and {dataset} has no test split" if dataset else "")
            + ". Name a directory with recordings (examples/recordings), or make a data set with "
            "`ansible-playbook playbooks/dataset.yml -i inventory/local`."
        )
    _check_causes(cases, table)
    trained = [record for record in golden.records if record.split == "train"] if golden else []
    made_with = _made_with(servers, options, golden)
    with ExitStack() as open_things, AnswerCache(cache) as answers:
        judge = _judge(table, trained, servers, options, open_things, clock)
        run = Run(
            rules_key=key_of(_without_model(made_with)),
            model_key=key_of({**made_with, "policy": _asking(options).value}),
            workers=servers.slots,
            model_calls=options.model_calls,
            ask=ask,
            model_decides=options.policy is not Policy.RULES,
        )
        judged = judge_all(cases, judge, answers, run, progress)
        robbed = judge_all(list(without_statement(cases)), judge, answers, replace(run, model_calls=0), progress)
    evaluation = evaluation_of(
        judged,
        _learnt(cases, trained),
        _categories(table),
        made_with=made_with,
        model=servers.model if servers.model_url else "",
        prompt_version=made_with.get("prompt", ""),
        seed=options.seed,
    ).model_copy(update={"little_evidence": little_evidence([(one.case, one.first) for one in robbed])})
    return _finished(evaluation, judged, out)


def _finished(evaluation: Evaluation, judged: Sequence[Judged], out: Path) -> Finished:
    redactor = Redactor()
    triaged = triaged_of(judged, lambda text: redactor.redact(text).text)
    return Finished(
        evaluation=evaluation,
        artefacts=(
            Artefact(out / TRIAGE_FILE, canonical(triaged.model_dump(mode="json"))),
            Artefact(out / EVALUATION, canonical(evaluation.model_dump(mode="json"))),
        ),
        timings=Artefact(out / TIMINGS, canonical(timings_of(judged).model_dump(mode="json"))),
        incomplete=sum(one.incomplete for one in judged),
    )


def _cases(
    recordings: Path | None, golden: GoldenDataset | None, categories: Callable[[str], Category]
) -> Iterator[Case]:
    if recordings:
        yield from recorded_cases(find_recordings(recordings), categories)
    if golden:
        yield from golden_cases(golden)


def _check_causes(cases: Sequence[Case], table: CauseTable) -> None:
    strange = {case.truth.cause: case.id for case in cases if case.truth.cause not in (*table.codes, "none", "unknown")}
    if strange:
        named = ", ".join(f"{cause} ({strange[cause]})" for cause in sorted(strange))
        raise EvaluationError(
            f"The truth of some cases is not in the table of causes: {named}. No answer could be right. Correct the "
            "manifest or the record, or add the cause to the table."
        )


def _categories(table: CauseTable) -> Callable[[str], Category]:
    known = {code: table.cause(code).category for code in table.codes}
    return lambda code: known.get(code, Category.UNKNOWN)


def _judge(  # noqa: PLR0913, PLR0917 - what a judge is made of
    table: CauseTable,
    trained: Sequence[GoldenRecord],
    servers: Servers,
    options: EvaluationOptions,
    open_things: ExitStack,
    clock: Callable[[], float],
) -> Judge:
    retriever = labelled_memory(trained, servers.chroma_url, servers.collection) if trained else None
    panel = None
    if servers.model_url and options.model_calls != 0:
        panel = open_things.enter_context(model_panel(servers.model_url, servers.model, servers.slots))
    policy = options.policy
    return Judge(
        Reading(Understanding.default, table, clock),
        Pipelines(
            without_model=Triage(table, retriever, None, TriageOptions(policy=policy), clock=clock),
            with_model=Triage(table, retriever, panel, TriageOptions(_asking(options), always_ask=True), clock=clock)
            if panel
            else None,
        ),
        Memory(retriever, {record.id: record for record in trained}) if retriever else None,
    )


def _asking(options: EvaluationOptions) -> Policy:
    """The policy of the pass with the model; where rules decide, what the model would do is scored all the same."""
    return Policy.RULES_THEN_MODEL if options.policy is Policy.RULES else options.policy


def _learnt(cases: Sequence[Case], trained: Sequence[GoldenRecord]) -> Learnt:
    records = [
        Truth(
            is_failure=record.truth.is_failure,
            cause=record.truth.cause,
            category=record.truth.category,
            severity=Severity(record.truth.severity),
            component=record.truth.component.kind,
        )
        for record in trained
    ]
    faults = [case.truth for case in cases if case.part == "training" and case.truth.is_failure]
    return Learnt(tuple(faults or [truth for truth in records if truth.is_failure]), tuple(records))


def _made_with(servers: Servers, options: EvaluationOptions, golden: GoldenDataset | None) -> dict[str, str]:
    made = {
        "package": __version__,
        "rules_code": hash_of_rooms(ROOMS_OF_RULES),
        "policy": options.policy.value,
        "records": golden.manifest.records_sha256 if golden else "",
        "index": servers.collection if servers.chroma_url else "memory",
    }
    if servers.model_url:
        made |= {
            "model": servers.model,
            "model_sha256": servers.model_sha256,
            "model_code": hash_of_rooms(ROOMS_OF_MODEL),
            "prompt": Prompt("triage").version,
        }
    return made


def _without_model(made_with: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in made_with.items() if not name.startswith(("model", "prompt"))}
