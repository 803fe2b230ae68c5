"""What verify expects is what roles and inventories say: models, components, labels of pods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification.nodes import PLACES

ROOT = Path(__file__).resolve().parents[3]


def _read(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    return loaded


def _play(name: str) -> dict[str, Any]:
    """The play of the playbook that is for the cluster."""
    plays = yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = next(play for play in plays if play["hosts"] == "kubernetes")
    return found


@pytest.mark.parametrize("site", ["homelab", "lab"])
def test_each_served_model_is_brought_with_the_same_name_size_and_hash(site: str) -> None:
    given = _read(f"inventory/{site}/group_vars/all/platform.yml")
    served = given.get("llama_cpp_models") or _read("roles/llama_cpp/defaults/main.yml")["llama_cpp_models"]
    known = _read("roles/models/vars/main.yml")["_models_known"]
    brought = [known[profile] for profile in given["log_intelligence_models"]]
    names = ("file", "sha256", "size_bytes", "alias")
    assert {tuple(str(model[name]) for name in names) for model in served} == {
        tuple(str(model[name]) for name in names) for model in brought
    }


@pytest.mark.parametrize("site", ["homelab", "lab"])
def test_the_components_of_a_site_are_known(site: str) -> None:
    known = {place.component for place in PLACES}
    assert set(_read(f"inventory/{site}/group_vars/all/platform.yml")["log_intelligence_components"]) <= known


def test_without_a_list_all_components_are_verified() -> None:
    known = {place.component for place in PLACES}
    assert set(_play("verify")["vars"]["_everything"]) == known


def test_every_role_that_can_be_taken_off_the_cluster_is_known_to_uninstall() -> None:
    given = _play("uninstall")["vars"]
    entries = {
        path.parts[-3]: yaml.safe_load(path.read_text()) for path in ROOT.glob("roles/*/meta/argument_specs.yml")
    }
    asked = {role: entry["argument_specs"].get("remove", {}).get("options", {}) for role, entry in entries.items()}
    removable = {role for role, options in asked.items() if f"{role}_kubeconfig" in options}
    removable -= {"helm_release", "node_placement"}  # no component of the platform
    required = {name for role in removable for name, option in asked[role].items() if option.get("required")}
    assert sorted(given["_removable"]) == sorted(removable)
    assert required <= given.keys()


def test_pods_are_looked_for_by_the_labels_that_the_flows_use() -> None:
    peers = _read("roles/cluster/vars/flows.yml")["_cluster_peers"].values()
    flows = [(peer["namespace"], peer["labels"]) for peer in peers if "namespace" in peer]
    assert [place for place in PLACES if (place.namespace, dict(place.labels)) not in flows] == []
