"""Ranking: the cause before its consequences, the first error before later ones, nothing where nothing fits."""

from __future__ import annotations

from dataclasses import replace

from k8s_log_agent.records import Event, LogLine, StreamKey
from k8s_log_agent.understand.overview import Overview
from k8s_log_agent.understand.pipeline import Understanding
from k8s_log_agent.understand.ranking import rank_causes

SECOND = 10**9
START = 1_800_000_000 * SECOND


def events(*texts: str) -> list[Event]:
    """One event a text, a second apart, as the whole understanding makes them."""
    stream = StreamKey("shop", "web-1", "web", "stdout")
    lines = (LogLine(stream, n, START + n * SECOND, text, "0.log") for n, text in enumerate(texts, start=1))
    return list(Understanding.default().events(lines))


def codes(*texts: str) -> list[str]:
    return [ranked.code for ranked in rank_causes(events(*texts))]


def test_nothing_is_ranked_where_no_rule_fits() -> None:
    assert codes("level=error msg=failed", "exit status 1") == []


def test_a_consequence_stands_behind_its_cause_even_when_it_comes_first() -> None:
    ranked = codes(
        "Back-off restarting failed container web in pod web-1_shop",
        'level=error msg="open /data/db: no space left on device"',
        "Back-off restarting failed container web in pod web-1_shop",
    )

    assert ranked == ["disk_full", "backoff_limit"]


def test_a_consequence_alone_keeps_its_score() -> None:
    alone = rank_causes(events("Back-off restarting failed container web in pod web-1_shop"))
    beside = rank_causes(
        events("Back-off restarting failed container web in pod web-1_shop", "ERROR no space left on device")
    )

    assert alone[0].code == "backoff_limit"
    assert alone[0].score > next(ranked.score for ranked in beside if ranked.code == "backoff_limit")


def test_of_two_equal_causes_the_first_wins() -> None:
    full = 'level=error msg="write /data/a: no space left on device"'
    locked = 'level=error msg="disk full" err="no space left on device"'
    first = rank_causes(events(full, 'level=error msg="page verification failed: checksum mismatch"'))
    other = rank_causes(events('level=error msg="page verification failed: checksum mismatch"', locked))

    assert first[0].code == "disk_full"
    assert other[0].code == "data_corrupted"


def test_repetition_adds_little() -> None:
    line = 'level=error msg="dial tcp 10.43.0.5:8080: connect: connection refused"'
    few, many = rank_causes(events(line, line)), rank_causes(events(*[line] * 500))

    assert few[0].score < many[0].score < few[0].score * 1.15


def test_an_exception_around_another_error_is_not_the_cause() -> None:
    ranked = codes(
        "Traceback (most recent call last):",
        '  File "/app/main.py", line 3, in <module>',
        "    connect()",
        'psycopg2.OperationalError: connection to server at "db", port 5432 failed: Connection refused',
    )

    assert ranked[0] == "db_unavailable"


def test_an_exception_of_the_code_itself_is_the_cause() -> None:
    ranked = codes(
        "Traceback (most recent call last):",
        '  File "/app/main.py", line 3, in <module>',
        "    total(None)",
        "AttributeError: 'NoneType' object has no attribute 'items'",
    )

    assert ranked[0] == "unhandled_exception"


def test_a_failure_that_is_tried_again_counts_less() -> None:
    retried = rank_causes(events('level=warn msg="call failed, will retry: relay answered 503 Service Unavailable"'))
    final = rank_causes(events('level=warn msg="call failed: relay answered 503 Service Unavailable"'))

    assert retried[0].code == final[0].code == "external_api_failure"
    assert retried[0].score < final[0].score


def test_what_a_program_calls_over_counts_less() -> None:
    lost = '{"level":"info","msg":"raft.node: cf54 lost leader b6ae at term 3"}'
    won = '{"level":"info","msg":"raft.node: cf54 elected leader cf54 at term 3"}'
    over, open_ = rank_causes(events(lost, won)), rank_causes(events(won, lost))

    assert [ranked.code for ranked in over] == [ranked.code for ranked in open_] == ["leader_lost"]
    assert over[0].score < open_[0].score


def test_evidence_is_the_statement_of_the_cause_once_a_signature() -> None:
    line = 'level=error msg="open /data/a: no space left on device"'
    ranked = rank_causes(events("level=info msg=started", line, line, "level=error msg=stopped"))

    assert [event.lines for event in ranked[0].evidence] == [(2,)]


def test_noise_takes_no_part() -> None:
    marked = [replace(event, noise_rule="some-rule") for event in events("ERROR no space left on device")]

    assert rank_causes(marked) == []


def test_events_without_time_stay_where_they_stood() -> None:
    timeless = [replace(event, timestamp=None) for event in events("ERROR no space left on device", "ERROR disk full")]

    assert rank_causes(timeless)[0].evidence[0].lines == (1,)


def test_signatures_go_by_severity_and_number_and_noise_only_when_asked_for() -> None:
    made = events(
        "level=info msg=started",
        "level=error msg=broken",
        "level=error msg=lost",
        "level=error msg=lost",
        "level=warn msg=old",
    )
    made[1] = replace(made[1], noise_rule="some-rule")
    overview = Overview()
    for event in made:
        overview.add(event)

    assert [row.exemplar.message for row in overview.ranked()] == ["lost", "old", "started"]
    assert [row.count for row in overview.ranked()] == [2, 1, 1]
    assert [row.exemplar.message for row in overview.ranked(noise=True)] == ["lost", "broken", "old", "started"]
