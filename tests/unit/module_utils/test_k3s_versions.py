"""Which version may follow which."""

from __future__ import annotations

import re

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_versions


@pytest.mark.parametrize(
    ("installed", "wanted"),
    [
        (None, "v1.36.4+k3s1"),
        ("v1.36.4+k3s1", "v1.36.4+k3s1"),
        ("v1.36.4+k3s1", "v1.36.4+k3s2"),
        ("v1.36.4-rc1+k3s1", "v1.36.4+k3s1"),
        ("v1.35.9+k3s1", "v1.36.0+k3s1"),
    ],
)
def test_the_same_and_the_next_are_taken(installed: str | None, wanted: str) -> None:
    assert k3s_versions.objection(installed, wanted) is None


@pytest.mark.parametrize(
    ("installed", "wanted", "why"),
    [
        ("v1.36.4+k3s1", "v1.36.3+k3s1", "cannot go back"),
        ("v1.36.4+k3s2", "v1.36.4+k3s1", "cannot go back"),
        ("v1.34.1+k3s1", "v1.36.4+k3s1", r"a release of v1\.35 first"),
        ("v1.36.4+k3s1", "v2.0.0+k3s1", "skipped"),
    ],
)
def test_going_back_and_skipping_are_refused(installed: str, wanted: str, why: str) -> None:
    assert re.search(why, k3s_versions.objection(installed, wanted) or "")


def test_an_agent_is_never_newer_than_its_server() -> None:
    assert k3s_versions.agent_objection("v1.36.0+k3s1", "v1.35.0+k3s1")
    assert k3s_versions.agent_objection("v1.35.9+k3s1", "v1.35.0+k3s1") is None
    assert k3s_versions.agent_objection("v1.34.0+k3s1", "v1.35.0+k3s1") is None
    assert k3s_versions.agent_objection("v1.36.0+k3s1", None) is None


def test_what_is_no_version_is_named() -> None:
    with pytest.raises(k3s_versions.VersionError, match="latest is not a K3s version"):
        k3s_versions.parse("latest")
