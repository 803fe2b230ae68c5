from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from k8s_log_agent.commands import keys as verb
from k8s_log_agent.service.security.key_file import (
    KeyFileError,
    KeysOpenToOthersError,
    create_key,
    read_keys,
    recognised,
    revoke_key,
)
from k8s_log_agent.service.security.principals import Scope

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "keys.json"


def made(file: Path, *scopes: Scope, expires_at: datetime | None = None) -> str:
    return create_key(file, "grafana", scopes or ("read",), NOW, expires_at)[1]


def test_a_key_is_recognised_and_only_its_hash_is_kept(file: Path) -> None:
    key = made(file, "read", "analyze")

    found = recognised(read_keys(file), key, NOW)
    assert found and found.name == "grafana" and found.scopes == {"read", "analyze"}
    assert key.split("_", 2)[2] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("change", ["{}x", "x{}", "{}\n", "kla_000000000000_" + "A" * 43, "", "kla__", "\ud800"])
def test_another_text_is_not(file: Path, change: str) -> None:
    key = made(file)

    assert recognised(read_keys(file), change.format(key), NOW) is None


def test_a_key_ends_at_its_time(file: Path) -> None:
    key = made(file, expires_at=NOW + timedelta(days=1))

    assert recognised(read_keys(file), key, NOW + timedelta(hours=23))
    assert recognised(read_keys(file), key, NOW + timedelta(days=1)) is None


def test_a_revoked_key_is_gone_and_the_others_stay(file: Path) -> None:
    first, second = made(file), made(file)
    revoke_key(file, first.split("_")[1])

    assert recognised(read_keys(file), first, NOW) is None and recognised(read_keys(file), second, NOW)
    with pytest.raises(KeyFileError, match=second.split("_")[1]):
        revoke_key(file, "000000000000")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o620, 0o666])
def test_a_file_that_others_could_read_or_write_is_refused(file: Path, mode: int) -> None:
    made(file)
    file.chmod(mode)

    with pytest.raises(KeysOpenToOthersError, match="chmod 600"):
        read_keys(file)


def test_a_file_that_its_group_may_read_is_taken_as_kubernetes_mounts_it_so(file: Path) -> None:
    made(file)
    file.chmod(0o440)

    assert len(read_keys(file)) == 1


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2, "keys": []}', '{"version": 1, "keys": [{"id": 1}]}'])
def test_a_file_that_is_none_says_so(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    file.chmod(0o600)

    with pytest.raises(KeyFileError):
        read_keys(file)


def test_keys_that_are_made_at_once_are_all_kept(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _number: made(file), range(24)))

    assert len(read_keys(file)) == 24


def run(*arguments: object) -> Result:
    app = typer.Typer()
    verb.add_to(app)
    app.callback()(lambda: None)
    return CliRunner().invoke(app, ["keys", *map(str, arguments)])


def test_the_command_makes_lists_and_revokes(file: Path) -> None:
    created = run("create", "--name", "grafana", "--scope", "read", "--expires", "90d", "--file", file)
    key = created.stdout.strip()
    listed = run("list", "--file", file)
    revoked = run("revoke", key.split("_")[1], "--file", file)

    assert created.exit_code == listed.exit_code == revoked.exit_code == 0
    assert key.startswith("kla_") and key not in listed.output and "grafana" in listed.stdout
    assert read_keys(file) == ()


@pytest.mark.parametrize(
    "wrong", [["--scope", "root"], ["--scope", "read", "--expires", "soon"], ["--scope", "read", "--name", ""]]
)
def test_the_command_says_what_is_wrong(file: Path, wrong: list[str]) -> None:
    done = run("create", "--name", "x", *wrong, "--file", file)

    assert done.exit_code == 1 and done.stderr.strip() and not file.exists()


def test_the_command_asks_for_the_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.delenv(verb.VARIABLE, raising=False)
    assert run("list").exit_code == 2
    made(file)
    monkeypatch.setenv(verb.VARIABLE, str(file))
    assert "grafana" in run("list").stdout


def test_what_is_kept_has_a_version(file: Path) -> None:
    made(file)

    assert json.loads(file.read_text())["version"] == 1
