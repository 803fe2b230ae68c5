"""Groups masked texts with Drain, bounded in memory, kept as plain JSON.

A group depends on the order of what was seen, so it serves novelty and statistics; the stable key is the signature.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

from drain3.drain import Drain, LogCluster

FORMAT = 1
MOST_CLUSTERS = 4096
MOST_TEMPLATES = 65536
LONGEST = 2048  # characters of a template that are learnt


class ClusterFileError(ValueError):
    """A file of clusters cannot be used; the text says what to do."""


class Group(NamedTuple):
    """One cluster: its number, how many lines it has seen, and the template that they share."""

    number: int
    size: int
    template: str


class Clusters:
    """A bounded Drain tree over masked texts; the least used clusters are forgotten first."""

    def __init__(self, most: int = MOST_CLUSTERS) -> None:
        self.most = most
        self._drain = Drain(depth=4, sim_th=0.4, max_children=100, max_clusters=most)
        self._known: OrderedDict[str, LogCluster] = OrderedDict()

    def learn(self, template: str) -> int:
        """Number of the cluster that `template`, a masked text, belongs to; it counts as seen once more."""
        cluster = self._known.get(template)
        if cluster is not None and self._drain.id_to_cluster.get(cluster.cluster_id) is cluster:
            cluster.size += 1
            return cluster.cluster_id
        cluster, _ = self._drain.add_log_message(template[:LONGEST])
        self._known[template] = cluster
        if len(self._known) > MOST_TEMPLATES:
            self._known.popitem(last=False)
        return cluster.cluster_id

    def groups(self) -> list[Group]:
        """All clusters, the largest first."""
        alive = [cluster for cluster in self._drain.clusters if cluster is not None]
        found = [Group(cluster.cluster_id, cluster.size, cluster.get_template()) for cluster in alive]
        return sorted(found, key=lambda group: (-group.size, group.number))

    def save(self, path: Path) -> None:
        """Write all clusters as JSON, at once or not at all."""
        content = {
            "format": FORMAT,
            "most": self.most,
            "next": self._drain.clusters_counter + 1,
            "clusters": [group._asdict() for group in sorted(self.groups())],
        }
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Clusters:
        """Read what `save` wrote; raises `ClusterFileError` for anything else."""
        try:
            content = _of_this_format(json.loads(path.read_text(encoding="utf-8")))
            clusters = cls(int(content["most"]))
            for entry in content["clusters"]:
                clusters._restore(Group(int(entry["number"]), int(entry["size"]), str(entry["template"])))
            clusters._drain.clusters_counter = int(content["next"]) - 1
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = f"{path} holds no clusters that can be read: {error}. Delete it; it is learnt anew."
            raise ClusterFileError(problem) from error
        return clusters

    def _restore(self, group: Group) -> None:
        cluster = LogCluster(group.template.split(), group.number)
        cluster.size = group.size
        self._drain.id_to_cluster[group.number] = cluster
        self._drain.add_seq_to_prefix_tree(self._drain.root_node, cluster)


def _of_this_format(content: dict[str, Any]) -> dict[str, Any]:
    if content["format"] != FORMAT:
        raise ValueError(f"format {content['format']} is not {FORMAT}")
    return content
