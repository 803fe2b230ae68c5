"""How incidents are found: by words in their text, by their fields, page after page."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, text

from k8s_log_agent.service.models import Incident, IncidentQuery
from k8s_log_agent.service.store import CursorError
from k8s_log_agent.service.tables import IncidentRow, microseconds_of, moment_of

MOST_WORDS = 12
LONGEST_INDEXED = 20_000  # characters of one incident's text
_WORD = re.compile(r"[^\W_]{1,64}")
_CURSOR = re.compile(r"(\d{1,19})\.(\d{1,19})")


def words_of(written: str) -> list[str]:
    """The words of a text as they are compared: letters and digits, in small letters, everything else between them."""
    return _WORD.findall(written.lower())


def searchable(incident: Incident) -> str:
    """The words by which an incident is found."""
    verdict = incident.verdict
    parts = [
        incident.title,
        incident.cause,
        incident.severity.value,
        incident.category.value,
        incident.namespace,
        incident.component,
        verdict.component.kind,
        *incident.alerts,
        verdict.root_cause,
        verdict.reasoning,
        *(line.text for line in verdict.evidence),
        *(line.text for line in incident.lines),
    ]
    return " ".join(words_of("\n".join(parts)[:LONGEST_INDEXED]))


def matching(query: IncidentQuery, *, sqlite: bool) -> list[ColumnElement[bool]]:
    """The conditions of a query, the cursor left out."""
    row = IncidentRow
    conditions: list[ColumnElement[bool]] = []
    if query.severities:
        conditions.append(row.severity.in_(sorted(query.severities)))
    if query.states:
        conditions.append(row.state.in_(sorted(query.states)))
    if query.cause:
        conditions.append(row.cause == query.cause)
    if query.namespace:
        conditions.append(row.namespace == query.namespace)
    if query.since:
        conditions.append(row.last_seen >= query.since)
    if query.until:
        conditions.append(row.last_seen < query.until)
    if query.text.strip():
        conditions.append(_with_words(words_of(query.text)[:MOST_WORDS], sqlite=sqlite))
    return conditions


def _with_words(words: Sequence[str], *, sqlite: bool) -> ColumnElement[bool]:
    """Incidents that have each word, or a longer one that begins with it; none for a text without words."""
    if not words:
        return IncidentRow.number == -1
    if sqlite:
        found = text("SELECT rowid FROM incident_text WHERE incident_text MATCH :words")
        asked = " ".join(f'"{word}"*' for word in words)
    else:
        found = text("SELECT rowid FROM incident_text WHERE found @@ to_tsquery('simple', :words)")
        asked = " & ".join(f"'{word}':*" for word in words)
    return IncidentRow.number.in_(found.bindparams(words=asked).columns(IncidentRow.number))


def after(cursor: str) -> ColumnElement[bool]:
    """What comes behind the last incident of a page; raises `CursorError`."""
    last_seen, number = _read_cursor(cursor)
    row = IncidentRow
    return and_(row.last_seen <= last_seen, or_(row.last_seen < last_seen, row.number < number))


def cursor_of(row: IncidentRow) -> str:
    """The place behind an incident, as text that fits into an address."""
    return base64.urlsafe_b64encode(f"{microseconds_of(row.last_seen)}.{row.number}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        plain = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
        found = _CURSOR.fullmatch(plain)
        if found and int(found[2]) < 2**63:
            return moment_of(int(found[1])), int(found[2])
    except (ValueError, OverflowError, binascii.Error):
        pass
    raise CursorError("The cursor is not one that a page of incidents gave. Begin without a cursor.")
