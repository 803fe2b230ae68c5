"""The service's pages in a real browser: read, used, kept up to date; by keyboard, on a phone, without scripts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it carries no types
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from k8s_log_agent.evaluation.drift import DriftReport
from k8s_log_agent.service.models import Incident, IncidentState
from tests.recorded_incidents import RECORDED, seed
from tests.served_pages import Served, served
from tests.unit.evaluation import made_up as evaluations
from tests.unit.service.page.made_up import HOSTILE, hostile
from tests.unit.service.page.made_up import incident as made_incident
from tests.unit.service.page.test_result_files import drift, metric

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
DESKTOP, PHONE = 1280, 390
SETTLED = 15_000  # ms that a page may take to follow a change
ROOT = "/analyzer"
CONTRASTS = Path(__file__).with_name("contrasts.js").read_text(encoding="utf-8")
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
EXPECTED = re.compile(r"status of (404|422)")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH: apt-get install chromium"),
]


@dataclass
class Night:
    """The running service with its incidents by program."""

    served: Served
    ids: dict[str, str]

    @property
    def pages(self) -> dict[str, str]:
        """One address of each kind of page."""
        return {
            "incidents": "/incidents",
            "all incidents": "/incidents?state=all&severity=ERROR&severity=CRITICAL&since=30d",
            "nothing": "/incidents?q=zebra",
            "incident": f"/incidents/{self.ids['postgresql']}",
            "unknown": f"/incidents/{self.ids['systemd']}",
            "closed": f"/incidents/{self.ids['checkout']}",
            "hostile": "/incidents/hostile",
            "analyze": "/analyze",
            "evaluation": "/evaluation",
            "drift": "/drift",
            "error": "/incidents/none",
        }

    def url(self, page: str) -> str:
        """The address of a page, or of a path."""
        return self.served.address + self.pages.get(page, page)

    def record(self, incident: Incident) -> None:
        """Keeps an incident, as a job does."""
        self.served.parts.incidents.record(incident)


@dataclass
class Opened:
    """A page with what it asked for and what it complained of."""

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
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("pages")
    evaluation, _ = evaluations.results(hostile=True)
    (folder / "evaluation.json").write_text(evaluation.model_dump_json())
    report: DriftReport = drift(metric("severity", "alert", 0.3, 3), metric("length", "too_few", 0.0))
    (folder / "drift.json").write_text(report.model_dump_json())
    files: dict[str, Any] = {
        "evaluation_path": folder / "evaluation.json",
        "drift_path": folder / "drift.json",
    }
    with served(folder, root_path=ROOT, grafana_url="http://10.0.0.102/grafana", **files) as running:
        ids = seed(running.parts.incidents, running.parts.past)
        running.parts.incidents.record(replace(hostile(), last_seen=RECORDED, opened_at=RECORDED))
        yield Night(running, ids)


def opened(context: BrowserContext, url: str) -> Opened:
    made = Opened(context.new_page())
    made.page.on("request", lambda asked: made.asked.append(asked.url))
    made.page.on("console", lambda message: made.complaints.append(message.text))
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
    made.page.on("dialog", lambda dialog: made.complaints.append(dialog.message))
    made.page.goto(url)
    return made


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": DESKTOP, "height": 900})
    yield made
    made.close()


@pytest.mark.parametrize(("width", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")], ids=str)
def test_every_page_keeps_to_itself_fits_and_can_be_read_by_all(
    browser: Browser, night: Night, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
    found: dict[str, list[object]] = {}
    for name in night.pages:
        made = opened(context, night.url(name))
        page = made.page
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        elsewhere = [url for url in made.asked if not url.startswith(night.served.address + "/")]
        complaints = [text for text in made.complaints if not EXPECTED.search(text)]
        scroll, window = page.evaluate(WIDTHS)
        dim = [one for one in page.evaluate(CONTRASTS) if one[1] < 4.5]
        wrong = [(one["id"], one["nodes"][0]["html"][:200]) for one in Axe().run(page).response["violations"]]
        found[name] = [*elsewhere, *complaints, *dim, *wrong, *([f"{scroll} wide"] if scroll != window else [])]
        page.close()
    context.close()

    assert {name: problems for name, problems in found.items() if problems} == {}


def test_the_other_theme_is_as_legible(browser: Browser, night: Night) -> None:
    context = browser.new_context(viewport={"width": DESKTOP, "height": 900}, color_scheme="light")
    page = opened(context, night.url("incident")).page
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    button = page.get_by_role("button", name="Colours")
    button.click()

    assert button.inner_text().strip().endswith("Dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    for name in ("incidents", "incident", "evaluation", "drift", "analyze"):
        page.goto(night.url(name))
        assert [one for one in page.evaluate(CONTRASTS) if one[1] < 4.5] == []
    context.close()


def test_the_list_says_what_where_when_how_bad_and_how_often(context: BrowserContext, night: Night) -> None:
    page = opened(context, night.url("incidents")).page
    row = page.locator(f"#i-{night.ids['postgresql']}")

    expect(page.get_by_role("heading", level=1)).to_have_text("9 open incidents")
    for text in ("Critical", "A database refuses a sign-in", "db_auth_failed", "shop / postgresql", "2 min ago", "67"):
        expect(row).to_contain_text(text)
    chart = row.get_by_role("img")
    expect(chart).to_have_attribute("aria-label", re.compile(r"Seen 67 times in the last 24 hours, most often"))
    box = chart.bounding_box()
    assert box and box["width"] > 60


def test_filters_narrow_the_list_and_stay_in_the_address(context: BrowserContext, night: Night) -> None:
    page = opened(context, night.url("incidents")).page
    page.get_by_label("Critical", exact=True).check()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^4 matching open incidents"))
    page.get_by_label("Search words").fill("certificate")
    page.keyboard.press("Enter")
    expect(page.locator(".incidents tbody tr")).to_have_count(1)
    assert page.url.endswith("/incidents?q=certificate&severity=CRITICAL")

    page.get_by_role("link", name="Clear all filters").click()
    expect(page.locator(".incidents tbody tr")).to_have_count(9)


def test_an_incident_appears_and_grows_while_the_page_is_open(context: BrowserContext, night: Night) -> None:
    made = opened(context, night.url("/incidents?namespace=live"))
    page = made.page
    expect(page.locator("#live.on")).to_have_text("Live")
    expect(page.locator("#list")).to_contain_text("No open incident matches")

    fresh = made_incident(id="fresh", key="fresh", namespace="live", title="Fresh trouble", count=1, last_seen=RECORDED)
    night.record(fresh)
    row = page.locator("#i-fresh")
    expect(row).to_contain_text("Fresh trouble", timeout=SETTLED)
    expect(page.get_by_role("status")).to_have_text("New incident: Fresh trouble")
    row.get_by_role("link").focus()

    night.record(replace(fresh, count=4))
    expect(row.locator(".times")).to_contain_text("5", timeout=SETTLED)
    assert page.evaluate("document.activeElement.textContent") == "Fresh trouble"

    night.served.parts.incidents.close("fresh", RECORDED)
    expect(page.locator("#list")).to_contain_text("No open incident matches", timeout=SETTLED)
    assert made.complaints == []


def test_an_incident_page_follows_and_leaves_alone_what_somebody_writes(context: BrowserContext, night: Night) -> None:
    shown = made_incident(id="written", key="written", namespace="live", state=IncidentState.OPEN, last_seen=RECORDED)
    night.record(shown)
    page = opened(context, night.url("/incidents/written")).page
    expect(page.locator("#live.on")).to_have_text("Live")
    page.get_by_text("Wrong…").click()
    page.get_by_label("What told you?").fill("half a sentence")

    night.record(replace(shown, count=30))

    expect(page.locator("#facts")).to_contain_text("42 times", timeout=SETTLED)
    expect(page.get_by_label("What told you?")).to_have_value("half a sentence")


def test_the_evidence_is_marked_among_the_lines_around_it(context: BrowserContext, night: Night) -> None:
    page = opened(context, night.url("incident")).page

    marks = page.locator(".log mark")
    assert marks.count() == 3
    for mark in marks.all():
        expect(mark).to_contain_text("password authentication failed")
    assert page.locator(".log li").count() > 10
    expect(page.locator(".trust")).to_contain_text("times in 100, measured on 64 recorded faults")
    expect(page.locator(".trust")).to_contain_text("Decided by a rule")
    link = page.get_by_role("link", name="Open in Grafana").get_attribute("href")
    assert link and link.startswith("http://10.0.0.102/grafana/explore?schemaVersion=1&panes=")
    page.get_by_role("link", name="A database refuses a sign-in: checkout").click()
    expect(page.locator(".said")).to_contain_text("Correct: rotated alone ada")


def test_a_command_is_copied_as_it_stands(browser: Browser, night: Night) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = opened(context, night.url(f"/incidents/{night.ids['etcd']}")).page
    page.get_by_role("button", name="Copy kubectl").first.click()

    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "kubectl -n kube-system exec etcd-0 -- df -h"
    context.close()


def test_feedback_is_given_by_keyboard_alone(context: BrowserContext, night: Night) -> None:
    page = opened(context, night.url(f"/incidents/{night.ids['coredns']}")).page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Wrong…":
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("network policy block")
    page.keyboard.press("Tab")
    page.keyboard.type("the policy was new")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator(".said")).to_contain_text("Wrong, it was network_policy_block: the policy was new")
    kept = night.served.parts.incidents.get(night.ids["coredns"])
    assert kept and [(one.verdict, one.cause, one.author) for one in kept.feedback] == [
        ("wrong", "network_policy_block", "local")
    ]


def test_arrows_walk_through_the_list(context: BrowserContext, night: Night) -> None:
    page = opened(context, night.url("incidents")).page
    links = page.locator("[data-rows] .what a")
    links.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    expect(links.nth(2)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/*")


def test_pasted_lines_become_an_incident(context: BrowserContext, night: Night) -> None:
    page = opened(context, night.url("analyze")).page
    page.get_by_label(re.compile("Log lines")).fill(
        '2026-11-25T00:14:09Z FATAL: password authentication failed for user "orders" password=hunter2secret\n' * 3
    )
    page.get_by_role("button", name="Analyze").click()
    page.wait_for_url("**/analyze/*")

    expect(page.get_by_role("heading", level=1)).to_have_text("1 incident found", timeout=20_000)
    page.locator(".results a").click()
    expect(page.locator(".trust .cause")).to_have_text("db_auth_failed")
    expect(page.locator("#lines")).to_contain_text("password authentication failed")
    assert "hunter2secret" not in page.content()


def test_pages_are_read_and_used_without_scripts(browser: Browser, night: Night) -> None:
    context = browser.new_context(viewport={"width": PHONE, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    page.goto(night.url("incidents"))
    assert page.locator(".incidents tbody tr").count() >= 9
    page.locator(f"#i-{night.ids['redis']} a").click()
    assert page.locator(".log mark").count() > 0
    page.get_by_role("button", name="Correct").click()
    expect(page.locator(".said")).to_contain_text("Correct")
    page.goto(night.url("evaluation"))
    assert page.locator(".strip .dot").count() > 10
    context.close()


def test_hostile_text_is_text(context: BrowserContext, night: Night) -> None:
    made = opened(context, night.url("hostile"))

    expect(made.page.get_by_role("heading", level=1)).to_contain_text(HOSTILE)
    assert made.page.locator("main script, main img[src], main [onerror]").count() == 0
    assert "\u202e" not in made.page.content()
    assert made.complaints == []
    assert all(url.startswith(night.served.address) for url in made.asked)
