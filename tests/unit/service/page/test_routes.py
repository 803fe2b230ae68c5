"""The pages as they are sent: what they say, what they refuse, and that nothing in them runs or leads elsewhere."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient

from k8s_log_agent.records import Severity
from k8s_log_agent.service.app import create_app
from k8s_log_agent.service.page.static_files import FILES, static_file
from k8s_log_agent.service.parts import Parts
from tests.served_pages import parts_in
from tests.unit.service.page.made_up import HOSTILE, NOW, hostile, incident

PAGE = {"Accept": "text/html"}
INLINE = re.compile(r"\son\w+\s*=|\sstyle\s*=|javascript:", re.IGNORECASE)


class Tags(HTMLParser):
    """Collects the elements of a page, as a browser would find them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, made once."""
    folder = tmp_path_factory.mktemp("empty")
    with parts_in(folder, workers=0):
        return folder / "incidents.db"


@pytest.fixture
def parts(tmp_path: Path, empty: Path) -> Iterator[Parts]:
    shutil.copy(empty, tmp_path)
    with parts_in(tmp_path, lambda: NOW, workers=0, grafana_url="https://grafana.example/grafana") as made:
        yield made


@pytest.fixture
def client(parts: Parts) -> TestClient:
    return TestClient(create_app(parts), base_url="http://localhost", headers=PAGE)


def word(client: TestClient, path: str) -> str:
    """Opens the page and gives the word of its form."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def test_the_root_leads_to_the_list(client: TestClient) -> None:
    assert client.get("/", follow_redirects=False).headers["location"] == "/incidents"


def test_an_empty_service_says_that_all_is_quiet(client: TestClient) -> None:
    assert "All quiet" in client.get("/incidents").text
    assert "Not scored yet" in client.get("/evaluation").text
    assert "Not compared yet" in client.get("/drift").text


def test_older_incidents_are_on_the_next_page_and_none_is_lost_or_repeated(client: TestClient, parts: Parts) -> None:
    for number in range(120):
        parts.incidents.record(incident(id=f"n{number}", key=f"n{number}", title=f"number {number}."))
    seen: list[str] = []
    path = "/incidents"
    while path:
        text = client.get(path).text
        assert "120 open incidents" in text
        seen += re.findall(r"number (\d+)\.</a>", text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        path = following[1].replace("&amp;", "&") if following else ""

    assert sorted(map(int, seen)) == list(range(120))


def test_the_breakdown_counts_all_pages_and_follows_what_changes(client: TestClient, parts: Parts) -> None:
    for number in range(60):
        severity = Severity.CRITICAL if number < 3 else Severity.ERROR
        parts.incidents.record(incident(id=f"n{number}", key=f"n{number}", severity=severity))
    assert "3 critical, 57 errors" in client.get("/incidents").text

    parts.incidents.record(incident(id="more", key="more", severity=Severity.WARN))

    assert "3 critical, 57 errors, 1 warning" in client.get("/incidents").text

    parts.incidents.record(incident(id="worse", key="n59", severity=Severity.CRITICAL))  # as many, one of them worse

    assert "4 critical, 56 errors, 1 warning" in client.get("/incidents").text


def test_a_cursor_that_no_page_gave_is_refused(client: TestClient) -> None:
    assert client.get("/incidents?cursor=nonsense").status_code == 400


def test_below_a_prefix_every_link_and_form_stays_below_it(tmp_path: Path) -> None:
    with parts_in(tmp_path, lambda: NOW, workers=0, root_path="/analyzer") as parts:
        parts.incidents.record(incident())
        client = TestClient(create_app(parts), base_url="http://localhost", headers=PAGE)
        for path in ("/analyzer/incidents", "/incidents/a1b2c3", "/analyze", "/evaluation", "/incidents?q=zebra"):
            answer = client.get(path)
            assert answer.status_code == 200
            for tag, attributes in Tags(answer.text).found:
                for name in ("href", "src", "action", "data-events"):
                    address = attributes.get(name)
                    assert address is None or address[:1] == "#" or address.startswith("/analyzer/"), (path, tag)


def test_hostile_text_in_every_field_stays_text(client: TestClient, parts: Parts) -> None:
    parts.incidents.record(hostile())
    asked = urlencode({"q": HOSTILE, "cause": HOSTILE, "namespace": HOSTILE, "state": "all"})
    for path in ("/incidents", "/incidents/hostile", f"/incidents?{asked}"):
        text = client.get(path).text
        known = Tags(text).found
        assert all(attributes.get("src", "/static/").startswith("/static/") for _, attributes in known)  # type: ignore[union-attr]  # a source without a value would fail too
        assert not [tag for tag, _ in known if tag in ("img", "iframe", "object", "embed", "base")]
        assert not [name for _, attributes in known for name in attributes if name.startswith("on") or name == "style"]
        assert not [one for _, one in known if (one.get("href") or "").lower().startswith(("javascript:", "data:"))]
        assert "\u202e" not in text and "\u200b" not in text and "\x1b" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "{{ 7 * 7 }}" in text


def test_no_template_holds_what_the_policy_of_the_pages_would_block(client: TestClient, parts: Parts) -> None:
    parts.incidents.record(incident())
    for path in ("/incidents", "/incidents/a1b2c3", "/analyze", "/evaluation", "/drift"):
        answer = client.get(path)
        assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
        assert not INLINE.search(answer.text)
        for tag, attributes in Tags(answer.text).found:
            assert tag != "style" and (tag != "script" or attributes.get("src"))


def test_feedback_is_kept_with_its_author_and_leads_back(client: TestClient, parts: Parts) -> None:
    parts.incidents.record(incident())
    fields = {"csrf": word(client, "/incidents/a1b2c3"), "verdict": "wrong", "cause": "dns_failure", "note": " seen "}
    answer = client.post("/incidents/a1b2c3/feedback", data=fields, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/a1b2c3#feedback")
    kept = parts.incidents.get("a1b2c3")
    assert kept and [(one.author, one.verdict, one.cause, one.note, one.at) for one in kept.feedback] == [
        ("local", "wrong", "dns_failure", "seen", NOW)
    ]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"verdict": "wrong", "cause": ""}, 422),
        ({"verdict": "wrong", "cause": HOSTILE}, 422),
        ({"verdict": "wrong", "cause": "dns_failure", "note": "x" * 501}, 422),
        ({"verdict": "perhaps"}, 422),
        ({"verdict": "correct", "csrf": "another"}, 403),
        ({"verdict": "correct", "csrf": ""}, 403),
    ],
)
def test_feedback_that_is_not_whole_or_not_from_our_page_is_refused(
    client: TestClient, parts: Parts, fields: Mapping[str, str], status: int
) -> None:
    parts.incidents.record(incident())
    sent = {"csrf": word(client, "/incidents/a1b2c3"), **fields}

    assert client.post("/incidents/a1b2c3/feedback", data=sent).status_code == status
    kept = parts.incidents.get("a1b2c3")
    assert kept and kept.feedback == ()


