"""`k8s-log-agent label`: a person confirms or corrects, in the terminal, what a rule said about real records."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from k8s_log_agent.dataset.human_labels import HumanLabel
    from k8s_log_agent.records import GoldenRecord, GoldenTruth

EXAMPLE = "Example: k8s-log-agent label golden_dataset_real.json --author ada"
_KEYS = "Enter confirms · a cause code corrects · s skips · q stops"
_SEVERITIES = ("INFO", "WARN", "ERROR", "CRITICAL")


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("label", epilog=EXAMPLE)(label)


def label(
    dataset: Annotated[Path, typer.Argument(help="Data set file of real records.")] = Path("golden_dataset_real.json"),
    author: Annotated[str, typer.Option(help="Who labels; the user's name if left out.")] = "",
    causes: Annotated[bool, typer.Option("--causes", help="Print the cause codes and stop.")] = False,
) -> None:
    """Go through the records that only a rule has labelled, the gravest first; each answer is written at once.

    The answers lie in human_labels.json beside the data set, with author, time and reason; a new extraction into the
    same folder takes them over.
    """
    from k8s_log_agent.dataset import human_labels, store  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.dataset.store import Artefact, DatasetError  # noqa: PLC0415 - as above
    from k8s_log_agent.understand.causes import CauseTable  # noqa: PLC0415 - as above

    if causes:
        table = CauseTable.default()
        typer.echo("\n".join(f"{code:<32} {table.cause(code).summary}" for code in sorted(table.codes)))
        return
    try:
        content = store.read(dataset)
        place = human_labels.beside(dataset)
        said = human_labels.read_labels(place)
        todo = human_labels.waiting(content.records)
        done = 0
        for number, record in enumerate(todo, start=1):
            _show(record, number, len(todo))
            try:
                answer = _answer(record, author or _user())
            except typer.Abort:
                break
            if answer is None:
                continue
            said = said.with_label(answer)
            human_labels.labels_file(place, said).write()
            Artefact(dataset, store.encode(human_labels.applied(content, said))).write()
            done += 1
    except DatasetError as error:
        typer.echo(f"label: {error}", err=True)
        raise typer.Exit(1) from error
    left = len(todo) - done
    typer.echo(f"{done} labelled, {left} left. next: python scripts/combine_datasets.py --real {dataset}")


def _answer(record: GoldenRecord, author: str) -> HumanLabel | None:
    """A label, or None for a record that was skipped; raises `typer.Abort` when the person stops."""
    from k8s_log_agent.dataset.human_labels import corrected_truth  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.dataset.store import DatasetError  # noqa: PLC0415 - as above
    from k8s_log_agent.records import Severity  # noqa: PLC0415 - as above
    from k8s_log_agent.understand.causes import CauseTable  # noqa: PLC0415 - as above

    while True:
        typed = typer.prompt("cause", default="", show_default=False).strip()
        if typed in ("q", "quit"):
            raise typer.Abort
        if typed == "s":
            return None
        if not typed or typed == record.truth.cause:
            return _label(record, "confirmed", record.truth, author, "")
        try:
            truth = corrected_truth(record, typed, CauseTable.default())
        except DatasetError as error:
            typer.echo(str(error), err=True)
            continue
        severity = typer.prompt("severity", default=truth.severity.value).strip().upper()
        if severity not in _SEVERITIES:
            typer.echo(f"{severity} is none of {', '.join(_SEVERITIES)}; the record was not changed.", err=True)
            continue
        reason = typer.prompt("why", default="").strip()
        return _label(record, "corrected", truth.model_copy(update={"severity": Severity(severity)}), author, reason)


def _label(
    record: GoldenRecord, kind: Literal["confirmed", "corrected"], truth: GoldenTruth, author: str, reason: str
) -> HumanLabel:
    from k8s_log_agent.dataset.human_labels import HumanLabel, key_of  # noqa: PLC0415 - a verb loads only what it needs

    at = datetime.now(UTC).replace(microsecond=0)
    return HumanLabel(record=key_of(record.input), kind=kind, truth=truth, author=author, at=at, reason=reason)


def _show(record: GoldenRecord, number: int, total: int) -> None:
    from k8s_log_agent.llm.hostile_text import visible  # noqa: PLC0415 - a verb loads only what it needs

    shown, truth = record.input, record.truth
    lines = [
        f"\n{number} of {total}  {truth.severity.value}  {truth.cause}  {truth.cause_text}",
        f"  {shown.namespace}/{shown.pod}/{shown.container}, {shown.occurrence_count} times, {record.quality.note}",
        *(f"  . {line}" for line in shown.context_before),
        *(f"  > {line}" for line in shown.raw.splitlines()),
        *(f"  . {line}" for line in shown.context_after),
        _KEYS,
    ]
    typer.echo("\n".join(visible(line) for line in "\n".join(lines).split("\n")))


def _user() -> str:
    return os.environ.get("USER") or getpass.getuser()
