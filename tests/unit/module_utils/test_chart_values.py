from __future__ import annotations

from typing import Any

from ansible_collections.homelab.log_intelligence.plugins.module_utils import chart_values
from hypothesis import given
from hypothesis import strategies as st

KNOWN = {"replicas": 1, "image": {"tag": "1", "pullPolicy": "Always"}, "extra": {}, "list": [{"a": 1}]}
TREES = st.recursive(
    st.integers(),
    lambda inner: st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)


def unknown(values: dict[str, Any], *free: str) -> list[tuple[str, str]]:
    return [(one.path, one.meant) for one in chart_values.unknown_keys(values, KNOWN, free)]


def test_a_misspelt_key_is_found_at_any_depth_with_the_right_one() -> None:
    assert unknown({"replica": 2}) == [("replica", "replicas")]
    assert unknown({"image": {"pulPolicy": "Never"}}) == [("image.pulPolicy", "pullPolicy")]


def test_a_key_like_no_other_is_unknown_without_a_guess() -> None:
    assert unknown({"zzz": 1}) == [("zzz", "")]


def test_anything_goes_below_an_empty_mapping_and_below_a_free_path() -> None:
    assert unknown({"extra": {"anything": {"at": "all"}}}) == []
    assert unknown({"image": {"other": 1}}, "image.other") == []


def test_merging_keeps_what_the_user_does_not_name() -> None:
    assert chart_values.merge(KNOWN, {"image": {"tag": "2"}})["image"] == {"tag": "2", "pullPolicy": "Always"}


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), TREES, max_size=4))
def test_a_charts_own_values_are_never_unknown(values: dict[str, Any]) -> None:
    assert list(chart_values.unknown_keys(values, values)) == []
