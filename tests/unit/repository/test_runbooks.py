"""Each cause and each alert has a runbook; each has its parts, warns before it destroys, and leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from k8s_log_agent.understand.causes import Cause, CauseTable

ROOT = Path(__file__).resolve().parents[3]
BOOKS = ROOT / "docs" / "runbooks"
CAUSES = {code: CauseTable.default().cause(code) for code in CauseTable.default().codes}
RULES = [
    rule
    for file in sorted((ROOT / "roles" / "monitoring" / "files" / "rules").glob("*.yml"))
    for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
CAUSE_PARTS = ["What it looks like", "Why it happens", "Confirm", "Mend", "Keep it from coming back"]
ALERT_PARTS = ["What it watches", "What it means at night", "First look", "Mend", "When it may be silenced"]
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)\)")
STEP = re.compile(r"^\d+\. ", re.MULTILINE)
DESTROYS = re.compile(
    r"--delete-emptydir-data|--force\b|delete (?:pvc|pv|node|namespace)\b|\brm -r|umount -f|--cluster-reset|"
    r"remount,rw|xfs_repair /|drop_replication_slot|--clean\b|out-of-service|--fix\b|mkfs|wipefs|"
    r"DROP (?:TABLE|DATABASE)",
)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def parts(text: str) -> dict[str, str]:
    """The text below each heading of the second level."""
    pieces = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def steps(text: str) -> list[str]:
    return [" ".join(step.split()) for step in STEP.split(parts(text)["Mend"])[1:]]


def words(text: str) -> set[str]:
    """Beginnings of the words that carry meaning, so that `restart` and `restarting` are one."""
    return {word[:5].lower() for word in re.findall(r"[A-Za-z]{4,}", text)}


PAGES = sorted(BOOKS.rglob("*.md"))
CAUSE_PAGES = [page for page in PAGES if page.parent == BOOKS and page.name != "README.md"]
ALERT_PAGES = [page for page in PAGES if page.parent.name == "alerts"]


def test_each_cause_has_a_page_and_each_page_a_cause() -> None:
    assert {page.stem for page in CAUSE_PAGES} == set(CAUSES)


def test_each_alert_has_a_page_and_each_page_an_alert() -> None:
    assert {page.stem for page in ALERT_PAGES} == set(ALERTS)


@pytest.mark.parametrize("page", CAUSE_PAGES, ids=lambda page: page.stem)
def test_a_page_of_a_cause_fits_the_table(page: Path) -> None:
    text, cause = read(page), CAUSES[page.stem]
    quoted = [line[4:] for line in parts(text)["What it looks like"].splitlines() if line.startswith("    ")]
    hits = {hit for rule in cause.rules for hit in rule.hits}

    assert list(parts(text)) == CAUSE_PARTS
    assert text.splitlines()[0] == f"# {cause.summary.rstrip('.')}"
    assert text.splitlines()[2] == f"`{cause.code}` · {cause.category} · {cause.severity}"
    assert 2 <= len(quoted) <= 3
    assert [line for line in quoted if line not in hits] == [], "not an example of the table"
    assert [remedy for remedy in cause.remedies if not told(remedy, text)] == [], "a remedy that the page does not tell"


def told(remedy: str, page: str) -> bool:
    """Whether most of what a remedy says is found on the page, in whatever order."""
    wanted = words(remedy)
    return len(wanted & words(page)) >= 0.6 * len(wanted)


@pytest.mark.parametrize("page", ALERT_PAGES, ids=lambda page: page.stem)
def test_a_page_of_an_alert_fits_its_rule(page: Path) -> None:
    text, labels = read(page), ALERTS[page.stem]["labels"]

    assert list(parts(text)) == ALERT_PARTS
    assert text.startswith(f"# {page.stem}\n\n{labels['severity']} · {labels['component']} · ")
    assert all(part.strip() for part in parts(text).values())


@pytest.mark.parametrize("page", CAUSE_PAGES + ALERT_PAGES, ids=lambda page: page.stem)
def test_steps_say_what_they_cost_and_the_first_destroys_nothing(page: Path) -> None:
    found = steps(read(page))

    assert len(found) >= 2
    assert [step for step in found if "Cost: " not in step] == []
    assert [step for step in found if DESTROYS.search(step) and not step.startswith("**Destructive.**")] == []
    assert not found[0].startswith("**Destructive.**")


def test_no_two_pages_say_the_same() -> None:
    bodies = [parts(read(page))[CAUSE_PARTS[1]] for page in CAUSE_PAGES]
    bodies += [parts(read(page))[ALERT_PARTS[1]] for page in ALERT_PAGES]

    assert len(set(bodies)) == len(bodies)


def test_links_lead_to_a_file() -> None:
    broken = [
        f"{page.relative_to(BOOKS)}: {target}"
        for page in PAGES
        for target in LINK.findall(read(page))
        if "://" not in target and not (page.parent / target).is_file()
    ]

    assert broken == []


def test_the_index_lists_each_page_once_under_its_category() -> None:
    index = parts(read(BOOKS / "README.md"))
    listed: dict[str, list[str]] = {}
    for piece in re.split(r"^### ", index["Causes"], flags=re.MULTILINE)[1:]:
        listed[piece.split(":")[0]] = re.findall(r"^- \[(\w+)\]\(\1\.md\): .+", piece, flags=re.MULTILINE)
    expected: dict[str, list[str]] = {}
    for cause in CAUSES.values():
        expected.setdefault(str(cause.category), []).append(cause.code)

    assert listed == expected, "in the order of the table"
    assert [cause.code for cause in CAUSES.values() if f"{summary_line(cause)}\n" not in index["Causes"]] == []
    assert sorted(re.findall(r"\[(\w+)\]\(alerts/\1\.md\)", index["Alerts"])) == sorted(ALERTS)


def summary_line(cause: Cause) -> str:
    return f"- [{cause.code}]({cause.code}.md): {cause.summary}"
