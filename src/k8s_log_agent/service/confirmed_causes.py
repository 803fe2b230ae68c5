"""What triage compares with: the labelled records, and past incidents whose cause a person vouches for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from k8s_log_agent.retrieval.errors import RetrievalError
from k8s_log_agent.retrieval.retriever import Neighbour, Retriever


class ConfirmedIncidents(Protocol):
    """Where judged incidents are found."""

    def confirmed(self, question: str, most: int) -> list[Neighbour]:
        """The nearest judged incidents; raises `RetrievalError`."""
        ...


class RecordsAndIncidents(Retriever):
    """A retriever of labelled records that knows judged incidents too."""

    def __init__(
        self, records: Retriever, incidents: ConfirmedIncidents, warn: Callable[[str], None] = lambda _why: None
    ) -> None:
        """`warn` is told why one of them could not be used."""
        self._records = records
        self._incidents = incidents
        self._warn = warn

    def check(self) -> None:
        """As `Retriever.check`, of the records."""
        self._records.check()

    def similar(self, text: str, k: int, exclude_groups: Collection[str] = ()) -> list[Neighbour]:
        """As `Retriever.similar`; raises `RetrievalError` only when neither can be asked."""
        found: list[Neighbour] = []
        failures: list[RetrievalError] = []
        try:
            found += self._records.similar(text, k, exclude_groups)
        except RetrievalError as error:
            failures.append(error)
        try:
            found += self._incidents.confirmed(text, k)
        except RetrievalError as error:
            failures.append(error)
        if len(failures) == 2:
            raise failures[0]
        for failure in failures:
            self._warn(str(failure))
        return sorted(found, key=lambda one: -one.score)[:k]
