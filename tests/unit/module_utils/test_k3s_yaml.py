"""Settings written as YAML mean what was given."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_yaml
from hypothesis import given
from hypothesis import strategies as st

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=12)
SETTINGS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=3),
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), SETTINGS, max_size=4))
def test_a_yaml_reader_gets_back_what_was_given(settings: dict[str, Any]) -> None:
    assert yaml.safe_load(k3s_yaml.render(settings)) == settings


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "null", "1.5", "0o17", "0600", "2026-11-25", "~", "a: b", "# c", "v1.36.4+k3s1"]
)
def test_a_string_that_yaml_takes_for_something_else_stays_a_string(text: str) -> None:
    assert yaml.safe_load(k3s_yaml.render({"key": text, "list": [text]})) == {"key": text, "list": [text]}


def test_settings_read_like_those_of_a_person() -> None:
    assert k3s_yaml.render({"disable": ["traefik"], "secrets-encryption": True, "write-kubeconfig-mode": "0600"}) == (
        'disable:\n  - traefik\nsecrets-encryption: true\nwrite-kubeconfig-mode: "0600"\n'
    )
