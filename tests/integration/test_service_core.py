"""The storage of the service, the same on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, inspect

from k8s_log_agent.records import Severity
from k8s_log_agent.service.alerts import tables as tables_of_alerts
from k8s_log_agent.service.database import EMPTY, Database
from k8s_log_agent.service.models import Feedback, IncidentQuery, IncidentState, ShownLine
from k8s_log_agent.service.outbox import Delivery
from k8s_log_agent.service.storage_errors import DatabaseError, DatabaseInUseError, StorageFullError
from k8s_log_agent.service.store import CursorError, UnknownIncidentError
from k8s_log_agent.service.tables import Table
from tests.integration.service_databases import address, kept, postgresql  # noqa: F401 - fixtures
from tests.service_core import START, Kept, incident, kept_in, sqlite_in, verdict

FULL = "PRAGMA max_page_count = 90"  # some more than the empty tables take


def found(kept: Kept, **asked: object) -> list[str]:  # noqa: F811 - the fixture, as pytest gives it
    return [one.id for one in kept.incidents.search(IncidentQuery(**asked)).incidents]  # type: ignore[arg-type] # fields


def test_the_migrations_make_what_the_tables_say_and_leave_nothing_behind(address: str) -> None:  # noqa: F811 - as above
    database = Database(address)
    try:
        database.migrate()
        database.migrate()  # a second start changes nothing
        made = inspect(database.engine)
        for table in Table.metadata.sorted_tables:
            columns = {column["name"]: column["nullable"] for column in made.get_columns(table.name)}
            assert columns == {column.name: column.nullable for column in table.columns}, table.name
            assert {index.name for index in table.indexes} <= {one["name"] for one in made.get_indexes(table.name)}
        database.migrate("0001")
        assert tables_of_alerts.AlertGroupRow.__tablename__ not in inspect(database.engine).get_table_names()
        database.migrate(EMPTY)
        assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
        database.migrate()
        database.check()
    finally:
        database.close()


def test_an_incident_comes_back_as_it_was_kept_but_for_what_no_database_keeps(kept: Kept) -> None:  # noqa: F811 - as above
    new = incident("a", alerts=("DatabaseDown",), selector='{namespace="payments"}', source="alert")
    hostile = replace(new, title="a \x00 nul and half \ud800 of a pair")

    kept.incidents.record(hostile)

    assert kept.incidents.get("a") == replace(new, title="a \N{REPLACEMENT CHARACTER} nul and half "
                                                         "\N{REPLACEMENT CHARACTER} of a pair")  # fmt: skip
    assert kept.incidents.get("b") is None


def test_the_same_trouble_is_one_incident_while_it_is_open_and_another_after(kept: Kept) -> None:  # noqa: F811 - as above
    kept.incidents.record(incident("a", alerts=("One",)))
    worse = verdict(severity=Severity.CRITICAL)
    merged = kept.incidents.record(
        incident("b", key="key-a", seconds=60, count=4, alerts=("Two",), verdict=worse, severity=Severity.CRITICAL)
    )

    assert (merged.id, merged.count, merged.alerts, merged.severity) == ("a", 5, ("One", "Two"), Severity.CRITICAL)
    assert (merged.opened_at, merged.last_seen) == (START, START + timedelta(seconds=60))

    closed = kept.incidents.close("key-a", START + timedelta(seconds=90))
    assert closed is not None
    assert (closed.state, closed.closed_at) == (IncidentState.CLOSED, START + timedelta(seconds=90))
    assert kept.incidents.close("key-a", START) is None
    assert kept.incidents.record(incident("c", key="key-a", seconds=120)).id == "c"


def test_words_are_found_by_their_beginning_whatever_stands_between_them(kept: Kept) -> None:  # noqa: F811 - as above
    kept.incidents.record(incident("a"))
    other = verdict(root_cause="A name cannot be resolved.", evidence=(), cause="dns_failure")
    kept.incidents.record(incident("b", verdict=other, lines=(), namespace="shop"))

    assert found(kept, text="PAYMENTS 5432") == ["a"]
    assert found(kept, text="db-0.pay") == ["a"]
    assert found(kept, text="resolv") == ["b"]
    assert found(kept, text="resolved payments") == []
    assert found(kept, text="%_'\"*) OR (") == []
    assert found(kept, text="...") == []


def test_filters_narrow_and_bounds_of_time_exclude_the_end(kept: Kept) -> None:  # noqa: F811 - as above
    kept.incidents.record(incident("a"))
    kept.incidents.record(incident("b", seconds=10, severity=Severity.WARN, namespace="shop", cause="dns_failure"))
    kept.incidents.close("key-a", START)

    assert found(kept) == ["b", "a"]
    assert found(kept, severities=frozenset({Severity.WARN})) == ["b"]
    assert found(kept, states=frozenset({IncidentState.CLOSED})) == ["a"]
    assert found(kept, namespace="shop") == found(kept, cause="dns_failure") == ["b"]
    assert found(kept, since=START + timedelta(seconds=10)) == ["b"]
    assert found(kept, until=START + timedelta(seconds=10)) == ["a"]


def test_pages_neither_lose_nor_repeat_though_new_incidents_come_in_between(kept: Kept) -> None:  # noqa: F811 - as above
    for number in range(25):
        kept.incidents.record(incident(f"i{number}", seconds=number // 5))  # five of each time

    seen: list[str] = []
    cursor = ""
    for turn in range(4):
        page = kept.incidents.search(IncidentQuery(limit=7, cursor=cursor))
        assert page.total == 25 + turn
        seen += [one.id for one in page.incidents]
        cursor = page.next_cursor
        kept.incidents.record(incident(f"late{turn}", seconds=100 + turn))

    assert cursor == ""
    assert sorted(seen) == sorted(f"i{number}" for number in range(25))
    with pytest.raises(CursorError):
        kept.incidents.search(IncidentQuery(cursor="bm9uc2Vuc2U"))


def test_a_trend_counts_by_the_hour(kept: Kept) -> None:  # noqa: F811 - as above
    kept.incidents.record(incident("a", count=3))
    kept.incidents.record(incident("b", key="key-a", seconds=3600))
    kept.incidents.record(incident("c", seconds=-24 * 3600))

    trend = kept.incidents.trend(["a", "c", "unknown"], START + timedelta(hours=1, minutes=59), hours=3)

    assert trend == {"a": (0, 3, 1), "c": (0, 0, 0), "unknown": (0, 0, 0)}


def test_what_people_say_is_kept_with_the_incident_and_told_on(kept: Kept) -> None:  # noqa: F811 - as above
    kept.incidents.record(incident("a"))
    said = Feedback(START, "ada", "wrong", "dns_failure", "the name server was down")

    assert kept.incidents.add_feedback("a", said).feedback == (said,)
    with pytest.raises(UnknownIncidentError):
        kept.incidents.add_feedback("b", said)

    last = kept.outbox.due("chroma", 10)[-1].payload
    assert last is not None
    assert (last["right_cause"], last["judged_by"]) == ("dns_failure", "ada")


def test_a_change_and_its_telling_are_kept_together_or_not_at_all(kept: Kept) -> None:  # noqa: F811 - as above
    with pytest.raises(RuntimeError), kept.database.writing() as session:
        kept.incidents.record_within(session, incident("a"))
        raise RuntimeError("the process ends here")

    assert kept.incidents.get("a") is None
    assert kept.outbox.waiting() == {"loki": 0, "chroma": 0}
    assert found(kept, text="payments") == []


def test_what_is_told_again_is_the_same_and_counts_once(kept: Kept) -> None:  # noqa: F811 - as above
    for number in range(3):
        kept.clock.advance(1)
        kept.incidents.record(incident(f"i{number}"))
    first = _told(kept.outbox.due("loki", 100))
    assert kept.incidents.tell_anew() == 3
    assert kept.outbox.waiting()["loki"] == 3  # they wait already

    kept.outbox.delivered(kept.outbox.due("loki", 100))
    kept.clock.advance(60)
    kept.incidents.tell_anew()

    assert _told(kept.outbox.due("loki", 100)) == first


def test_a_target_that_fails_is_left_alone_for_longer_each_time_and_in_order(kept: Kept) -> None:  # noqa: F811 - as above
    for name in ("a", "b", "c"):
        kept.incidents.record(incident(name))
    for wait in (1, 2, 4):
        waiting = kept.outbox.due("loki", 2)
        assert [one.incident for one in waiting] == ["a", "b"]
        kept.outbox.failed(waiting, "no route")
        kept.clock.advance(wait - 0.1)
        assert kept.outbox.due("loki", 10) == []
        assert len(kept.outbox.due("chroma", 10)) == 3
        kept.clock.advance(0.2)


def test_no_change_overtakes_an_older_one_that_waits_for_another_attempt(kept: Kept) -> None:  # noqa: F811 - as above
    kept.incidents.record(incident("a"))
    kept.outbox.failed(kept.outbox.due("chroma", 10), "no route")
    kept.incidents.add_feedback("a", Feedback(START, "ada", "correct"))

    assert kept.outbox.due("chroma", 10) == []  # else the older one would come last, and undo the newer
    kept.clock.advance(1.1)
    assert [one.revision for one in kept.outbox.due("chroma", 10)] == [1, 2]


def test_what_did_not_change_for_long_is_removed_with_all_that_belongs_to_it(kept: Kept) -> None:  # noqa: F811 - as above
    kept.incidents.record(incident("old"))
    kept.incidents.add_feedback("old", Feedback(START, "ada", "correct"))
    kept.clock.advance(3600)
    kept.incidents.record(incident("new", seconds=-9999))  # its lines are old, the incident is not

    assert kept.incidents.remove_older(kept.clock() - timedelta(minutes=30)) == 1

    assert found(kept) == found(kept, text="payments") == ["new"]
    assert [(one.incident, one.payload) for one in kept.outbox.due("chroma", 10)][-1] == ("old", None)
    assert {one.incident for one in kept.outbox.due("loki", 10)} == {"new"}


def test_on_a_full_disk_reading_goes_on_and_writing_says_so(tmp_path: Path) -> None:
    with kept_in(sqlite_in(tmp_path)) as kept:  # noqa: F811 - as above
        kept.incidents.record(incident("a"))
        event.listen(kept.database.engine, "begin", lambda connection: connection.exec_driver_sql(FULL))

        with pytest.raises(StorageFullError, match="Make room"):
            kept.incidents.record(incident("b", lines=(ShownLine(1, None, "pod.log", "x" * 500_000, cited=False),)))

        assert found(kept) == ["a"]
        assert kept.incidents.get("b") is None


def test_two_processes_on_one_sqlite_file_are_refused(tmp_path: Path) -> None:
    first = Database(sqlite_in(tmp_path))
    with pytest.raises(DatabaseInUseError, match="in use by process"):
        Database(sqlite_in(tmp_path))
    first.close()
    Database(sqlite_in(tmp_path)).close()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:////no/such/folder/x.db", "nonsense", "postgresql://nobody@127.0.0.1:1/x"]
)
def test_an_address_that_cannot_be_used_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"[.:] "):
        Database(url)


def _told(deliveries: list[Delivery]) -> list[tuple[str, int, object]]:
    return [(one.incident, one.revision, one.payload) for one in deliveries]
