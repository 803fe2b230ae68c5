"""Requests made up from the service's own OpenAPI page: none finds a fault, each answer is one that it tells of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from k8s_log_agent.service.app import create_app
from k8s_log_agent.service.running import running
from k8s_log_agent.service.settings import Settings
from tests.service_core import sqlite_in

HOST = {"Host": "localhost"}
EXAMPLES = 8  # of each route
# Our own rules are stricter than a schema can say (a cursor, one of two fields), so valid data may be refused.
LEFT_OUT: list[Any] = [positive_data_acceptance, negative_data_rejection]
SOME = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The description of a service that runs in this process; its endless route of events is left out."""
    told = Settings(database_url=sqlite_in(tmp_path_factory.mktemp("fuzz")), wait_seconds=1, requests_per_minute=10**6)
    with running(told) as parts:
        page = schemathesis.openapi.from_asgi("/api/v1/openapi.json", create_app(parts), headers=HOST)
        yield page.exclude(path_regex=r"/events$")


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_no_request_finds_a_fault(described: Any, mode: schemathesis.GenerationMode) -> None:
    asked = set()
    for found in described.get_all_operations():
        operation = found.ok()

        @SOME
        @given(case=operation.as_strategy(generation_mode=mode))
        def answered(case: schemathesis.Case[Any]) -> None:
            asked.add(case.operation.label)
            case.call_and_validate(headers=HOST, excluded_checks=LEFT_OUT)

        with suppress(Unsatisfiable):  # a route without parameters cannot be asked wrongly
            answered()
    assert {"POST /api/v1/analyze", "POST /api/v1/alerts", "GET /api/v1/incidents"} <= asked
