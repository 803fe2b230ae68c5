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


def test_pods_are_looked_for_by_the_labels_that_the_flows_use() -> None:
    peers = _read("roles/cluster/vars/flows.yml")["_cluster_peers"].values()
    flows = [(peer["namespace"], peer["labels"]) for peer in peers if "namespace" in peer]
    assert [place for place in PLACES if (place.namespace, dict(place.labels)) not in flows] == []
