from __future__ import annotations

from collections.abc import Iterable

import pytest

from k8s_log_agent.evaluation.drift import DriftMetric, DriftOptions, DriftReport, compare_profiles
from k8s_log_agent.evaluation.drift_pages import page, prometheus, table
from k8s_log_agent.evaluation.drift_profile import DriftError, DriftProfile, profile_of
from k8s_log_agent.records import Event, Severity
from k8s_log_agent.triage.pipeline import Triage
from tests.unit.triage.log_events import TABLE, event

HOUR = 3600


def profile(**changes: object) -> DriftProfile:
    return DriftProfile.model_validate(
        {
            "signature_version": 1,
            "statements": 1000,
            "severities": {"ERROR": 200, "INFO": 800},
            "formats": {"json": 500, "klog": 500},
            "categories": {"network": 100, "storage": 100},
            "lengths": list(range(1000)),
            "signatures": {f"s{number}": 10 for number in range(100)},
            "novelty": [10, 500],
            "verdicts": 100,
            "causes": {"disk_full": 60, "unknown": 10, "upstream_refused": 30},
            "states": {"ruled": 100},
            "confidences": [place / 100 for place in range(100)],
            **changes,
        }
    )


SAME = profile()
MOVED = {
    "category": profile(categories={"network": 180, "auth": 20}),
    "severity": profile(severities={"ERROR": 700, "INFO": 300}),
    "format": profile(formats={"json": 900, "klog": 100}),
    "length": profile(lengths=list(range(500, 1500))),
    "novel_signatures": profile(signatures={f"t{number}": 10 for number in range(100)}),
    "cause": profile(causes={"cert_expired": 70, "unknown": 10, "upstream_refused": 20}),
    "unknown": profile(causes={"disk_full": 40, "unknown": 45, "upstream_refused": 15}),
    "invalid": profile(states={"ruled": 60, "degraded": 40}),
    "confidence": profile(confidences=[place / 200 for place in range(100)]),
}


def compared(current: DriftProfile, lasted: dict[str, int] | None = None, **options: object) -> DriftReport:
    return compare_profiles(SAME, current, DriftOptions.model_validate(options), lasted or {})


def metric(report: DriftReport, name: str) -> DriftMetric:
    return next(one for one in report.metrics if one.name == name)


def test_a_profile_has_not_moved_away_from_itself() -> None:
    assert {one.state for one in compared(SAME).metrics} == {"steady"}


@pytest.mark.parametrize("name", MOVED)
def test_each_figure_notices_its_own_drift(name: str) -> None:
    report = compared(MOVED[name])

    drifting = {one.name for one in report.metrics if one.state == "drifting"}
    assert name in drifting and drifting <= {name, "cause"} | ({"unknown"} if name == "unknown" else set())


def test_drift_alerts_only_when_it_has_lasted() -> None:
    states = []
    lasted: dict[str, int] = {}
    for current in (MOVED["severity"], MOVED["severity"], MOVED["severity"], SAME, MOVED["severity"]):
        report = compared(current, lasted, windows=3)
        lasted = report.lasted
        states.append(metric(report, "severity").state)

    assert states == ["drifting", "drifting", "alert", "steady", "drifting"]


def test_too_few_observations_say_nothing_and_do_not_end_what_has_lasted() -> None:
    few = profile(severities={"ERROR": 90}, lengths=[1] * 90, verdicts=3, confidences=[0.1] * 3, causes={"unknown": 3})
    report = compared(few, {"severity": 2})

    assert metric(report, "severity").state == "too_few" and metric(report, "severity").lasted == 2
    assert metric(report, "unknown").state == "too_few" and metric(report, "confidence").state == "too_few"


def test_a_difference_that_is_significant_and_small_is_no_drift() -> None:
    many = profile(severities={"ERROR": 200_000, "INFO": 800_000})
    little = profile(severities={"ERROR": 210_000, "INFO": 790_000})
    found = metric(compare_profiles(many, little, DriftOptions(), {}), "severity")

    assert found.corrected < 1e-6 and found.state == "steady"


def test_many_tests_are_corrected_for() -> None:
    found = metric(compared(MOVED["unknown"]), "unknown")

    assert found.p_value < found.corrected


def test_signatures_of_two_versions_are_not_compared() -> None:
    with pytest.raises(DriftError, match="Make the reference anew"):
        compared(profile(signature_version=2))


def made(events: Iterable[Event]) -> DriftProfile:
    return profile_of(events, Triage(TABLE), TABLE, 1)


def test_a_profile_counts_statements_once_a_minute_and_leaves_noise_out() -> None:
    found = made(
        [
            *(event("refused", "upstream_refused", seconds=second / 10) for second in range(50)),
            event("refused", "upstream_refused", seconds=2 * HOUR),
            event("GET /healthz", noise="probe"),
            event("started", severity=Severity.INFO),
        ]
    )

    assert (found.statements, found.severities, found.categories) == (3, {"ERROR": 2, "INFO": 1}, {"network": 2})
    assert (found.verdicts, found.causes, len(found.confidences)) == (2, {"upstream_refused": 2}, 2)


def test_the_page_and_the_metrics_say_the_same_as_the_report() -> None:
    report = compared(MOVED["severity"], windows=1)

    assert "1 of 9 figures have moved away" in page(report) and "http" not in page(report)
    assert 'k8s_log_agent_drift_alert{metric="severity",side="input"} 1' in prometheus(report)
    assert 'k8s_log_agent_drift_alert{metric="format",side="input"} 0' in prometheus(report)
    assert prometheus(report).count("# TYPE") == 5 and table(report).splitlines()[1].startswith("Severity")
