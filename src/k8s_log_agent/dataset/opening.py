"""From what a person names to something that an extraction can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from k8s_log_agent.dataset.log_filters import load_filters, selector_of
from k8s_log_agent.dataset.sources import (
    FileSource,
    LogSource,
    LokiFilters,
    RecordedSource,
    is_recording,
    last_hours,
    unreachable,
)
from k8s_log_agent.dataset.store import DatasetError
from k8s_log_agent.ingest.loki_access import LokiAccess, http_client, secret_from_file
from k8s_log_agent.ingest.loki_client import LokiClient
from k8s_log_agent.ingest.loki_errors import LokiUnavailableError
from k8s_log_agent.ingest.recordings import Split

DEFAULT_SOURCE = "http://localhost:3100"
SPLITS: tuple[Split, ...] = ("training", "held_out")
_FIRST_ATTEMPTS = 3  # a Loki that was never there is not waited for


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """A folder, file or Loki address, and how to ask. The secrets are files; `hours` and `selector` are for a Loki."""

    source: str = DEFAULT_SOURCE
    splits: tuple[Split, ...] = SPLITS
    hours: float = 1.0
    selector: str = ""
    tenant: str | None = None
    user: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None


@contextmanager
def open_source(options: SourceOptions, now: Callable[[], float]) -> Iterator[LogSource]:
    """Open what `options` name; `now` is the wall clock in seconds. Raises `DatasetError`, `SourceError`."""
    if options.source.startswith(("http://", "https://")):
        with _loki(options, now) as source:
            yield source
        return
    path = Path(options.source)
    if not path.exists():
        raise DatasetError(
            f"{path} does not exist. Name a folder or file of logs, or the address of a Loki such as {DEFAULT_SOURCE}."
        )
    yield RecordedSource(path, options.splits) if path.is_dir() and is_recording(path) else FileSource(path)


@contextmanager
def _loki(options: SourceOptions, now: Callable[[], float]) -> Iterator[LogSource]:
    access = LokiAccess(
        url=options.source,
        tenant=options.tenant,
        user=options.user,
        password=secret_from_file(options.password_file) if options.password_file else None,
        token=secret_from_file(options.token_file) if options.token_file else None,
        ca_file=options.ca_file,
    )
    start, end = last_hours(options.hours, now())
    selector = selector_of(options.selector)
    with http_client(access) as http:
        try:
            LokiClient(http, attempts=_FIRST_ATTEMPTS).lines(selector.logql, start, end, 1)
        except LokiUnavailableError as error:
            raise unreachable(error) from error
        yield LokiFilters(LokiClient(http), selector, load_filters(), start, end)
