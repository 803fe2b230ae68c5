"""Renders the report: one HTML file that needs nothing but itself."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from k8s_log_agent.evaluation.plots import number
from k8s_log_agent.evaluation.report_view import View
from k8s_log_agent.evaluation.report_words import interval_text, percent


def render(page: View) -> str:
    """The page as HTML. All text from logs, models and data sets is escaped."""
    environment = Environment(
        loader=PackageLoader("k8s_log_agent.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=number, percent=percent, interval=interval_text, unbroken=_unbroken)
    return environment.get_template("report.html.j2").render(page=page)


def _unbroken(text: str) -> str:
    """A sentence whose figures stay in one line with their sign."""
    return text.replace(" %", "\u00a0%")
