"""The command `k8s-log-agent`: a table of its verbs."""

from __future__ import annotations

import importlib
import sys

import typer

from k8s_log_agent import __version__

VERBS = (
    "understand",
    "dataset",
    "label",
    "index",
    "triage",
    "summarize",
    "evaluate",
    "report",
    "drift",
    "serve",
    "keys",
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"k8s-log-agent {__version__}")
        raise typer.Exit


def application() -> typer.Typer:
    """Build the application with every verb that this installation has."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

    @app.callback()
    def options(
        version: bool = typer.Option(
            False, "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ) -> None:
        """Understand logs: severity, signatures, causes, triage with a small local model."""

    for verb in VERBS:
        importlib.import_module(f"k8s_log_agent.commands.{verb}").add_to(app)
    return app


def main() -> None:
    """Run the command line."""
    try:
        application()()
    except BrokenPipeError:
        sys.exit(141)


if __name__ == "__main__":
    main()
