"""`k8s-log-agent drift`: whether today's logs, or what triage makes of them, have moved away from a reference."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from k8s_log_agent.evaluation.drift_profile import DriftProfile

EXAMPLES = """
Examples:

  k8s-log-agent drift last-week.profile.json /var/log/pods --state drift.state.json --html drift.html

  k8s-log-agent drift /srv/logs/monday /srv/logs/tuesday --save monday.profile.json
"""
ALERTED = 3  # the exit status of an alert with --fail


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("drift", epilog=EXAMPLES)(drift)


def drift(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    reference: Annotated[Path, typer.Argument(help="Logs, or a profile of logs, to compare with.")],
    current: Annotated[Path, typer.Argument(help="Logs, or a profile of logs, of today.")],
    state: Annotated[
        Path | None,
        typer.Option(help="File that keeps for how long each figure has drifted; without it one is enough."),
    ] = None,
    windows: Annotated[int, typer.Option(min=1, help="Drifting comparisons in a row before an alert.")] = 3,
    alpha: Annotated[float, typer.Option(min=0.0001, max=0.5, help="Bound of the corrected p-value.")] = 0.01,
    correction: Annotated[str, typer.Option(help="Correction for many tests: holm or benjamini_hochberg.")] = "holm",
    least: Annotated[int, typer.Option(min=1, help="Statements that either side has to have.")] = 200,
    least_verdicts: Annotated[int, typer.Option(min=1, help="Windows of trouble that either side has to have.")] = 20,
    save: Annotated[Path | None, typer.Option(help="Keep the reference's profile here, to compare with again.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page for people here.")] = None,
    prometheus: Annotated[Path | None, typer.Option(help="Write metrics for Prometheus here, such as *.prom.")] = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit with 3 on an alert.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Compare two spans of logs: severity, categories, formats, lengths, new signatures, causes, confidence."""
    from k8s_log_agent.dataset.store import Artefact, canonical  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.evaluation import drift_pages as pages  # noqa: PLC0415 - as above
    from k8s_log_agent.evaluation.drift import DriftOptions, compare_profiles  # noqa: PLC0415 - as above
    from k8s_log_agent.ingest.source_error import SourceError  # noqa: PLC0415 - as above

    try:
        options = DriftOptions.model_validate(
            {
                "alpha": alpha,
                "correction": correction,
                "windows": windows if state else 1,
                "least_statements": least,
                "least_verdicts": least_verdicts,
            }
        )
        before = _profile(reference)
        report = compare_profiles(before, _profile(current), options, _lasted(state))
        wanted = {
            save: canonical(before.model_dump(mode="json")),
            state: canonical(report.lasted),
            html: pages.page(report).encode(),
            prometheus: pages.prometheus(report).encode(),
        }
        for path, content in wanted.items():
            if path:
                Artefact(path, content).write()
    except (SourceError, ValueError, OSError) as error:
        typer.echo(f"drift: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("drift: stopped.", err=True)
        raise typer.Exit(130) from None
    shown = report.model_dump(mode="json")
    typer.echo(json.dumps(shown, indent=2) if as_json else pages.table(report))
    if fail and report.alerts:
        raise typer.Exit(ALERTED)


def _profile(path: Path) -> DriftProfile:
    from k8s_log_agent.evaluation.drift_profile import is_profile, profile_of, read_profile  # noqa: PLC0415 - see above
    from k8s_log_agent.ingest.files import read_path  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.opinions import Policy  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.pipeline import Triage, TriageOptions  # noqa: PLC0415 - as above
    from k8s_log_agent.understand.causes import CauseTable  # noqa: PLC0415 - as above
    from k8s_log_agent.understand.pipeline import Understanding  # noqa: PLC0415 - as above
    from k8s_log_agent.understand.signature import SIGNATURE_VERSION  # noqa: PLC0415 - as above

    if is_profile(path):
        return read_profile(path)
    table = CauseTable.default()
    events = Understanding.default().events(read_path(path, Counter()))
    return profile_of(events, Triage(table, options=TriageOptions(Policy.RULES)), table, SIGNATURE_VERSION)


def _lasted(state: Path | None) -> dict[str, int]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - a verb loads only what it needs

    if state is None or not state.is_file():
        return {}
    try:
        return TypeAdapter(dict[str, int]).validate_json(state.read_bytes())
    except ValueError as error:
        raise ValueError(f"{state} does not hold the state of drift. Delete it to begin anew.") from error
