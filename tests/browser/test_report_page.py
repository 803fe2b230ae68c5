"""The report in a real browser, at desktop and phone width, light and dark."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from k8s_log_agent.evaluation.report import render
from k8s_log_agent.evaluation.report_view import view
from tests.unit.evaluation import made_up

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
DESKTOP, PHONE = 1280, 390

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH: apt-get install chromium"),
]

CONTRASTS = Path(__file__).with_name("contrasts.js").read_text(encoding="utf-8")


@dataclass
class Opened:
    """The page in one window, with what it asked for and what it complained of."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    evaluation, triaged = made_up.results(hostile=True)
    path = tmp_path_factory.mktemp("report") / "report.html"
    page = view(made_up.summary(evaluation), evaluation, triaged, made_up.timings())
    path.write_text(render(page), encoding="utf-8")
    return path


@pytest.fixture(params=[(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")], ids=str)
def opened(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Opened]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    made = Opened(context.new_page())
    made.page.on("request", lambda asked: made.asked.append(asked.url))
    made.page.on("console", lambda message: made.complaints.append(message.text))
    made.page.on("dialog", lambda dialog: made.complaints.append(dialog.message))
    made.page.goto(report.as_uri())
    yield made
    context.close()


@pytest.fixture
def page(opened: Opened) -> Page:
    return opened.page


def test_nothing_but_the_page_itself_is_asked_for(opened: Opened, report: Path) -> None:
    assert opened.asked == [report.as_uri()]
    assert opened.complaints == []


def test_nothing_is_wider_than_the_window(page: Page) -> None:
    width, window = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")

    assert width == window


def test_every_text_can_be_told_from_its_background(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    contrasts = page.evaluate(CONTRASTS)

    assert len(contrasts) > 300
    assert [one for one in contrasts if one[1] < 4.5] == []


def test_headings_plots_and_evidence_are_seen(page: Page) -> None:
    for heading in ("Scores, and what they are worth", "5 triaged incidents", "Throughput of the model"):
        assert page.get_by_role("heading", name=heading).is_visible()
    plots = page.locator(".plot .strip")
    assert plots.count() > 50
    for index in (0, plots.count() - 1):
        box = plots.nth(index).bounding_box()
        assert box and box["width"] > 100 and box["height"] > 15
    marks = page.locator("article mark")
    assert marks.count() == 5 and all(mark.is_visible() for mark in marks.all())


def test_a_figure_is_drawn_where_its_number_says(page: Page) -> None:
    row = page.locator("#part-held_out .plot tr.strong").first
    share = int(re.findall(r"\d+", row.locator(".reading").inner_text())[0]) / 100
    strip, dot = row.locator(".strip").bounding_box(), row.locator(".dot").bounding_box()
    assert strip and dot

    middle = (dot["x"] + dot["width"] / 2 - strip["x"]) / strip["width"]

    assert middle == pytest.approx(share, abs=0.02)


def test_the_page_can_be_read_without_scripts(browser: Browser, report: Path) -> None:
    context = browser.new_context(viewport={"width": PHONE, "height": 800}, java_script_enabled=False)
    opened = context.new_page()
    opened.goto(report.as_uri())

    assert opened.locator("article").count() == 5
    assert opened.locator(".lead").is_visible()
    context.close()


def test_colours_follow_the_reader_s_scheme(browser: Browser, report: Path) -> None:
    colours = set()
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        opened = context.new_page()
        opened.goto(report.as_uri())
        colours.add(opened.evaluate("getComputedStyle(document.body).backgroundColor"))
        context.close()

    assert len(colours) == 2
