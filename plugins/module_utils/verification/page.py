"""The rows as a page that needs nothing from outside, and as JSON."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence

from .rows import Row, counts

_WORDS = {"passed": "as expected", "failed": "not as expected", "off": "switched off", "told": "measured"}
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}
th,td{border-bottom:1px solid #d5d9de;padding:.4rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
code{font-size:.85em;color:#4a5058}
.passed b{color:#0a6b2e}.failed b{color:#b00020}.off b,.told b{color:#4a5058}
@media(prefers-color-scheme:dark){body{background:#14171a;color:#e4e7ea}th,td{border-color:#3a4046}code{color:#a8b0b8}
.passed b{color:#5ecb85}.failed b{color:#ff7a85}.off b,.told b{color:#a8b0b8}}
"""


def as_json(site: str, measured_at: str, rows: Sequence[Row]) -> str:
    """The rows with their counts, for machines; `measured_at` is ISO 8601."""
    content = {
        "schema_version": 1,
        "site": site,
        "measured_at": measured_at,
        "counts": counts(rows),
        "rows": [row.as_dict() for row in rows],
    }
    return json.dumps(content, indent=2) + "\n"


def as_html(site: str, measured_at: str, rows: Sequence[Row]) -> str:
    """One table a section, in the order of the rows."""
    told = ", ".join(f"{number} {_WORDS[verdict]}" for verdict, number in counts(rows).items() if number)
    sections = list(dict.fromkeys(row.section for row in rows))
    tables = "".join(_table(name, [row for row in rows if row.section == name]) for name in sections)
    title = f"Verification of {html.escape(site)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><h1>{title}</h1>'
        f"<p>{html.escape(measured_at)}: {told}.</p>{tables}</body></html>\n"
    )


def _table(name: str, rows: Sequence[Row]) -> str:
    head = "<tr><th>what</th><th>expected</th><th>measured</th><th>verdict</th></tr>"
    body = "".join(
        f'<tr class="{row.verdict}"><td>{_text(row.name)}<br><code>{_text(row.command)}</code></td>'
        f"<td>{_text(row.expected)}</td><td>{_text(row.measured)}</td>"
        f"<td><b>{_WORDS[row.verdict]}</b>{'<br>' + _text(row.next_step) if row.next_step else ''}</td></tr>"
        for row in rows
    )
    return f"<h2>{_text(name)}</h2><table>{head}{body}</table>"


def _text(text: str) -> str:
    return html.escape(text)
