"""The fifteen questions that extraction asks a Loki, read from `log_filters.yaml`."""

from __future__ import annotations

from importlib.resources import files

import yaml

from k8s_log_agent.ingest.loki_selector import FilterOp, LineFilter, LogQuery, Matcher, MatchOp, Selector, TypedQuery
from k8s_log_agent.records import Record

EVERYTHING = Selector((Matcher("job", MatchOp.MATCH, ".+"),))


class LogFilter(Record):
    """One question: lines in which the RE2 `expression` is found, and why they are asked for."""

    name: str
    reason: str
    expression: str
    hits: tuple[str, ...]
    misses: tuple[str, ...]

    def query(self, selector: LogQuery) -> LogQuery:
        """The question to the streams of `selector`."""
        return selector.narrowed(LineFilter(FilterOp.MATCH, self.expression))


def load_filters() -> tuple[LogFilter, ...]:
    """Return the filters in the order of the file."""
    text = files("k8s_log_agent.dataset").joinpath("log_filters.yaml").read_text(encoding="utf-8")
    return tuple(LogFilter.model_validate(entry) for entry in yaml.safe_load(text))


def selector_of(typed: str) -> LogQuery:
    """Return the streams that somebody typed as LogQL, or all of them; raises `SelectorError`."""
    return TypedQuery(typed) if typed else EVERYTHING
