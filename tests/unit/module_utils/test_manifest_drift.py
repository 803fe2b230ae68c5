from __future__ import annotations

from typing import Any

from ansible_collections.homelab.log_intelligence.plugins.module_utils import manifest_drift as drift


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "uid": "1"}, "data": data}


def test_what_the_api_keeps_for_itself_is_no_difference() -> None:
    left = {**config_map("a", x="1"), "status": {"phase": "Active"}}
    right = config_map("a", x="1")
    right["metadata"] |= {"uid": "2", "managedFields": [], "resourceVersion": "9"}

    assert drift.comparable(left) == drift.comparable(right)


def test_the_difference_is_reduced_to_what_differs() -> None:
    before, after = {"spec": {"replicas": 3, "paused": False}}, {"spec": {"replicas": 1, "paused": False}}

    assert drift.difference(before, after) == ({"spec": {"replicas": 3}}, {"spec": {"replicas": 1}})


def test_a_secret_is_never_shown() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "aGVsbG8="}}
    shown = drift.Drift(secret, "/s", {**secret, "data": {"password": "b2xk"}}, secret).diff()
    made = drift.Drift(secret, "/s", None, secret).diff()

    assert "aGVsbG8=" not in str([shown, made]) and "b2xk" not in str([shown, made])


def test_helms_marks_are_added_and_the_manifest_is_left_as_it_was() -> None:
    manifest = config_map("a")

    marked = drift.owned_by_helm(manifest, "web", "shop")

    assert marked["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "Helm"}
    assert marked["metadata"]["annotations"]["meta.helm.sh/release-namespace"] == "shop"
    assert "labels" not in manifest["metadata"]