def test_what_was_typed_is_still_there_after_a_refusal(client: TestClient, parts: Parts) -> None:
    parts.incidents.record(incident())
    fields = {"csrf": word(client, "/incidents/a1b2c3"), "verdict": "wrong", "note": "two\nlines </textarea><b>"}
    text = client.post("/incidents/a1b2c3/feedback", data=fields).text

    assert "Choose the right cause" in text
    assert "two\nlines &lt;/textarea&gt;&lt;b&gt;</textarea>" in text


def test_pasted_lines_become_a_job_whose_page_follows_it(client: TestClient, parts: Parts) -> None:
    fields = {"csrf": word(client, "/analyze"), "text": "FATAL: it broke\n", "namespace": "shop"}
    answer = client.post("/analyze", data=fields, follow_redirects=False)

    assert answer.status_code == 303
    page = client.get(answer.headers["location"]).text
    assert "Waiting for its turn" in page and 'http-equiv="refresh"' in page
    job = parts.jobs.get(answer.headers["location"].rsplit("/", 1)[1])
    assert job and (job.kind, job.namespace) == ("analyze", "shop")


def test_nothing_pasted_is_said_and_asked_again(client: TestClient) -> None:
    answer = client.post("/analyze", data={"csrf": word(client, "/analyze"), "text": " \n"})

    assert answer.status_code == 422 and "There was nothing to read" in answer.text


def test_a_full_queue_keeps_what_was_pasted(tmp_path: Path) -> None:
    with parts_in(tmp_path, lambda: NOW, workers=0, queue_limit=1) as parts:
        client = TestClient(create_app(parts), base_url="http://localhost", headers=PAGE)
        fields = {"csrf": word(client, "/analyze"), "text": "FATAL: kept\nsecond"}
        client.post("/analyze", data={**fields, "text": "FATAL: the only one"}, follow_redirects=False)
        answer = client.post("/analyze", data=fields)

    assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
    assert "FATAL: kept\nsecond</textarea>" in answer.text and "The queue of jobs is full" in answer.text


def test_an_unknown_job_and_an_unknown_file_are_not_found(client: TestClient) -> None:
    assert client.get("/analyze/none").status_code == 404
    for name in ("none.css", "..%2fpage.css", "%2e%2e/routes.py"):
        assert client.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize("name", FILES)
def test_files_may_be_kept_since_their_address_changes_with_them(client: TestClient, name: str) -> None:
    answer = client.get(f"/static/{name}")
    known = static_file(name)

    assert known and answer.content == known.content
    assert "immutable" in answer.headers["cache-control"]
    assert client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_pages_are_kept_nowhere(client: TestClient, parts: Parts) -> None:
    parts.incidents.record(incident())
    for path in ("/incidents", "/incidents/a1b2c3", "/analyze", "/evaluation"):
        assert client.get(path).headers["cache-control"] == "no-store"
