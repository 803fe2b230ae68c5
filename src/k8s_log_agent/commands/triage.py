"""`k8s-log-agent triage`: what went wrong in some logs, the worst first, with the lines that show it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from k8s_log_agent.commands.log_lines import LineSource
from k8s_log_agent.ingest.dropped import dropped_words

if TYPE_CHECKING:
    from rich.console import Console

    from k8s_log_agent.retrieval.retriever import Retriever
    from k8s_log_agent.triage.asking import Panel
    from k8s_log_agent.triage.incidents import Findings, Incident

EXAMPLES = """
Examples:

  k8s-log-agent triage /var/log/pods --since 1h

  k8s-log-agent triage --loki http://localhost:3100 --selector '{namespace="shop"}' --since 1h --json
"""


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("triage", epilog=EXAMPLES)(triage)


def triage(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    path: Annotated[
        Path | None, typer.Argument(metavar="FILE|DIR", help="A log file or a folder of logs, of any common format.")
    ] = None,
    loki: Annotated[
        str, typer.Option(help="Address of a Loki to read from instead, such as http://localhost:3100.")
    ] = "",
    selector: Annotated[
        str, typer.Option(help='Streams of the Loki, such as {namespace="shop"}; all by default.')
    ] = "",
    since: Annotated[str, typer.Option(help="Only lines younger than this: 90s, 15m, 1h, 2d; 1h for a Loki.")] = "",
    tenant: Annotated[str | None, typer.Option(help="Tenant of the Loki.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File that holds a bearer token for the Loki.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of verdicts.")] = False,
    no_model: Annotated[bool, typer.Option("--no-model", help="Let the rules decide alone.")] = False,
    policy: Annotated[str, typer.Option(help="Who decides: rules, model, or rules_then_model.")] = "rules",
    model_url: Annotated[str, typer.Option(help="Address of the model server.")] = "http://127.0.0.1:18080",
    model: Annotated[str, typer.Option(help="Name of the model, where a server has several.")] = "",
    routes: Annotated[
        Path | None, typer.Option(help="File that names a small, base and large model; instead of one model.")
    ] = None,
    prompts: Annotated[Path | None, typer.Option(file_okay=False, help="Directory of prompts of your own.")] = None,
    chroma_url: Annotated[str, typer.Option(help="Address of Chroma; empty for none.")] = "http://127.0.0.1:18000",
    collection: Annotated[str, typer.Option(help="Collection of labelled records in Chroma.")] = "golden",
    embedding_url: Annotated[
        str, typer.Option(help="Address of the embedding server that the collection was made with, if any.")
    ] = "",
) -> None:
    """Find incidents in logs: cause, severity, component, evidence lines, and who decided.

    Lines of one namespace that are troubled at most five minutes apart are one incident. Without a model server the
    rules decide; without Chroma nothing is compared with labelled records.
    """
    from k8s_log_agent.ingest.source_error import SourceError  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.llm.prompt_templates import PromptError  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.incidents import find_incidents  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.opinions import Policy  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.pipeline import Triage, TriageOptions  # noqa: PLC0415 - as above
    from k8s_log_agent.understand.causes import CauseTable  # noqa: PLC0415 - as above
    from k8s_log_agent.understand.pipeline import Understanding  # noqa: PLC0415 - as above

    console = _console()
    dropped: Counter[str] = Counter()
    try:
        options = TriageOptions(Policy(policy))
        source = LineSource(path, loki, selector, since, tenant, token_file)
        with ExitStack() as stack:
            lines = source.lines(stack, dropped)
            panel = None if no_model else _model(stack, routes, model_url, model, prompts)
            judge = Triage(CauseTable.default(), _memory(chroma_url, collection, embedding_url), panel, options)
            findings = find_incidents(Understanding.default().events(lines), judge, _Progress(console))
    except (SourceError, PromptError, ValueError) as error:
        typer.echo(f"triage: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("triage: stopped.", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(json.dumps([incident.as_json() for incident in findings.incidents], indent=2, ensure_ascii=False))
        return
    _show(console, findings, dropped)


def _model(stack: ExitStack, routes: Path | None, url: str, name: str, prompts: Path | None) -> Panel | None:
    from k8s_log_agent.llm.answers import ModelError  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.llm.client import ClientOptions  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.servers import open_model, open_routes  # noqa: PLC0415 - as above

    if routes and name:
        raise ValueError("Name either a file of --routes or one --model: the routes name their own.")
    one = ClientOptions(model=name)
    panel: Panel
    if routes:
        panel = stack.enter_context(open_routes(routes, one, prompts=prompts))
    else:
        panel = stack.enter_context(open_model(url, one, prompts=prompts))
    try:
        panel.check()
    except ModelError as error:
        typer.echo(f"note: no model, so the rules decide alone: {error}", err=True)
        return None
    return panel


def _memory(url: str, collection: str, embedding_url: str) -> Retriever | None:
    from k8s_log_agent.retrieval.choosing import choose_embedder  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.retrieval.errors import RetrievalError  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.servers import open_retriever  # noqa: PLC0415 - as above

    if not url:
        return None
    retriever = open_retriever(url, collection, choose_embedder(embedding_url))
    try:
        retriever.check()
    except RetrievalError as error:
        typer.echo(f"note: no labelled records to compare with: {error}", err=True)
        return None
    return retriever


def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415 - a verb loads only what it needs

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


class _Progress:
    """Tells a terminal how far the judging is; tells a pipe nothing."""

    def __init__(self, console: Console) -> None:
        self._shown = console.is_terminal

    def __call__(self, done: int, total: int) -> None:
        if self._shown:
            typer.echo(f"\r  window {done} of {total}" + ("\n" if done == total else ""), nl=False, err=True)


def _show(console: Console, findings: Findings, dropped: Counter[str]) -> None:
    for place, incident in enumerate(findings.incidents, start=1):
        _show_incident(console, place, incident)
    if not findings.incidents:
        console.print("No failure was found.")
    if findings.quiet_windows:
        console.print(f"{findings.quiet_windows} more windows hold warnings only.", style="dim")
    if dropped:
        console.print(f"Skipped or altered while reading: {dropped_words(dropped)}.", style="dim")


def _show_incident(console: Console, place: int, incident: Incident) -> None:
    from rich.text import Text  # noqa: PLC0415 - a verb loads only what it needs

    verdict = incident.verdict
    colour = {"CRITICAL": "bold red", "ERROR": "red", "WARN": "yellow"}.get(verdict.severity.value, "cyan")
    where = " ".join(part for part in (verdict.component.kind, verdict.component.name) if part)
    head = Text.assemble(
        f"{place}. ",
        (verdict.severity.value, colour),
        " ",
        (verdict.cause, "bold"),
        f"  {where}",
        f"  {incident.scope}",
    )
    console.print(head)
    # Log text is printed as Text, never as markup, so that a line cannot style or link anything.
    console.print(Text(f"   {verdict.root_cause}"))
    span = f"{incident.start:%Y-%m-%d %H:%M:%S} to {incident.end:%H:%M:%S} UTC, " if incident.start else ""
    decided = f"{incident.events} events; decided by {verdict.decided_by} ({verdict.state.value})"
    console.print(Text(f"   {span}{decided}, confidence {verdict.confidence:.2f}", style="dim"))
    for line in verdict.evidence:
        console.print(Text.assemble("   ", (f"{line.source}:{line.line}", "cyan"), f"  {line.text}"))
    console.print(Text(f"   why: {verdict.reasoning}", style="dim"))
    for remedy in verdict.remedies:
        console.print(Text(f"   - {remedy}"))
    for note in verdict.notes:
        console.print(Text(f"   note: {note}", style="dim"))
    console.print()
