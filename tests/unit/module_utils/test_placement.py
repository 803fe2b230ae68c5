from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import placement
from ansible_collections.homelab.log_intelligence.plugins.module_utils.placement import ANNOTATION, PlacementError
from hypothesis import given
from hypothesis import strategies as st

HEAVY = {"key": "heavy", "value": "true", "effect": "NoSchedule"}
UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": "2026-11-25T00:00:00Z"}


def node(labels: dict[str, str] | None = None, taints: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"metadata": {"labels": labels or {}, "resourceVersion": "7"}, "spec": {"taints": taints or []}}


def patched(before: dict[str, Any], change: placement.Plan) -> dict[str, Any]:
    after = copy.deepcopy(before)
    body = change.patch("7")
    for name, value in body["metadata"].get("labels", {}).items():
        after["metadata"]["labels"].pop(name, None)
        if value is not None:
            after["metadata"]["labels"][name] = value
    after["metadata"]["annotations"] = {
        key: value for key, value in body["metadata"]["annotations"].items() if value is not None
    }
    after["spec"] = body.get("spec", after["spec"])
    return after


def brought_to(before: dict[str, Any], labels: dict[str, Any], taints: list[dict[str, Any]]) -> dict[str, Any]:
    return patched(before, placement.plan(before, placement.wanted_of(labels, taints)))


def test_what_is_missing_is_set_and_the_next_plan_is_empty() -> None:
    before = node({"kubernetes.io/hostname": "node-2"})

    change = placement.plan(before, placement.wanted_of({"hardware": "heavy"}, [HEAVY]))
    after = patched(before, change)

    assert change.labels_set == {"hardware": "heavy"}
    assert [str(taint) for taint in change.taints_set] == ["heavy=true:NoSchedule"]
    assert after["metadata"]["labels"] == {"kubernetes.io/hostname": "node-2", "hardware": "heavy"}
    assert not placement.plan(after, placement.wanted_of({"hardware": "heavy"}, [HEAVY]))


def test_what_was_set_here_and_is_wanted_no_longer_goes_and_everything_of_others_stays() -> None:
    before = brought_to(node({"zone": "cellar"}, [UNREACHABLE]), {"hardware": "heavy"}, [HEAVY])

    after = brought_to(before, {}, [])

    assert after["metadata"]["labels"] == {"zone": "cellar"}
    assert after["spec"]["taints"] == [UNREACHABLE]
    assert after["metadata"]["annotations"] == {}


def test_a_label_that_somebody_has_given_another_value_since_is_left_to_them() -> None:
    before = brought_to(node(), {"hardware": "heavy"}, [HEAVY])
    before["metadata"]["labels"]["hardware"] = "theirs"
    before["spec"]["taints"] = [{**HEAVY, "value": "theirs"}]

    change = placement.plan(before, placement.wanted_of({}, []))

    assert change.labels_removed == ()
    assert change.taints_removed == ()
    assert change.left_alone == ("hardware", "heavy=theirs:NoSchedule")


def test_a_label_altered_from_outside_is_mended_and_only_that() -> None:
    before = brought_to(node(), {"hardware": "heavy", "rack": "1"}, [HEAVY])
    before["metadata"]["labels"]["hardware"] = "altered"

    change = placement.plan(before, placement.wanted_of({"hardware": "heavy", "rack": 1}, [HEAVY]))

    assert change.patch("7") == {
        "metadata": {
            "resourceVersion": "7",
            "labels": {"hardware": "heavy"},
            "annotations": before["metadata"]["annotations"],
        }
    }


def test_another_effect_is_another_taint_and_the_old_one_is_taken_back() -> None:
    before = brought_to(node(None, [UNREACHABLE]), {}, [HEAVY])

    change = placement.plan(before, placement.wanted_of({}, [{**HEAVY, "effect": "NoExecute"}]))

    assert [str(taint) for taint in change.taints_removed] == ["heavy=true:NoSchedule"]
    assert change.spec_taints == [UNREACHABLE, {**HEAVY, "effect": "NoExecute"}]


def test_a_changed_value_of_a_taint_replaces_it() -> None:
    before = brought_to(node(), {}, [HEAVY])

    after = brought_to(before, {}, [{**HEAVY, "value": "very"}])

    assert after["spec"]["taints"] == [{**HEAVY, "value": "very"}]


@pytest.mark.parametrize("annotation", ["no json", "[]", '{"labels": 3}', '{"taints": [{}]}'])
def test_an_annotation_that_cannot_be_read_owns_nothing(annotation: str) -> None:
    before = node({"hardware": "heavy"}, [HEAVY])
    before["metadata"]["annotations"] = {ANNOTATION: annotation}

    change = placement.plan(before, placement.wanted_of({}, []))

    assert (change.labels_removed, change.taints_removed) == ((), ())


@pytest.mark.parametrize(
    ("labels", "taints", "said"),
    [
        ({"kubernetes.io/hostname": "x"}, [], "belongs to Kubernetes"),
        ({"node-role.kubernetes.io/worker": "true"}, [], "belongs to Kubernetes"),
        ({"two words": "x"}, [], "not a name"),
        ({"hardware": "very heavy"}, [], "'very heavy'"),
        ({}, [{"key": "heavy", "effect": "Never"}], "NoSchedule, PreferNoSchedule, NoExecute"),
        ({}, [{"key": "heavy"}], "needs a key and an effect"),
        ({}, [HEAVY, {**HEAVY, "value": "other"}], "given twice"),
        ({}, [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}], "by Kubernetes itself"),
    ],
)
def test_what_kubernetes_would_refuse_or_undo_is_refused_with_the_reason(
    labels: dict[str, Any], taints: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(PlacementError, match=said):
        placement.wanted_of(labels, taints)


def test_booleans_and_numbers_of_yaml_become_the_text_that_they_look_like() -> None:
    wanted = placement.wanted_of({"on": True, "slots": 2}, [{"key": "k", "value": False, "effect": "NoSchedule"}])

    assert wanted.labels == {"on": "true", "slots": "2"}
    assert wanted.taints[0].value == "false"


names = st.sampled_from(["a", "b", "c", "example.org/d"])
label_sets = st.dictionaries(names, st.sampled_from(["1", "2", ""]))
taint_lists = st.lists(
    st.fixed_dictionaries(
        {"key": names, "effect": st.sampled_from(placement.EFFECTS), "value": st.sampled_from(["", "x", "y"])}
    ),
    unique_by=lambda taint: (taint["key"], taint["effect"]),
)


@given(theirs=label_sets, their_taints=taint_lists, first=label_sets, taints=taint_lists, then=label_sets)
def test_after_any_two_changes_the_wanted_is_there_and_a_third_run_changes_nothing(
    theirs: dict[str, str],
    their_taints: list[dict[str, str]],
    first: dict[str, str],
    taints: list[dict[str, str]],
    then: dict[str, str],
) -> None:
    once = brought_to(node(theirs, their_taints), first, taints)
    twice = brought_to(once, then, [])

    assert then.items() <= twice["metadata"]["labels"].items()
    untouched = {name: value for name, value in theirs.items() if name not in first and name not in then}
    assert untouched.items() <= twice["metadata"]["labels"].items()
    assert not (set(first) - set(then) - set(theirs)) & set(twice["metadata"]["labels"])
    assert not placement.plan(twice, placement.wanted_of(then, []))
