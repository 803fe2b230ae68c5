"""`k8s-log-agent report`: one page, and one summary for machines, of what a run has left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("report", epilog="Example: k8s-log-agent report --folder build/demo")(report)


def report(
    folder: Annotated[Path, typer.Option(exists=True, file_okay=False, help="The directory with a run's files.")],
) -> None:
    """Make report.html and summary.json in the directory that holds the results of a run."""
    from k8s_log_agent.dataset.store import DatasetError  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.evaluation.environment import read_machine, read_versions  # noqa: PLC0415 - as above
    from k8s_log_agent.evaluation.report_files import ReportError, report_artefacts  # noqa: PLC0415 - as above

    try:
        made = report_artefacts(folder, read_machine(), read_versions())
        changed = [artefact.path.name for artefact in made if artefact.write()]
    except (ReportError, DatasetError, OSError) as error:
        typer.echo(f"report: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{made[1].path}: {'written' if changed else 'already what it should be'}")
