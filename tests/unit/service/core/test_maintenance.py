"""What a running service does by itself, now and then."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from k8s_log_agent.service.maintenance import Maintenance
from tests.service_core import incident, kept_in, sqlite_in

DAY = 24 * 3600


def test_what_is_old_is_removed_and_what_was_lost_is_done_again(tmp_path: Path) -> None:
    rung: list[bool] = []
    logged: list[str] = []
    with kept_in(sqlite_in(tmp_path)) as kept:
        maintenance = Maintenance(
            kept.queue,
            kept.incidents,
            retention=timedelta(days=1),
            clock=kept.clock,
            log=logged.append,
            ring=lambda: rung.append(True),
        )
        kept.incidents.record(incident("old"))
        kept.queue.submit("analyze", {"text": "a line"}, namespace="a", priority=0)
        assert kept.queue.claim() is not None
        maintenance.once()
        assert kept.incidents.get("old") is not None
        assert (rung, logged, kept.queue.depth()) == ([], [], 0)

        kept.clock.advance(2 * DAY)
        kept.incidents.record(incident("new"))
        maintenance.once()

        assert kept.incidents.get("old") is None
        assert kept.incidents.get("new") is not None
        assert (rung, kept.queue.depth()) == ([True], 1)
        assert len(logged) == 2
