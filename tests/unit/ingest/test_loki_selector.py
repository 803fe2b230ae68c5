"""Queries built from parts hold any value and cannot be broken out of."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_log_agent.ingest.loki_errors import SelectorError
from k8s_log_agent.ingest.loki_selector import (
    FilterOp,
    LabelFilter,
    LineFilter,
    Matcher,
    MatchOp,
    Selector,
    TypedQuery,
    go_string,
)
from k8s_log_agent.ingest.loki_stream import stream_of
from tests.fake_loki import STRING, FakeLoki, go_text


def test_a_selector_reads_as_logql() -> None:
    selector = Selector(
        (Matcher("namespace", MatchOp.EQUAL, "shop"), Matcher("pod", MatchOp.MATCH, "web-.+")),
        (LineFilter(FilterOp.CONTAINS, "time out"), LabelFilter("detected_level", MatchOp.NOT_EQUAL, "info")),
    )

    assert selector.matching("5..").lacking("probe").logql == (
        '{namespace="shop", pod=~"web-.+"} |= "time out" | detected_level!="info" |~ "5.." != "probe"'
    )


@given(st.text())
def test_any_text_is_one_go_string_and_reads_back(text: str) -> None:
    literal = go_string(text)

    assert re.fullmatch(STRING, literal)
    assert go_text(literal) == text
    assert literal[1:-1].isprintable()


@given(st.text(min_size=1))
def test_no_value_reaches_what_another_tenant_of_the_query_holds(value: str) -> None:
    fake = FakeLoki()
    fake.add({"job": "mine"}, (1, "mine"))
    fake.add({"job": "other"}, (1, "other"))
    query = Selector.where(job="mine").lacking(value).logql

    answer = fake.client().get("/loki/api/v1/query_range", params={"query": query, "start": "0", "end": "2"})

    assert answer.status_code == 200
    assert all(stream["stream"]["job"] == "mine" for stream in answer.json()["data"]["result"])


@pytest.mark.parametrize("name", ["", "1st", "k8s.pod", 'a="b"} or {c', "a b", "größe", "a\n"])
def test_what_is_no_label_name_is_refused(name: str) -> None:
    with pytest.raises(SelectorError, match="is not a label name"):
        Matcher(name, MatchOp.EQUAL, "x")
    with pytest.raises(SelectorError, match="is not a label name"):
        LabelFilter(name, MatchOp.EQUAL, "x")


def test_what_matches_everything_is_refused() -> None:
    with pytest.raises(SelectorError, match="at least one label"):
        Selector(())
    with pytest.raises(SelectorError, match="needs a text"):
        Selector.where(job="x").containing("")


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(SelectorError, match="U\\+D800"):
        Selector.where(job="\ud800")
    with pytest.raises(SelectorError, match="UTF-8"):
        TypedQuery('{job="\udcff"}')


@pytest.mark.parametrize("text", ["", "rate({a='b'}[5m])", "hello", 'sum by (a) (count_over_time({a="b"}[1h]))'])
def test_a_typed_query_that_is_not_for_lines_is_refused(text: str) -> None:
    with pytest.raises(SelectorError, match="not a query for log lines"):
        TypedQuery(text)


def test_a_typed_query_stays_as_typed_and_is_narrowed_on_lines_of_its_own() -> None:
    typed = TypedQuery(' {a="b"} | json # why')

    assert typed.logql == ' {a="b"} | json # why'
    assert typed.narrowed(LineFilter(FilterOp.LACKS, "x")).logql == ' {a="b"} | json # why\n!= "x"'


@pytest.mark.parametrize(
    ("labels", "stream"),
    [
        ({"namespace": "a", "pod": "b", "container": "c", "stream": "stdout"}, ("a", "b", "c", "stdout")),
        (
            {"k8s_namespace_name": "a", "k8s_pod_name": "b", "k8s_container_name": "c", "log_iostream": "stderr"},
            ("a", "b", "c", "stderr"),
        ),
        ({"unit": "k3s.service", "nodename": "node-1", "job": "journal"}, ("", "node-1", "k3s.service", "journal")),
        ({"job": "varlogs", "filename": "/var/log/syslog"}, ("", "", "/var/log/syslog", "")),
        ({"namespace": "a", "pod": "b", "container": "", "app": "web"}, ("a", "b", "web", "")),
        ({"team": "x"}, ("", "", "", "")),
    ],
)
def test_the_stream_is_read_from_the_labels_that_collectors_use(
    labels: dict[str, str], stream: tuple[str, str, str, str]
) -> None:
    assert stream_of(labels) == stream
