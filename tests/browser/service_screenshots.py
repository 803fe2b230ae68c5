"""Takes the pictures of the documentation: `python -m tests.browser.service_screenshots docs/images`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.test_service_pages import ARGUMENTS, CHROMIUM, DESKTOP, PHONE
from tests.recorded_incidents import seed
from tests.served_pages import served

SHOTS = (
    ("service-incidents", "", DESKTOP, 900, "light"),
    ("service-incidents-dark", "", DESKTOP, 900, "dark"),
    ("service-incident", "postgresql", 1180, 880, "light"),
    ("service-incident-dark", "etcd", 1180, 880, "dark"),
    ("service-incident-phone", "postgresql", PHONE, 1500, "dark"),
)


def take(folder: Path) -> None:
    """Writes one PNG for each of `SHOTS`."""
    with (
        tempfile.TemporaryDirectory() as kept,
        served(Path(kept), grafana_url="http://10.0.0.102/grafana") as service,
        sync_playwright() as driver,
    ):
        ids = seed(service.parts.incidents, service.parts.past)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, program, width, height, scheme in SHOTS:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
            page = context.new_page()
            page.goto(f"{service.address}/incidents" + (f"/{ids[program]}" if program else ""))
            page.locator("#live.on").wait_for()
            page.screenshot(path=folder / f"{name}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
