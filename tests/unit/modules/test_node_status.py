"""The one question about a machine: nothing is due where all is as asked for, and each thing that drifts is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.modules import node_status

from tests.module_door import run_module

KERNEL = "kernel.ostype"  # everywhere the same, and never to be set


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    settings, journal = tmp_path / "sysctl.conf", tmp_path / "journal.conf"
    settings.write_text(f"{KERNEL} = Linux\n", encoding="utf-8")
    journal.write_text("[Journal]\nSystemMaxUse=1G\n", encoding="utf-8")
    journal.chmod(0o644)
    os.utime(journal, (1, 1))  # before any daemon was started, also where none runs
    return {
        "modules_path": str(tmp_path / "modules.conf"),
        "settings": [{"name": KERNEL, "value": "Linux"}],
        "settings_path": str(settings),
        "journal": {"SystemMaxUse": "1G"},
        "journal_path": str(journal),
    }


packaged = pytest.mark.skipif(
    not (shutil.which("dpkg-query") or shutil.which("rpm")), reason="this machine has neither dpkg nor rpm"
)


def due(asked: dict[str, Any]) -> Any:
    return run_module("node_status", asked)["due"]


@packaged
def test_nothing_is_due_where_all_is_as_asked_for(asked: dict[str, Any]) -> None:
    assert due(asked) == []


@packaged
def test_a_package_that_is_not_there_is_due(asked: dict[str, Any]) -> None:
    assert due({**asked, "deb": ["absent-from-everywhere"], "rpm": ["absent-from-everywhere"]}) == ["packages"]


@packaged
def test_a_setting_that_the_kernel_or_the_file_has_otherwise_is_due(asked: dict[str, Any]) -> None:
    assert due({**asked, "settings": [{"name": KERNEL, "value": "Other"}]}) == ["kernel"]
    Path(asked["settings_path"]).unlink()
    assert due(asked) == ["kernel"]


@packaged
def test_bounds_of_the_journal_that_are_not_written_or_not_taken_are_due(asked: dict[str, Any]) -> None:
    assert due({**asked, "journal": {"SystemMaxUse": "2G"}}) == ["journal"]
    os.utime(asked["journal_path"], (4e9, 4e9))
    assert due(asked) == ["journal"]


def test_modules_that_are_not_loaded_or_not_kept_for_the_next_start_are_due(tmp_path: Path) -> None:
    path = tmp_path / "modules.conf"
    loaded = {"overlay": "loaded", "br_netfilter": "loaded", "nf_conntrack": "built in"}
    assert node_status._lacks_modules(path, loaded)
    path.write_text("overlay\nbr_netfilter\n", encoding="utf-8")
    path.chmod(0o644)
    assert not node_status._lacks_modules(path, loaded)
    assert node_status._lacks_modules(path, {**loaded, "br_netfilter": "loadable"})
    path.chmod(0o666)
    assert node_status._lacks_modules(path, loaded)
    assert not node_status._lacks_modules(tmp_path / "absent", {"overlay": "built in"})


def test_a_setting_needs_a_value_or_a_minimum(asked: dict[str, Any]) -> None:
    assert run_module("node_status", {**asked, "settings": [{"name": KERNEL}]})["failed"]
