"""Past incidents like a text, found by their words in the database, for when no vector index is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy import select, text

from k8s_log_agent.records import Severity
from k8s_log_agent.retrieval.errors import RetrievalError
from k8s_log_agent.service.database import Database
from k8s_log_agent.service.models import SimilarIncident
from k8s_log_agent.service.search import words_of
from k8s_log_agent.service.tables import IncidentRow, LinesRow

MOST_ASKED = 24  # words of a question
_POOL = 40
_LEAST_SCORE = 0.2
_TELLING = re.compile(r"(?=.*[^\d]).{3,}")  # not a number, and longer than two letters
_SQLITE = "SELECT rowid FROM incident_text WHERE incident_text MATCH :words ORDER BY rank LIMIT :pool"
_POSTGRESQL = (
    "SELECT rowid FROM incident_text, to_tsquery('simple', :words) AS asked WHERE found @@ asked "
    "ORDER BY ts_rank(found, asked) DESC LIMIT :pool"
)


class IncidentIndex(Protocol):
    """A vector index of past incidents."""

    def nearest(self, question: str, most: int) -> list[tuple[str, float]]:
        """Ids with their cosine similarity, the nearest first; raises `RetrievalError`."""
        ...


class SimilarIncidents:
    """`PastIncidents` by vectors where there is an index that answers, else by words."""

    def __init__(
        self, database: Database, index: IncidentIndex | None, warn: Callable[[str], None] = lambda _why: None
    ) -> None:
        """`warn` is told why the index could not be used."""
        self._database = database
        self._index = index
        self._warn = warn

    def like(self, text: str, most: int, *, besides: str = "") -> tuple[SimilarIncident, ...]:
        """As `PastIncidents.like`; the score is the texts' cosine similarity, or the share of words in common."""
        scored = self._by_vector(text, most) if self._index else None
        found = self._rows(scored, besides) if scored is not None else self._by_words(text, besides)
        return tuple(sorted(found, key=lambda one: (-one.score, one.id))[:most])

    def _by_vector(self, question: str, most: int) -> dict[str, float] | None:
        try:
            return dict(self._index.nearest(question, most + 1)) if self._index else None
        except RetrievalError as error:
            self._warn(str(error))
            return None

    def _rows(self, scored: dict[str, float], besides: str) -> list[SimilarIncident]:
        wanted = select(IncidentRow).where(IncidentRow.id.in_(scored), IncidentRow.key != besides)
        with self._database.reading() as session:
            return [_similar(row, scored[row.id]) for row in session.scalars(wanted)]

    def _by_words(self, question: str, besides: str) -> list[SimilarIncident]:
        asked = list(dict.fromkeys(word for word in words_of(question) if _TELLING.fullmatch(word)))[:MOST_ASKED]
        if not asked:
            return []
        with self._database.reading() as session:
            found = text(_SQLITE if self._database.is_sqlite else _POSTGRESQL)
            numbers = list(session.scalars(found, {"words": self._any_of(asked), "pool": _POOL}))
            wanted = select(IncidentRow, LinesRow.lines).join(LinesRow, LinesRow.incident == IncidentRow.number)
            rows = session.execute(wanted.where(IncidentRow.number.in_(numbers), IncidentRow.key != besides)).all()
            scored = [_similar(row, _shared(asked, f"{row.verdict} {lines}")) for row, lines in rows]
        return [one for one in scored if one.score >= _LEAST_SCORE]

    def _any_of(self, words: Sequence[str]) -> str:
        quoted, joined = ('"', " OR ") if self._database.is_sqlite else ("'", " | ")
        return joined.join(f"{quoted}{word}{quoted}" for word in words)


def _shared(asked: Sequence[str], written: str) -> float:
    there = set(words_of(written))
    return round(sum(word in there for word in asked) / len(asked), 3)


def _similar(row: IncidentRow, score: float) -> SimilarIncident:
    return SimilarIncident(row.id, row.title, row.cause, Severity(row.severity), row.last_seen, round(score, 3))
