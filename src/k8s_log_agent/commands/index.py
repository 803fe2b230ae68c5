"""`k8s-log-agent index`: the labelled records of a data set, in Chroma, where triage finds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: k8s-log-agent index build/demo/golden_dataset.json"


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("index", epilog=EXAMPLE)(index)


def index(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    dataset: Annotated[Path, typer.Argument(help="Golden data set whose records are indexed.")],
    chroma_url: Annotated[str, typer.Option(help="Address of Chroma.")] = "http://127.0.0.1:18000",
    collection: Annotated[str, typer.Option(help="Base name of the collection.")] = "golden",
    embedding_url: Annotated[
        str, typer.Option(help="Address of an embedding server with BGE-small; empty for MiniLM in this process.")
    ] = "",
    split: Annotated[list[str] | None, typer.Option(help="Only records of this split; may be given twice.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Say what would change, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Bring a collection to exactly the records of a data set; only what differs is embedded."""
    from k8s_log_agent.dataset.store import DatasetError  # noqa: PLC0415 - a verb loads only what it needs
    from k8s_log_agent.retrieval.choosing import choose_embedder  # noqa: PLC0415 - as above
    from k8s_log_agent.retrieval.collection import bring_collection  # noqa: PLC0415 - as above
    from k8s_log_agent.retrieval.errors import RetrievalError  # noqa: PLC0415 - as above

    try:
        done = bring_collection(
            dataset,
            chroma_url,
            collection,
            embedder=choose_embedder(embedding_url),
            splits=split or (),
            check=check,
            progress=_progress,
        )
    except (DatasetError, RetrievalError) as error:
        typer.echo(f"index: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("index: stopped. The collection is as it was; run again to go on.", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(json.dumps(done.as_json(), indent=2))
        return
    verb = "would be" if check else "are"
    counts = f"{len(done.plan.added)} added, {len(done.plan.updated)} updated, {len(done.plan.removed)} removed"
    typer.echo(f"{done.plan.target}: {counts}, {done.plan.kept} {verb} as before")


def _progress(done: int, total: int) -> None:
    typer.echo(f"\r  {done} of {total} records" + ("\n" if done == total else ""), nl=False, err=True)
