from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from k8s_log_agent.records import Category, Component, Severity, Verdict, VerdictState
from k8s_log_agent.service.alerts import Timing
from k8s_log_agent.service.alerts.batches import MOST_SHOWN
from k8s_log_agent.service.models import PRIORITY_ALERT, PRIORITY_CRITICAL, Incident, IncidentState, alert_key
from k8s_log_agent.service.tables import JobRow
from tests.alert_desk import GROUP, NOON, Desk, alert, over
from tests.served_analyzer import eventually


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.database.close()


def alerts_of(desk: Desk) -> int:
    return sum(job["alert_count"] for job in desk.jobs)


@pytest.mark.parametrize("names", [1, 1000], ids=["one name", "a name each"])
def test_a_thousand_alerts_in_a_minute_are_three_jobs_at_most_and_none_is_lost(desk: Desk, names: int) -> None:
    for first in range(0, 1000, 10):
        desk.clock.now = NOON + timedelta(milliseconds=60 * first)
        desk.post(*(alert(f"Alert{number % names}", number) for number in range(first, first + 10)))
        desk.intake.tick()
    within_the_minute = len(desk.jobs)
    for _ in range(60):
        desk.tick(seconds=15)

    assert 1 <= within_the_minute <= 3 and len(desk.jobs) <= 3
    assert alerts_of(desk) == 1000 and desk.intake.waiting() == 0


def test_an_alert_that_comes_alone_is_a_job_within_half_a_second(desk: Desk) -> None:
    desk.post(alert())

    assert desk.tick() == 0
    assert desk.tick(seconds=0.4) == 1
    job = desk.jobs[0]
    assert job["group_key"] == GROUP and job["namespace"] == "shop" and len(job["alerts"]) == 1
    assert job["selector"].startswith('{namespace="shop", pod="web-0", app!="log-analyzer"')


def test_a_job_is_as_urgent_as_its_worst_alert_and_of_one_namespace_only_where_all_are(desk: Desk) -> None:
    ordinary = [alert(number=number, labels={"severity": "warning"}) for number in range(MOST_SHOWN + 50)]
    worst = alert(labels={"namespace": "db"}, startsAt=(NOON + timedelta(minutes=1)).isoformat())
    desk.post(*ordinary)
    desk.post(*ordinary, worst, groupKey="other")
    assert desk.tick(seconds=1) == 2

    assert all(worst["labels"] != one["labels"] for one in desk.jobs[-1]["alerts"])  # it is not among those shown
    with desk.database.reading() as session:
        jobs = session.execute(select(JobRow.namespace, JobRow.priority).order_by(JobRow.number)).all()
    assert [tuple(one) for one in jobs] == [("shop", PRIORITY_ALERT), ("", PRIORITY_CRITICAL)]


def test_alerts_that_keep_coming_wait_no_longer_than_agreed(desk: Desk) -> None:
    made = 0
    for number in range(35):
        desk.post(alert(number=number))
        made += desk.tick(seconds=0.1)

    assert made == 1


def test_the_same_message_again_changes_nothing(desk: Desk) -> None:
    assert desk.post(alert()) == {"new": 1}
    desk.tick(seconds=1)
    assert desk.post(alert()) == {"known": 1}

    assert desk.tick(hours=1) == 0 and len(desk.jobs) == 1


def test_a_known_name_rests_and_an_unseen_one_passes(desk: Desk) -> None:
    desk.post(alert("ShopDown", 0))
    desk.tick(seconds=1)
    desk.post(alert("ShopDown", 1))
    assert desk.tick(seconds=60) == 0

    desk.post(alert("DiskFull", 2))
    assert desk.tick(seconds=1) == 1
    assert {one["labels"]["alertname"] for one in desk.jobs[-1]["alerts"]} == {"ShopDown", "DiskFull"}


def test_a_known_name_is_looked_at_again_after_its_rest(desk: Desk) -> None:
    desk.post(alert("ShopDown", 0))
    desk.tick(seconds=1)
    desk.post(alert("ShopDown", 1))

    assert desk.tick(minutes=4) == 0
    assert desk.tick(minutes=2) == 1


def incident(desk: Desk) -> Incident:
    verdict = Verdict(
        id="v", state=VerdictState.RULED, decided_by="rule", severity=Severity.ERROR, category=Category.NETWORK,
        cause="dns_failure", root_cause="r", component=Component(kind="app", name="web"), evidence=(), reasoning="",
        confidence=0.5,
    )  # fmt: skip
    return Incident(
        id="i", key=alert_key(GROUP), title="t", state=IncidentState.OPEN, severity=Severity.ERROR,
        category=Category.NETWORK, cause="dns_failure", namespace="shop", component="web", opened_at=NOON,
        last_seen=NOON, closed_at=None, count=1, verdict=verdict, source="alert",
    )  # fmt: skip


def test_resolved_closes_the_incident_once_its_job_has_told_of_it_and_is_not_analyzed(desk: Desk) -> None:
    desk.post(alert())
    desk.tick(seconds=1)
    desk.clock.forward(minutes=1)
    assert desk.post(over(alert(), desk.clock.now)) == {"resolved": 1}
    desk.tick(seconds=1)
    desk.incidents.record(incident(desk))
    desk.end_jobs()

    desk.tick(seconds=1)

    found = desk.incidents.get("i")
    assert found and found.state is IncidentState.CLOSED and found.closed_at == NOON + timedelta(seconds=61)
    assert len(desk.jobs) == 1


