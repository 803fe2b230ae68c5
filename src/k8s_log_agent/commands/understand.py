"""`k8s-log-agent understand`: what a pile of logs says, by severity and signature."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from k8s_log_agent.records import Event, LogLine

_EXAMPLES = """
Examples:

  k8s-log-agent understand /var/log/pods

  kubectl logs deploy/web --timestamps | k8s-log-agent understand - --jsonl

  logcli query -o jsonl '{app="web"}' | k8s-log-agent understand - --jsonl-field line
"""


def add_to(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("understand", help=_understand.__doc__, epilog=_EXAMPLES)(_understand)


def _understand(
    path: Annotated[str, typer.Argument(metavar="FILE|DIR|-", help="A log file, a folder of logs, or standard input.")],
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON object for each event, as it is found.")
    ] = False,
    jsonl_field: Annotated[
        str | None, typer.Option("--jsonl-field", metavar="NAME", help="Input is JSON lines; read this field.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Show this many signatures.")] = 40,
    noise: Annotated[bool, typer.Option("--noise", help="Show noise as well; it is always counted.")] = False,
) -> None:
    """Show the statements in logs by severity and signature, secrets taken out."""
    from k8s_log_agent.ingest.source_error import SourceError  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.understand.pipeline import Understanding  # noqa: PLC0415 - as above

    dropped: Counter[str] = Counter()
    understanding = Understanding.default()
    try:
        events = understanding.events(_lines(path, dropped, jsonl_field))
        if jsonl:
            _print_objects(events)
        else:
            _print_view(events, dropped, understanding.counts, top=top, noise=noise)
    except SourceError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error
    if jsonl and (lost := dropped + understanding.counts):
        typer.echo(
            "Counted on the way: " + ", ".join(f"{name} {count}" for name, count in sorted(lost.items())), err=True
        )


def _lines(path: str, dropped: Counter[str], jsonl_field: str | None) -> Iterator[LogLine]:
    from k8s_log_agent.ingest.files import read_path, read_stream  # noqa: PLC0415 - as above

    if path == "-":
        return read_stream(sys.stdin.buffer, dropped, "-", jsonl_field)
    return read_path(Path(path), dropped, jsonl_field)


def _print_objects(events: Iterator[Event]) -> None:
    from k8s_log_agent.understand.event_json import event_json  # noqa: PLC0415 - as above

    write = sys.stdout.buffer.write
    flush = sys.stdout.buffer.flush if sys.stdout.isatty() or not sys.stdin.isatty() else None
    for event in events:
        write(event_json(event))
        if flush:
            flush()
    sys.stdout.buffer.flush()


def _print_view(events: Iterator[Event], dropped: Counter[str], counts: Counter[str], *, top: int, noise: bool) -> None:
    from rich.console import Console  # noqa: PLC0415 - as above

    from k8s_log_agent.understand.overview import Overview  # noqa: PLC0415 - as above

    overview = Overview()
    for event in events:
        overview.add(event)
    console = Console()
    for part in overview.render(dropped + counts, top=top, noise=noise, width=console.width):
        console.print(part)
