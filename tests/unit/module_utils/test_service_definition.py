from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.service_definition import (
    ServiceDefinition,
    UnusableDefinitionError,
)

DEFINITION = ServiceDefinition(
    name="sample",
    command=("/bin/echo", "two words", "100 %", "$HOME", 'a "quote"'),
    directory="/tmp",
    run_dir="/tmp/run",
    log_file="/tmp/sample.log",
    environment={"A": "1"},
    inputs={"model": "abc"},
)


@pytest.mark.parametrize(
    "change",
    [{"command": ("/bin/true",)}, {"environment": {"A": "2"}}, {"inputs": {"model": "abd"}}, {"directory": "/"}],
)
def test_the_fingerprint_changes_with_whatever_the_process_depends_on(change: dict[str, object]) -> None:
    assert replace(DEFINITION, **change).fingerprint != DEFINITION.fingerprint  # type: ignore[arg-type] # varied on purpose


@pytest.mark.parametrize("change", [{"log_max_bytes": 5}, {"stop_seconds": 5}])
def test_the_fingerprint_stays_when_the_process_would_not_notice(change: dict[str, object]) -> None:
    assert replace(DEFINITION, **change).fingerprint == DEFINITION.fingerprint  # type: ignore[arg-type] # varied on purpose


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "sample.service"
    unit.write_text(DEFINITION.as_systemd_unit())

    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(unit)], capture_output=True, text=True, check=False
    )

    assert "sample.service" not in done.stderr, done.stderr


def test_a_value_that_supervisord_could_not_read_is_refused() -> None:
    with pytest.raises(UnusableDefinitionError, match="quotation mark"):
        replace(DEFINITION, environment={"A": 'say "hi"'}).as_supervisord_program()
