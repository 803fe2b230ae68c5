"""A molecule scenario that cannot run here is left out with what it lacks, and one that can is not."""

from __future__ import annotations

import pytest

from tools.check import why_not_here

ON_NODES = "create: molecule/shared/create.yml\n"


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("K3S_BINARY", "K3S_IMAGES", "MOLECULE_ALL"):
        monkeypatch.delenv(name, raising=False)


def test_one_on_nodes_needs_nodes() -> None:
    assert why_not_here(ON_NODES, "needs root") == "needs root"
    assert why_not_here(ON_NODES, "") == ""
    assert why_not_here("driver:\n", "needs root") == ""


def test_one_for_a_real_k3s_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = f"# Needs K3S_BINARY (and K3S_VERSION) and K3S_IMAGES: nothing can stand in.\n{ON_NODES}"
    assert why_not_here(scenario, "") == "needs a real K3s: set K3S_BINARY and K3S_IMAGES"
    monkeypatch.setenv("K3S_BINARY", "/k3s")
    assert why_not_here(scenario, "") == "needs a real K3s: set K3S_IMAGES"
    monkeypatch.setenv("K3S_IMAGES", "/images")
    assert why_not_here(scenario, "") == ""


def test_a_long_one_is_left_out_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = f"# Only with MOLECULE_ALL or K3S_BINARY.\n{ON_NODES}"
    assert "MOLECULE_ALL=1" in why_not_here(scenario, "")
    monkeypatch.setenv("MOLECULE_ALL", "1")
    assert why_not_here(scenario, "") == ""