def test_what_is_left_firing_keeps_the_incident_open(desk: Desk) -> None:
    desk.post(alert(number=0), alert(number=1))
    desk.tick(seconds=1)
    desk.incidents.record(incident(desk))
    desk.end_jobs()

    desk.post(over(alert(number=0)), alert(number=1))
    desk.tick(seconds=1)
    still = desk.incidents.get("i")
    desk.post(over(alert(number=0)), over(alert(number=1)))
    desk.tick(seconds=1)
    done = desk.incidents.get("i")

    assert still and still.state is IncidentState.OPEN
    assert done and done.state is IncidentState.CLOSED


def test_a_message_that_was_cut_short_does_not_close_what_it_does_not_name(desk: Desk) -> None:
    desk.post(alert(number=0), alert(number=1))
    desk.tick(seconds=1)
    desk.incidents.record(incident(desk))
    desk.end_jobs()

    desk.post(over(alert(number=0)), truncatedAlerts=1)
    desk.tick(seconds=1)

    found = desk.incidents.get("i")
    assert found and found.state is IncidentState.OPEN


def test_a_replayed_alert_that_was_resolved_opens_nothing(desk: Desk) -> None:
    desk.post(over(alert()))

    assert desk.post(alert()) == {"stale": 1}
    assert desk.tick(minutes=1) == 0 and desk.jobs == []


def test_the_number_of_alerts_that_were_left_out_is_told_to_the_job(desk: Desk) -> None:
    desk.post(alert(), truncatedAlerts=41)
    desk.tick(seconds=1)

    assert desk.jobs[0]["truncated"] == 41


def test_alerts_about_the_analyzer_itself_are_left_alone(desk: Desk) -> None:
    counted = desk.post(alert(labels={"app": "log-analyzer"}), alert("Other"))
    desk.tick(seconds=1)

    assert counted == {"own": 1, "new": 1}
    assert [one["labels"]["alertname"] for one in desk.jobs[0]["alerts"]] == ["Other"]


def test_a_full_queue_loses_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, queue_limit=1)
    desk.queue.submit("analyze", {"text": "x"}, namespace="", priority=0)
    desk.post(alert())
    assert desk.tick(seconds=1) == 0
    desk.end_jobs()

    assert desk.tick(seconds=1) == 1
    desk.database.close()


@pytest.mark.parametrize("cut_after", ["_seal", "submit"])
def test_a_process_that_is_killed_in_between_makes_one_job_all_the_same(
    tmp_path: Path, cut_after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    desk = Desk(tmp_path)
    desk.post(alert(), alert("Other", 1))
    place = desk.queue if cut_after == "submit" else desk.intake
    real = getattr(place, cut_after)

    def then_killed(*given: object, **named: object) -> None:
        real(*given, **named)
        raise Killed

    monkeypatch.setattr(place, cut_after, then_killed)
    with pytest.raises(Killed):
        desk.tick(seconds=1)
    desk.database.close()

    again = Desk(tmp_path, clock=desk.clock)
    again.post(alert("Third", 2))
    again.tick(seconds=1)
    assert len(again.jobs) == 1 and again.jobs[0]["alert_count"] == 2
    assert again.tick(minutes=1) == 1 and again.jobs[1]["alert_count"] == 1
    again.database.close()


def test_accepted_alerts_are_there_after_a_restart(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.post(alert())
    desk.database.close()

    again = Desk(tmp_path)
    assert again.tick(seconds=1) == 1
    again.database.close()


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=400)])
def test_a_clock_that_jumps_delays_nothing(desk: Desk, jump: timedelta) -> None:
    desk.post(alert())
    desk.tick(seconds=1)
    desk.clock.now += jump
    desk.post(alert("Other", 1))

    assert desk.tick(seconds=1) == 1


def test_secrets_in_annotations_are_not_kept(desk: Desk) -> None:
    secret = "AKIAIOSFODNN7EXAMPLE"
    desk.post(alert(annotations={"summary": f"login with aws_access_key_id={secret} failed"}))
    desk.tick(seconds=1)

    assert secret not in str(desk.jobs)
    assert all(secret not in file.read_bytes().decode("latin-1") for file in desk.folder.iterdir())


def test_jobs_of_all_groups_together_are_bounded_and_the_rest_waits(tmp_path: Path) -> None:
    desk = Desk(tmp_path, jobs_a_minute=5)
    for number in range(8):
        desk.post(alert(number=number), groupKey=f"group {number}")

    assert desk.tick(seconds=1) == 5
    assert desk.tick(seconds=1) == 0 and desk.intake.waiting() == 3
    assert desk.tick(minutes=1) == 3
    desk.database.close()


def test_what_nobody_heard_of_for_long_is_forgotten(desk: Desk) -> None:
    desk.post(alert())
    desk.tick(seconds=1)

    desk.tick(days=15)

    assert desk.post(alert()) == {"new": 1}


def test_alerts_are_counted_by_what_became_of_them(desk: Desk) -> None:
    desk.post(alert(), truncatedAlerts=3)
    counted = desk.metrics.registry.get_sample_value

    assert counted("k8s_log_agent_alerts_total", {"outcome": "new"}) == 1
    assert counted("k8s_log_agent_alerts_total", {"outcome": "truncated"}) == 3


def test_a_full_batch_does_not_wait(tmp_path: Path) -> None:
    desk = Desk(tmp_path, timing=Timing(debounce=timedelta(hours=1), longest_wait=timedelta(hours=1), batch=3))
    desk.post(alert(number=0), alert(number=1))
    assert desk.tick(seconds=1) == 0
    desk.post(alert(number=2))

    assert desk.tick(seconds=1) == 1
    desk.database.close()


def test_the_thread_turns_alerts_into_jobs(desk: Desk) -> None:
    desk.post(alert())
    desk.clock.forward(seconds=1)
    desk.intake.start()
    eventually(lambda: desk.jobs)
    desk.intake.stop(30)

    assert len(desk.jobs) == 1
