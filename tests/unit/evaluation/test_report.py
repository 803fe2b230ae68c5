from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from k8s_log_agent.evaluation.report import render
from k8s_log_agent.evaluation.report_view import view
from k8s_log_agent.evaluation.report_words import headline, model_worth
from k8s_log_agent.evaluation.results import Evaluation
from k8s_log_agent.evaluation.scores import METHODS, MODEL_WHERE_UNSURE
from tests.unit.evaluation import made_up

VOID = {"meta", "link", "br", "hr", "img", "input", "path", "rect"}


class Page(HTMLParser):
    """The tags and the text of a page; complains of one that is closed out of order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"{tag} is closed out of order at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(scope="module")
def html() -> str:
    evaluation, triaged = made_up.results(hostile=True)
    return render(view(made_up.summary(evaluation), evaluation, triaged, made_up.timings()))


def empty() -> str:
    evaluation, _ = made_up.results()
    bare = made_up.summary(evaluation).model_copy(
        update={"model": None, "lines": None, "throughput": None, "datasets": {}, "scores": {}, "model_calls": None}
        | {"seconds_by_stage": {}}
    )
    return render(view(bare, None, None, None))


def test_the_page_names_no_address_that_a_browser_would_ask(html: str) -> None:
    page = Page(html)

    asked = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(value and value.startswith(("#", "data:")) for value in asked)
    assert not re.search(r"@import|url\(", html)
    assert not page.named("script") and not page.named("img")


def test_log_lines_are_shown_as_text_whatever_they_hold(html: str) -> None:
    assert made_up.HOSTILE in "".join(Page(html).words)


def test_every_anchor_of_the_contents_leads_somewhere(html: str) -> None:
    page = Page(html)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]

    assert len(ids) == len(set(ids))
    assert {str(link["href"]) for link in page.named("a")} <= {f"#{one}" for one in ids}


def test_headings_go_down_one_level_at_a_time(html: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(html).tags if re.fullmatch(r"h[1-6]", tag)]

    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_table_has_a_caption(html: str) -> None:
    page = Page(html)

    assert len(page.named("table")) == len(page.named("caption")) > 10


def test_every_method_stands_beside_the_triage_in_each_part(html: str) -> None:
    evaluation, triaged = made_up.results()
    for part in view(made_up.summary(evaluation), evaluation, triaged, None).parts:
        assert [one.method for _, one in part.methods] == [one for one in METHODS if one != MODEL_WHERE_UNSURE]
    assert html.count("Most frequent answer") >= 6


def test_cited_lines_are_marked_and_stated_ones_are_named(html: str) -> None:
    page = Page(html)

    assert len(page.named("mark")) == len(page.named("article")) == 5
    assert "".join(page.words).count("States the cause:") == 10


def test_the_same_results_give_the_same_bytes(html: str) -> None:
    evaluation, triaged = made_up.results(hostile=True)

    assert render(view(made_up.summary(evaluation), evaluation, triaged, made_up.timings())) == html


def test_what_was_not_made_is_said_to_be_missing() -> None:
    text = " ".join("".join(Page(empty()).words).split())

    for sentence in (
        "Nothing has been scored in this run.",
        "No fault was triaged in this run.",
        "No data set was made in this run.",
        "The throughput was not measured in this run.",
        "No lines were read in this run.",
        "No timings were kept.",
    ):
        assert sentence in text


def test_the_headline_gives_the_figure_its_interval_and_the_best_simple_baseline() -> None:
    evaluation, _ = made_up.results()

    assert headline(evaluation) == (
        "Triage named the cause of 6 of 9 faults it had never seen: 67 % (95 % interval 35 to 88 %). "
        "“Nearest record”, the best of the simple baselines, reaches 33 %."
    )


def test_where_the_model_does_not_decide_it_is_said_what_it_would_do() -> None:
    evaluation, triaged = made_up.results(model_decides=False)
    part = view(made_up.summary(evaluation), evaluation, triaged, None).parts[0]

    names = [one.method for _, one in part.methods]
    assert MODEL_WHERE_UNSURE in names and "rules" not in names
    assert part.worth.startswith("The model does not decide here; this is what it would do")
    assert "switched off" in part.worth and "the model by itself named" in part.worth


def test_the_headline_of_no_part_says_what_is_missing() -> None:
    evaluation: Evaluation = made_up.results()[0].model_copy(update={"parts": ()})

    assert "neither a recording nor a golden data set" in headline(evaluation)


@pytest.mark.parametrize(
    ("gained", "lost", "low", "high", "words"),
    [
        (9, 0, 0.1, 0.4, "It earns its place."),
        (0, 9, -0.4, -0.1, "It does harm: switch it off."),
        (3, 2, -0.1, 0.2, "no difference that can be told from chance"),
        (0, 0, 0.0, 0.0, "turned no answer from wrong to right or back"),
    ],
)
def test_the_worth_of_the_model_is_said_as_the_figures_carry_it(
    gained: int, lost: int, low: float, high: float, words: str
) -> None:
    part = made_up.results()[0].parts[0]
    changes = {"gained": gained, "lost": lost, "difference": (gained - lost) / 20}
    comparisons = tuple(
        one.model_copy(update={**changes, "interval": one.interval.model_copy(update={"low": low, "high": high})})
        for one in part.comparisons
        if one.interval and one.first == "triage"
    )

    assert words in model_worth(part.model_copy(update={"comparisons": comparisons}))
