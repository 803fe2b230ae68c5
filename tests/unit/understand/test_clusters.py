from __future__ import annotations

import json
from pathlib import Path

import pytest

from k8s_log_agent.understand.clusters import ClusterFileError, Clusters

TEMPLATES = ["user <NUM> logged in", "user <NUM> logged out", "disk <STR> is full", "a quite other kind of line here"]


def test_what_was_learnt_is_found_again_after_a_restart(tmp_path: Path) -> None:
    clusters = Clusters()
    numbers = [clusters.learn(template) for template in TEMPLATES]

    clusters.save(tmp_path / "clusters.json")
    again = Clusters.load(tmp_path / "clusters.json")

    assert [again.learn(template) for template in TEMPLATES] == numbers
    assert len(set(numbers)) >= 3


def test_the_number_of_clusters_is_bounded() -> None:
    clusters = Clusters(most=8)
    for number in range(100):
        clusters.learn(" ".join(chr(97 + (number * step) % 26) * 3 for step in range(1, 8 + number % 5)))

    assert len(clusters.groups()) <= 8


@pytest.mark.parametrize("text", ["", "[]", '{"format": 99}', '{"format": 1, "most": 4, "clusters": [{}]}', "\x00"])
def test_a_damaged_file_says_to_delete_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clusters.json"
    path.write_text(text)

    with pytest.raises(ClusterFileError, match="Delete it"):
        Clusters.load(path)


def test_the_file_is_plain_json_with_sizes(tmp_path: Path) -> None:
    clusters = Clusters()
    for _ in range(3):
        clusters.learn(TEMPLATES[0])
    clusters.save(tmp_path / "c.json")

    assert json.loads((tmp_path / "c.json").read_text())["clusters"][0]["size"] == 3
