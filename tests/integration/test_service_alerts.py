"""Alerts behave the same on both kinds of databases, and several processes may take them in on one PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import inspect

from tests.alert_desk import Desk, alert, over
from tests.integration.service_databases import address, postgresql  # noqa: F401 - fixtures


def test_alerts_become_jobs_and_are_known_again(address: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    desk = Desk(tmp_path, url=address)
    hostile = {"pod": "\0'; DROP TABLE alert; --", "namespace": "\U0001f600"}
    counted = [desk.post(alert(), alert("Other", 1, labels=hostile)), desk.post(alert())]
    submitted = desk.tick(seconds=1)
    counted.append(desk.post(over(alert()), over(alert("Other", 1, labels=hostile))))
    desk.end_jobs()
    desk.tick(seconds=1)

    assert counted == [{"new": 2}, {"known": 1}, {"resolved": 2}]
    assert submitted == 1 and desk.jobs[0]["alert_count"] == 2
    assert desk.tick(hours=1) == 0
    desk.database.close()


def test_old_alerts_are_forgotten(address: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    desk = Desk(tmp_path, url=address)
    desk.post(alert())
    desk.tick(seconds=1)
    desk.tick(days=15)

    assert desk.post(alert()) == {"new": 1}
    desk.database.close()


def test_the_tables_go_down_and_up_again(address: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    desk = Desk(tmp_path, url=address)
    desk.database.migrate("0001")
    assert not {"alert", "alert_group", "notice"} & set(inspect(desk.database.engine).get_table_names())
    desk.database.migrate()
    assert desk.post(alert()) == {"new": 1}
    desk.database.close()


def test_replicas_that_see_the_same_group_make_one_job_of_it(postgresql: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    desks = [Desk(tmp_path, url=postgresql) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: desks[number % 3].post(alert(number=number)), range(30)))
        list(pool.map(lambda desk: desk.tick(seconds=1), desks * 4))

    assert [job["alert_count"] for job in desks[0].jobs] == [30]
    for desk in desks:
        desk.database.close()
