"""`k8s-log-agent summarize`: a window of logs as a short incident report, from one pod's hour to a cluster's night."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from k8s_log_agent.commands.log_lines import LineSource
from k8s_log_agent.ingest.dropped import dropped_words

if TYPE_CHECKING:
    from k8s_log_agent.records import LogLine
    from k8s_log_agent.triage.digest import Digest
    from k8s_log_agent.triage.summary import Summary

EXAMPLES = """
Examples:

  k8s-log-agent summarize /var/log/pods --since 12h

  k8s-log-agent summarize --loki http://localhost:3100 --selector '{namespace="shop"}' --since 1h --out report
"""
NAME = "incident_summary"
_SAID_EVERY = 20_000  # events


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("summarize", epilog=EXAMPLES)(summarize)


def summarize(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    path: Annotated[Path | None, typer.Argument(metavar="FILE|DIR", help="A log file or a folder of logs.")] = None,
    loki: Annotated[
        str, typer.Option(help="Address of a Loki to read from instead, such as http://localhost:3100.")
    ] = "",
    selector: Annotated[
        str, typer.Option(help='Streams of the Loki, such as {namespace="shop"}; all by default.')
    ] = "",
    since: Annotated[str, typer.Option(help="Only lines younger than this: 90s, 15m, 1h, 2d; 1h for a Loki.")] = "",
    tenant: Annotated[str | None, typer.Option(help="Tenant of the Loki.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File that holds a bearer token for the Loki.")] = None,
    model_url: Annotated[str, typer.Option(help="Address of a model server, for a sentence on each incident.")] = "",
    model: Annotated[str, typer.Option(help="Name of the model.")] = "",
    prompts: Annotated[Path | None, typer.Option(file_okay=False, help="Directory of prompts of your own.")] = None,
    cache: Annotated[Path | None, typer.Option(help="File that keeps the model's sentences between runs.")] = None,
    out: Annotated[Path | None, typer.Option(help=f"Folder for {NAME}.md and {NAME}.json.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of Markdown.")] = False,
) -> None:
    """Sum up logs: what went wrong, since when, where, the likely cause with its lines, and the next steps.

    Everything but a model's sentence, which is marked, is the rules' and the same in every run.
    """
    from k8s_log_agent.dataset.store import Artefact, canonical  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.ingest.source_error import SourceError  # noqa: PLC0415 - as above
    from k8s_log_agent.llm.prompt_templates import PromptError  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.opinions import Policy  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.pipeline import Triage, TriageOptions  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.summary import summarize as reduced  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.summary_text import markdown  # noqa: PLC0415 - as above
    from k8s_log_agent.understand.causes import CauseTable  # noqa: PLC0415 - as above

    dropped: Counter[str] = Counter()
    try:
        with ExitStack() as stack:
            source = LineSource(path, loki, selector, since, tenant, token_file)
            digest = _digest(source.lines(stack, dropped))
            judge = Triage(CauseTable.default(), options=TriageOptions(Policy.RULES))
            summary = reduced(digest, judge, _progress("window of trouble"))
            summary = summary.model_copy(update={"notes": (*summary.notes, *_reading_notes(dropped))})
            if model_url:
                summary = _with_sentences(stack, summary, model_url, model, prompts, cache)
            if out:
                Artefact(out / f"{NAME}.md", markdown(summary).encode()).write()
                Artefact(out / f"{NAME}.json", canonical(summary.model_dump(mode="json"))).write()
    except (SourceError, PromptError, ValueError, OSError) as error:
        typer.echo(f"summarize: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("summarize: stopped.", err=True)
        raise typer.Exit(130) from None
    shown = json.dumps(summary.model_dump(mode="json"), indent=2, ensure_ascii=False) if as_json else markdown(summary)
    typer.echo(shown, nl=as_json)


def _digest(lines: Iterator[LogLine]) -> Digest:
    from k8s_log_agent.triage.digest import Digest  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.understand.pipeline import Understanding  # noqa: PLC0415 - as above

    digest = Digest()
    said = _progress("event")
    for number, event in enumerate(Understanding.default().events(lines), start=1):
        digest.add(event)
        if number % _SAID_EVERY == 0:
            said(number, 0)
    return digest


def _with_sentences(  # noqa: PLR0913, PLR0917 - what a model is asked with
    stack: ExitStack, summary: Summary, url: str, name: str, prompts: Path | None, cache: Path | None
) -> Summary:
    from k8s_log_agent.llm.answers import ModelError  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.llm.client import ClientOptions  # noqa: PLC0415 - as above
    from k8s_log_agent.triage.sentences import SentenceCache, open_writer, with_sentences  # noqa: PLC0415 - as above

    writer = stack.enter_context(open_writer(url, ClientOptions(model=name), prompts=prompts))
    try:
        writer.check()
    except ModelError as error:
        typer.echo(f"note: no model, so no incident has a sentence of one: {error}", err=True)
        return summary
    kept = SentenceCache(cache)
    done = with_sentences(summary, writer, kept, _progress("sentence"))
    kept.save()
    return done


class _Progress:
    """Tells a terminal how far the work is; tells a pipe nothing."""

    def __init__(self, what: str, *, shown: bool) -> None:
        self._what = what
        self._shown = shown

    def __call__(self, done: int, total: int) -> None:
        if self._shown:
            of = f" of {total}" if total else ""
            typer.echo(f"\r  {self._what} {done}{of}" + ("\n" if done == total else ""), nl=False, err=True)


def _progress(what: str) -> _Progress:
    return _Progress(what, shown=sys.stderr.isatty())


def _reading_notes(dropped: Counter[str]) -> list[str]:
    if not dropped:
        return []
    return [f"skipped or altered while reading: {dropped_words(dropped)}"]
