"""`k8s-log-agent keys`: makes, lists and revokes the API keys of the service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from datetime import datetime, timedelta

VARIABLE = "K8S_LOG_AGENT_KEYS_FILE"
EXAMPLES = """
Examples:

  k8s-log-agent keys create --name grafana --scope read --file keys.json

  k8s-log-agent keys create --name alertmanager --scope analyze --expires 365d

  k8s-log-agent keys revoke 1f0c9a7be2d4
"""
KeysFile = Annotated[Path | None, typer.Option("--file", help=f"The file of keys; {VARIABLE} by default.")]


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    keys = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Make, list and revoke API keys of the service.",
        epilog=EXAMPLES,
    )
    keys.command("create")(create)
    keys.command("list")(show)
    keys.command("revoke")(revoke)
    app.add_typer(keys, name="keys")


def create(
    name: Annotated[str, typer.Option(help="Who will use it, such as grafana.")],
    scope: Annotated[list[str], typer.Option(help="read, analyze or admin; may be given several times.")],
    file: KeysFile = None,
    expires: Annotated[str, typer.Option(help="How long it holds, such as 90d; for ever by default.")] = "",
) -> None:
    """Make a key and print it, this once. The file keeps only its hash; the running service takes it up by itself."""
    from datetime import UTC, datetime  # noqa: PLC0415 - a verb loads only what it needs

    from k8s_log_agent.service.security.key_file import create_key  # noqa: PLC0415 - as above
    from k8s_log_agent.service.security.principals import scope_of  # noqa: PLC0415 - as above

    path, now = _file(file), datetime.now(UTC)
    try:
        until = now + _span(expires) if expires else None
        kept, key = create_key(path, name, [scope_of(one) for one in scope], now, until)
    except ValueError as error:
        _fail(error)
    typer.echo(f"Made the key {kept.id} for {kept.name} in {path}. It is shown this once, so keep it now:", err=True)
    typer.echo(key)


def show(file: KeysFile = None) -> None:
    """List the keys: who has them, what they may do, and until when."""
    from k8s_log_agent.service.security.key_file import read_keys  # noqa: PLC0415 - a verb loads only what it needs

    try:
        keys = read_keys(_file(file))
    except ValueError as error:
        _fail(error)
    for key in sorted(keys, key=lambda one: one.created_at):
        until = f"holds until {_day(key.expires_at)}" if key.expires_at else "holds for ever"
        scopes = ",".join(sorted(key.scopes))
        typer.echo(f"{key.id}  {key.name:<24} {scopes:<14} made {_day(key.created_at)}  {until}")
    typer.echo(f"{len(keys)} keys", err=True)


def revoke(key: Annotated[str, typer.Argument(help="Its id, as `list` shows it.")], file: KeysFile = None) -> None:
    """Revoke a key; the running service refuses it from its next request on."""
    from k8s_log_agent.service.security.key_file import revoke_key  # noqa: PLC0415 - a verb loads only what it needs

    try:
        gone = revoke_key(_file(file), key)
    except ValueError as error:
        _fail(error)
    typer.echo(f"Revoked the key {gone.id} of {gone.name}.", err=True)


def _file(given: Path | None) -> Path:
    if given:
        return given
    if named := os.environ.get(VARIABLE):
        return Path(named)
    typer.echo(f"Which file of keys? Name it with --file or by the variable {VARIABLE}.", err=True)
    raise typer.Exit(2)


def _span(written: str) -> timedelta:
    from datetime import timedelta  # noqa: PLC0415 - a verb loads only what it needs

    from k8s_log_agent.triage.time_spans import span_seconds  # noqa: PLC0415 - as above

    return timedelta(seconds=span_seconds(written))


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _fail(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(1) from error
