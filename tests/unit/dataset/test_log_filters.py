from __future__ import annotations

import re

import pytest

from k8s_log_agent.dataset.extract import Extraction, ExtractOptions
from k8s_log_agent.dataset.labelling import Labeller
from k8s_log_agent.dataset.log_filters import EVERYTHING, LogFilter, load_filters
from k8s_log_agent.dataset.opening import SourceOptions, open_source
from k8s_log_agent.dataset.sources import LokiFilters, last_hours
from k8s_log_agent.dataset.store import DatasetError
from k8s_log_agent.ingest.loki import SECOND
from k8s_log_agent.ingest.loki_client import LokiClient
from k8s_log_agent.understand.causes import CauseTable
from k8s_log_agent.understand.pipeline import Understanding
from tests.fake_loki import FakeLoki

FILTERS = load_filters()


def test_there_are_fifteen_and_each_says_why() -> None:
    assert len(FILTERS) == 15
    assert len({one.name for one in FILTERS}) == 15
    assert all(one.reason.endswith(".") for one in FILTERS)


@pytest.mark.parametrize("one", FILTERS, ids=lambda one: one.name)
def test_a_filter_finds_its_hits_and_not_its_misses(one: LogFilter) -> None:
    assert one.hits and one.misses
    assert all(re.search(one.expression, text) for text in one.hits)
    assert not any(re.search(one.expression, text) for text in one.misses)


def test_the_expression_reaches_loki_as_one_quoted_string() -> None:
    query = LogFilter(name="n", reason="r.", expression='say "\\d+"', hits=(), misses=()).query(EVERYTHING)

    assert query.logql == '{job=~".+"} |~ "say \\"\\\\d+\\""'


def test_a_line_that_several_filters_find_becomes_one_event() -> None:
    fake = FakeLoki()
    labels = {"job": "shop", "namespace": "shop", "pod": "p-0", "container": "c"}
    fake.add(labels, (60 * SECOND, 'level=error msg="write failed: no space left on device"'))
    fake.add(labels, (61 * SECOND, 'level=info msg="listening on :8080"'))
    with fake.client() as http:
        source = LokiFilters(LokiClient(http), EVERYTHING, FILTERS, *last_hours(1, 3600))
        extraction = Extraction(
            Understanding.default().events, Labeller(CauseTable.default()), ExtractOptions(), lambda text: None
        )
        dataset = extraction.run(source)

    assert extraction.events == 2
    assert dataset.manifest.drops == {"reading: found by an earlier filter": 1}
    assert {record.truth.cause for record in dataset.records} == {"disk_full", "none"}
    assert sum(name.startswith("loki ") for name in dataset.manifest.inputs) == 15


def test_a_loki_that_is_not_there_is_told_with_the_port_forward_line() -> None:
    told = pytest.raises(DatasetError, match="kubectl port-forward -n logging svc/loki 3100:3100")
    with told, open_source(SourceOptions("http://127.0.0.1:9"), lambda: 3600.0):
        pass


def test_the_time_asked_about_ends_at_a_whole_minute() -> None:
    assert last_hours(0.5, 7261.9) == ((7260 - 1800) * SECOND, 7260 * SECOND)
