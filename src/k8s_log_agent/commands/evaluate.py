"""`k8s-log-agent evaluate`: how good the verdicts are, beside what simpler means reach."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from k8s_log_agent.evaluation.evaluate import EvaluationOptions, Finished, Servers

MISSED = 3  # the exit status of a gate that is not passed
EXAMPLE = "Example: k8s-log-agent evaluate --recordings examples/recordings --dataset build/demo/golden_dataset.json"


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("evaluate", epilog=EXAMPLE)(evaluate)


def evaluate(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    recordings: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Directory of recordings with their truth.")
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Golden data set: its test split is judged.")
    ] = None,
    model_url: Annotated[str, typer.Option(help="Address of the model server; without one the rules decide.")] = "",
    model: Annotated[str, typer.Option(help="Name of the model.")] = "",
    model_sha256: Annotated[str, typer.Option(help="SHA-256 of the model file: another one is asked anew.")] = "",
    model_calls: Annotated[
        int, typer.Option(min=-1, help="Cases that the model may be asked about at most; -1 for all.")
    ] = -1,
    slots: Annotated[int, typer.Option(min=1, help="Questions that are asked at once.")] = 2,
    policy: Annotated[str, typer.Option(help="Who decides: rules, model, or rules_then_model.")] = "rules",
    chroma_url: Annotated[str, typer.Option(help="Address of Chroma; without one the index is in this process.")] = "",
    collection: Annotated[str, typer.Option(help="Collection of labelled records in Chroma.")] = "golden",
    out: Annotated[Path, typer.Option(help="Directory for triage.json and evaluation.json.")] = Path(),
    cache: Annotated[Path, typer.Option(help="File that keeps answers between runs.")] = Path("answers.jsonl"),
    gate: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Gate file: exit with 3 when a demand is missed.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--write-baseline", help="Keep this run as the baseline of later gates.")
    ] = None,
    matrix: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Settings to compare, as a YAML list.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print evaluation.json instead of a table.")] = False,
) -> None:
    """Judge recorded faults and golden records, and score the verdicts with intervals and baselines."""
    from k8s_log_agent.dataset.store import DatasetError  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.evaluation import evaluate as evaluation  # noqa: PLC0415 - as above
    from k8s_log_agent.evaluation.gating import Gated, apply_gate, write_baseline  # noqa: PLC0415 - as above
    from k8s_log_agent.ingest.recordings import RecordingError  # noqa: PLC0415 - as above

    try:
        options = evaluation.EvaluationOptions.model_validate(
            {"policy": policy, "model_calls": None if model_calls < 0 else model_calls}
        )
        servers = evaluation.Servers(
            model_url=model_url,
            model=model,
            model_sha256=model_sha256,
            slots=slots,
            chroma_url=chroma_url,
            collection=collection,
        )
        if matrix:
            _compare_settings(matrix, (recordings, dataset), servers, options, cache=cache, out=out)
            return
        done = evaluation.evaluate(recordings, dataset, servers, options, cache=cache, out=out, progress=_show_progress)
        for artefact in (*done.artefacts, done.timings):
            artefact.write()
        gated: Gated | None = None
        if gate:
            gated = apply_gate(gate, done, servers, out, _show_progress)
            gated.artefact.write()
        if baseline:
            write_baseline(baseline, done)
    except (ValueError, DatasetError, RecordingError, OSError) as error:
        typer.echo(f"evaluate: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo(f"evaluate: stopped. The answers so far are in {cache}; run again to go on.", err=True)
        raise typer.Exit(130) from None
    _show(done, as_json=as_json)
    if done.incomplete:
        typer.echo(f"evaluate: {done.statement}", err=True)
        raise typer.Exit(1)
    if gated and not gated.result.passed:
        typer.echo(f"evaluate: the gate {gate} is not passed.\n{gated.statement}", err=True)
        raise typer.Exit(MISSED)


def _compare_settings(  # noqa: PLR0913 - what an evaluation is made of
    matrix: Path,
    inputs: tuple[Path | None, Path | None],
    servers: Servers,
    options: EvaluationOptions,
    *,
    cache: Path,
    out: Path,
) -> None:
    from k8s_log_agent.evaluation.evaluate import evaluate  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.evaluation.matrix import (  # noqa: PLC0415 - as above
        Setting,
        matrix_artefact,
        matrix_table,
        read_matrix,
        run_matrix,
    )

    def one(setting: Setting, its_servers: Servers, its_options: EvaluationOptions) -> Finished:
        folder = out / setting.name
        typer.echo(f"{setting.name}:", err=True)
        done = evaluate(*inputs, its_servers, its_options, cache=cache, out=folder, progress=_show_progress)
        for artefact in (*done.artefacts, done.timings):
            artefact.write()
        if done.incomplete:
            typer.echo(f"evaluate: {setting.name}: {done.statement}", err=True)
        return done

    runs = run_matrix(read_matrix(matrix), servers, options, one)
    matrix_artefact(runs, out).write()
    typer.echo(matrix_table(runs))
    if any(run.done.incomplete for run in runs):
        raise typer.Exit(1)


def _show_progress(what: str, done: int, total: int) -> None:
    end = "\n" if done == total else ""
    typer.echo(f"\r  {what}: {done} of {total}{end}", nl=False, err=True)


def _show(done: Finished, *, as_json: bool) -> None:
    from k8s_log_agent.evaluation.score_table import score_table  # noqa: PLC0415 - a verb loads only what it needs

    if as_json:
        typer.echo(done.artefacts[1].content, nl=False)
        return
    typer.echo(score_table(done.evaluation))
    typer.echo(f"\nwritten: {', '.join(str(artefact.path) for artefact in done.artefacts)}")
    typer.echo(f"next: k8s-log-agent report --folder {done.artefacts[0].path.parent}")
