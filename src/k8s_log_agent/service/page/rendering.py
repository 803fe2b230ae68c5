"""From a template and its values to a page; every text is made visible and escaped on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from k8s_log_agent.evaluation.plots import number
from k8s_log_agent.evaluation.report_words import interval_text, percent
from k8s_log_agent.llm.hostile_text import visible
from k8s_log_agent.service.page.static_files import static_file
from k8s_log_agent.service.page.times import ago, clock_time, lasting, whole

EVENTS = "/api/v1/events"  # where the API announces what changed, as server-sent events


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses within the service, below the prefix under which it is reached."""

    base: str

    def __call__(self, path: str) -> str:
        """The address of a path that begins with a slash."""
        return self.base + path

    def incident(self, incident: str) -> str:
        """The page of an incident."""
        return f"{self.base}/incidents/{quote(incident, safe='')}"

    def static(self, name: str) -> str:
        """A file beside the pages, with its version; raises `KeyError` for one that is not there."""
        found = static_file(name)
        if found is None:
            raise KeyError(name)
        return f"{self.base}/static/{name}?v={found.version}"


@dataclass(frozen=True, slots=True)
class Renderer:
    """Makes pages for requests. `token` gives the word that a form has to bring back."""

    clock: Callable[[], datetime]
    token: Callable[[Request], str]

    def page(self, request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """The page as a response that nobody keeps: incidents change, and they are not for everybody."""
        text = rendered(template, links=links_of(request), now=self.clock(), token=self.token(request), **values)
        return HTMLResponse(text, status, headers={"Cache-Control": "no-store"})


def links_of(request: Request) -> Links:
    """Addresses as the one who asks sees them."""
    return Links(str(request.scope.get("root_path", "")).rstrip("/"))


def rendered(template: str, *, links: Links, now: datetime, **values: object) -> str:
    """The text of a page. All times are told relative to `now`, in UTC."""
    return (
        environment()
        .get_template(f"page/{template}")
        .render(links=links, now=now, events=links(EVENTS), section="", **values)
    )


@cache
def environment() -> Environment:
    """Templates of the pages under `page/`, the report's under `report/`."""
    made = Environment(
        loader=PrefixLoader(
            {
                "page": PackageLoader("k8s_log_agent.service.page"),
                "report": PackageLoader("k8s_log_agent.evaluation"),
            }
        ),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_seen,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        ago=ago,
        clock_time=clock_time,
        whole=whole,
        lasting=lasting,
        number=number,
        percent=percent,
        interval=interval_text,
        unbroken=unbroken,
        written=written,
    )
    return made


def written(text: str) -> Markup:
    """What a person typed, with its line ends: for the inside of a text field only."""
    return Markup("\n").join(Markup.escape(visible(line)) for line in text.splitlines())


def unbroken(text: str) -> Markup:
    """A sentence whose figures stay in one line with their sign."""
    return Markup.escape(visible(text)).replace(" %", "\u00a0%")


def _seen(value: object) -> object:
    """No text may turn the direction of a line, hide in it, or end it."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return value if value.isascii() and value.isprintable() else visible(value)
