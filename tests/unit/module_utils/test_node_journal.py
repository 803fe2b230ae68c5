"""The journal's bounds: written as asked for, and read by the daemon that runs."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.homelab.log_intelligence.plugins.module_utils import node_journal

WANTED = {"SystemMaxUse": "1G", "MaxFileSec": "1week"}


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
    return path


def test_the_file_holds_what_is_wanted_whatever_else_is_there(tmp_path: Path) -> None:
    text = "# a comment\n[Journal]\nSystemMaxUse=1G\nMaxFileSec=1week\nStorage=persistent\n"
    assert node_journal.is_written(written(tmp_path / "own.conf", text), WANTED)


def test_another_value_section_or_mode_is_seen(tmp_path: Path) -> None:
    path = written(tmp_path / "own.conf", "[Journal]\nSystemMaxUse=2G\nMaxFileSec=1week\n")
    assert not node_journal.is_written(path, WANTED)
    assert not node_journal.is_written(written(path, "[Other]\nSystemMaxUse=1G\nMaxFileSec=1week\n"), WANTED)
    assert not node_journal.is_written(written(path, "no section\n"), WANTED)
    assert not node_journal.is_written(tmp_path / "absent", WANTED)
    written(path, "[Journal]\nSystemMaxUse=1G\nMaxFileSec=1week\n").chmod(0o600)
    assert not node_journal.is_written(path, WANTED)


def test_a_daemon_that_is_older_than_the_file_has_not_read_it(tmp_path: Path) -> None:
    path = written(tmp_path / "own.conf", "[Journal]\n")
    now = path.stat().st_mtime
    assert node_journal.is_taken(path, now + 1)
    assert not node_journal.is_taken(path, now - 60)
    assert not node_journal.is_taken(path, None)
