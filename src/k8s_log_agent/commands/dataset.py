"""`k8s-log-agent dataset`: extract, synthesize, combine, analyse, and the schemas and checks around them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from k8s_log_agent.dataset.runs import Outcome

TARGET = "INFO=37,WARN=38,ERROR=60,CRITICAL=15"
REAL, SYNTHETIC, COMBINED = "golden_dataset_real.json", "golden_dataset_synthetic.json", "golden_dataset.json"

Seed = Annotated[int, typer.Option(help="Decides every choice; the same seed gives the same bytes.")]
Out = Annotated[Path, typer.Option(help="The file to write.")]
Target = Annotated[str, typer.Option(help=f"Records of each severity, such as {TARGET}.")]


def add_to(app: typer.Typer) -> None:
    """Add the verb with its own verbs."""
    group = typer.Typer(no_args_is_help=True, help=__doc__)
    for command in (extract, synthesize, combine, analyse, schema):
        group.command()(command)
    group.command("lint-templates")(lint_templates)
    app.add_typer(group, name="dataset")


def run_script(command: Callable[..., None]) -> None:
    """Run one command as a program of its own, as the files in `scripts/` do."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    app()


def extract(  # noqa: PLR0913 - each is an option of the command
    *,
    source: Annotated[str, typer.Option(help="A folder or file of logs, or the address of a Loki.")] = (
        "http://localhost:3100"
    ),
    out: Out = Path(REAL),
    target: Target = "INFO=80,WARN=80,ERROR=120,CRITICAL=60",
    seed: Seed = 1,
    hours: Annotated[float, typer.Option(help="How far back a Loki is asked.", min=0.02)] = 1.0,
    selector: Annotated[
        str, typer.Option(help='Streams of the Loki, such as {namespace="shop"}; all by default.')
    ] = "",
    split: Annotated[
        list[str] | None, typer.Option(help="Recordings to use: training, held_out; both if left out.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Tenant of the Loki.")] = None,
    user: Annotated[str | None, typer.Option(help="User of the Loki, with --password-file.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File that holds the password.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File that holds a bearer token.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="PEM file of the authority of the Loki's certificate.")] = None,
) -> None:
    """Extract labelled records from real logs: 15 LogQL filters, noise dropped, deduplicated, stratified.

    Example: python scripts/extract_golden_dataset.py --source examples/recordings
    """
    from k8s_log_agent.dataset.extract import ExtractOptions  # noqa: PLC0415 - heavy, and only this verb needs it
    from k8s_log_agent.dataset.opening import SPLITS, SourceOptions, open_source  # noqa: PLC0415 - as above
    from k8s_log_agent.dataset.runs import extract_run  # noqa: PLC0415 - as above
    from k8s_log_agent.dataset.sampling import parse_target  # noqa: PLC0415 - as above

    with _told():
        wanted = tuple(name for name in SPLITS if name in (split or SPLITS))
        options = SourceOptions(source, wanted, hours, selector, tenant, user, password_file, token_file, ca_file)
        with open_source(options, time.time) as opened:
            outcome = extract_run(opened, out, ExtractOptions(parse_target(target), seed=seed), _say)
        _finish(outcome, f"python scripts/synthesize_logs.py --out {out.with_name(SYNTHETIC)}")


def synthesize(
    templates: Annotated[Path | None, typer.Option(help="Template file; the project's own if left out.")] = None,
    out: Out = Path(SYNTHETIC),
    target: Target = "INFO=64,WARN=72,ERROR=130,CRITICAL=64",
    seed: Seed = 1,
) -> None:
    """Make labelled records from templates of failure scenarios and of healthy look-alikes.

    Example: python scripts/synthesize_logs.py --seed 7
    """
    from k8s_log_agent.dataset.runs import default_templates, synthesize_run  # noqa: PLC0415 - heavy, and only here
    from k8s_log_agent.dataset.sampling import parse_target  # noqa: PLC0415 - as above
    from k8s_log_agent.dataset.synthesize import SynthesisOptions  # noqa: PLC0415 - as above

    with _told():
        options = SynthesisOptions(parse_target(target), seed)
        outcome = synthesize_run(templates or default_templates(), out, options, _say)
        _finish(outcome, f"python scripts/combine_datasets.py --synthetic {out} --real {out.with_name(REAL)}")


def combine(  # noqa: PLR0913 - each is an option of the command
    *,
    real: Annotated[Path, typer.Option(help="Real records.")] = Path(REAL),
    synthetic: Annotated[Path, typer.Option(help="Synthetic records.")] = Path(SYNTHETIC),
    out: Out = Path(COMBINED),
    target: Target = TARGET,
    synthetic_share: Annotated[
        float, typer.Option(help="Most of a severity that may be synthetic.", min=0, max=1)
    ] = 1.0,
    seed: Seed = 1,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when the target is not met.")] = False,
) -> None:
    """Combine real and synthetic records into a set of the wanted distribution, with its data card.

    Example: python scripts/combine_datasets.py --synthetic-share 0.5
    """
    from k8s_log_agent.dataset.combine import CombineOptions, shortage  # noqa: PLC0415 - heavy, and only here
    from k8s_log_agent.dataset.runs import combine_run  # noqa: PLC0415 - as above
    from k8s_log_agent.dataset.sampling import parse_target  # noqa: PLC0415 - as above

    with _told():
        options = CombineOptions(parse_target(target), synthetic_share, seed=seed)
        outcome = combine_run(real, synthetic, out, options, _say)
        _finish(outcome, f"python scripts/dataset_analysis.py --dataset {out}")
        short = shortage(outcome.shortfalls)
        if short:
            typer.echo(short)
            if strict:
                raise typer.Exit(1)


def analyse(
    dataset: Annotated[Path, typer.Option(help="The data set file.")] = Path(COMBINED),
    out: Out = Path("dataset_analysis.json"),
    target: Target = TARGET,
) -> None:
    """Analyse a data set: distribution against target, coverage, diversity, duplicates, labels, residue, previews.

    Example: python scripts/dataset_analysis.py --dataset golden_dataset.json
    """
    from k8s_log_agent.dataset.runs import analyse_run  # noqa: PLC0415 - heavy, and only here
    from k8s_log_agent.dataset.sampling import parse_target  # noqa: PLC0415 - as above

    with _told():
        outcome = analyse_run(dataset, out, parse_target(target))
        typer.echo(outcome.artefacts[1].content.decode())
        _finish(outcome, f"jq .distribution {out}")


def schema(
    templates: Annotated[bool, typer.Option("--templates", help="Of template files instead of data sets.")] = False,
) -> None:
    """Print the JSON Schema of data set files.

    Example: k8s-log-agent dataset schema > golden_dataset.schema.json
    """
    from k8s_log_agent.dataset.schemas import schema_text  # noqa: PLC0415 - heavy, and only this verb needs it

    typer.echo(schema_text(templates=templates), nl=False)


def lint_templates(
    path: Annotated[Path | None, typer.Argument(help="Template file; the project's own if left out.")] = None,
) -> None:
    """Check a template file: shape, fields, evidence, cause codes, and that every wording can be played.

    Example: k8s-log-agent dataset lint-templates scripts/log_templates.json
    """
    from k8s_log_agent.dataset.lint import lint_file  # noqa: PLC0415 - heavy, and only this verb needs it
    from k8s_log_agent.dataset.runs import default_templates  # noqa: PLC0415 - as above

    with _told():
        problems, summary = lint_file(path or default_templates())
        for problem in problems:
            typer.echo(problem)
        typer.echo(summary)
        if problems:
            raise typer.Exit(1)


def _say(text: str) -> None:
    typer.echo(text, err=True)


@contextmanager
def _told() -> Iterator[None]:
    """Errors in the user's words on standard error, one paragraph, and exit status 1."""
    from k8s_log_agent.dataset.errors import USER_ERRORS, told  # noqa: PLC0415 - heavy, and only needed when run

    try:
        yield
    except USER_ERRORS as error:
        typer.echo(f"error: {told(error)}", err=True)
        raise typer.Exit(1) from error


def _finish(outcome: Outcome, following: str) -> None:
    changed = outcome.write()
    for artefact in outcome.artefacts:
        typer.echo(f"{'wrote' if artefact.path in changed else 'unchanged'} {artefact.path}")
    counts = ", ".join(f"{number} {level}" for level, number in outcome.counts.get("severity", {}).items())
    typer.echo(f"{outcome.records} records: {counts or 'none'}")
    typer.echo(f"next: {following}")
