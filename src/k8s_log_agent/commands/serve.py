"""`k8s-log-agent serve`: the log analyzer as a service; and `rebuild-projections`, for Loki and Chroma to catch up."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from k8s_log_agent.service.settings import Settings

EXAMPLES = """
Examples:

  k8s-log-agent serve --database-url sqlite:////var/lib/log-analyzer/log-analyzer.db

  k8s-log-agent serve --loki-url http://127.0.0.1:3100 --model-url http://127.0.0.1:18080

Each option can be a variable K8S_LOG_AGENT_<NAME> instead; docs/service.md lists the settings that have no option.
"""
DatabaseUrl = Annotated[str | None, typer.Option(help="sqlite:///FILE, or postgresql+psycopg://USER@HOST/NAME.")]
LokiUrl = Annotated[str | None, typer.Option(help="Loki to read lines from and to push verdicts to.")]
ChromaUrl = Annotated[str | None, typer.Option(help="Chroma with labelled records and past incidents.")]
EmbeddingUrl = Annotated[str | None, typer.Option(help="Server of embeddings; a small model in this process without.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("serve", epilog=EXAMPLES)(serve)
    app.command("rebuild-projections")(rebuild_projections)


def serve(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    database_url: DatabaseUrl = None,
    listen_host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")] = None,
    listen_port: Annotated[int | None, typer.Option(help="Port to listen on; 8000 by default.")] = None,
    root_path: Annotated[str | None, typer.Option(help="Path below which a gateway shows it, as /analyzer.")] = None,
    model_url: Annotated[str | None, typer.Option(help="Model server; without one the rules decide alone.")] = None,
    model: Annotated[str | None, typer.Option(help="Name of the model.")] = None,
    chroma_url: ChromaUrl = None,
    embedding_url: EmbeddingUrl = None,
    loki_url: LokiUrl = None,
    grafana_url: Annotated[str | None, typer.Option(help="Grafana that the pages link to.")] = None,
    keys_file: Annotated[Path | None, typer.Option(help="File of API keys, as `keys create` writes it.")] = None,
    evaluation_path: Annotated[Path | None, typer.Option(help="evaluation.json for the page of figures.")] = None,
    drift_path: Annotated[Path | None, typer.Option(help="JSON of `drift` for the page of drift.")] = None,
    workers: Annotated[int | None, typer.Option(help="Jobs that are done at once; 2 by default.")] = None,
) -> None:
    """Serve the API, the page, and the receiver of alerts, until it is stopped (Ctrl-C or SIGTERM).

    What was accepted is kept in the database: after a stop or a fall it goes on where it was.
    """
    settings = _settings(
        database_url=database_url,
        listen_host=listen_host,
        listen_port=listen_port,
        root_path=root_path,
        model_url=model_url,
        model=model,
        chroma_url=chroma_url,
        embedding_url=embedding_url,
        loki_url=loki_url,
        grafana_url=grafana_url,
        keys_file=keys_file,
        evaluation_path=evaluation_path,
        drift_path=drift_path,
        workers=workers,
    )
    try:
        from k8s_log_agent.service.server import run  # noqa: PLC0415 - a verb loads only what it needs
    except ImportError as error:
        typer.echo(f"serve: {error}. Install `k8s-log-agent[service]`.", err=True)
        raise typer.Exit(1) from error
    try:
        run(settings, lambda address: typer.echo(f"The log analyzer answers at {address}"))
    except (RuntimeError, ValueError, OSError) as error:
        typer.echo(f"serve: {error}", err=True)
        raise typer.Exit(1) from error


def rebuild_projections(
    database_url: DatabaseUrl = None,
    loki_url: LokiUrl = None,
    chroma_url: ChromaUrl = None,
    embedding_url: EmbeddingUrl = None,
) -> None:
    """Tell Loki and Chroma of every incident again, for when one of them lost its data. Harmless to repeat.

    One process at a time uses a SQLite file: while the service runs, send `POST /api/v1/projections` to it instead.
    """
    settings = _settings(
        database_url=database_url, loki_url=loki_url, chroma_url=chroma_url, embedding_url=embedding_url
    )
    if not (settings.loki_url or settings.chroma_url):
        typer.echo("rebuild-projections: there is none. Name one with --loki-url or --chroma-url.", err=True)
        raise typer.Exit(2)
    from k8s_log_agent.service.running import open_storage  # noqa: PLC0415 - a verb loads only what it needs

    refused: Counter[str] = Counter()
    try:
        with open_storage(settings) as storage:
            count = storage.incidents.tell_anew(_progress("incidents read"))
            delivering = storage.delivering(lambda target, lost: refused.update({target: lost}))
            delivered = delivering.deliver_all(_progress("messages delivered"))
    except (RuntimeError, ValueError, OSError) as error:
        typer.echo(f"rebuild-projections: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{count} incidents: {delivered} messages delivered.")
    for target, lost in refused.items():
        typer.echo(f"{target} refused {lost} of them for good, as too old or too long.", err=True)


def _progress(what: str) -> Callable[[int], None]:
    """Tells a terminal how far the work is; tells a pipe nothing."""
    shown = sys.stderr.isatty()
    return lambda done: typer.echo(f"  {done} {what}", err=True) if shown else None


def _settings(**given: object) -> Settings:
    from k8s_log_agent.service.settings import Settings, SettingsError  # noqa: PLC0415 - as above

    try:
        return Settings.read(os.environ, **given)
    except SettingsError as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(2) from error
