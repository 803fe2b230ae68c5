from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.supervisord import Supervisord


@pytest.mark.parametrize(
    ("state", "told", "pid"),
    [
        ("RUNNING", 71, 71),
        ("STARTING", 72, 72),
        ("BACKOFF", 0, 0),
        ("EXITED", 0, 0),  # just killed, and started again at the supervisor's next look
        ("STOPPED", 0, None),
        ("FATAL", 0, None),
    ],
)
def test_a_service_that_the_supervisor_will_start_again_is_not_taken_for_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: str, told: int, pid: int | None
) -> None:
    supervisor = Supervisord(tmp_path, "supervisord")
    rpc = SimpleNamespace(getProcessInfo=lambda _: {"pid": told, "statename": state})
    monkeypatch.setattr(Supervisord, "alive", lambda _: True)
    monkeypatch.setattr(Supervisord, "_rpc", lambda _: rpc)

    assert supervisor.pid("sample") == pid
