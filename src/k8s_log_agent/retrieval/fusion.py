"""Joins rankings, and picks neighbours that are not copies of one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k8s_log_agent.retrieval.embeddings import Vectors

RANK_CONSTANT = 60  # Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion", 2009: little depends on it
RELEVANCE = 0.7  # share of relevance against difference; 1 would allow copies


def fuse(rankings: Sequence[Sequence[str]], constant: int = RANK_CONSTANT) -> list[str]:
    """The ids of all rankings by the sum of 1 / (constant + rank), rank from 1; equal ones in order of first sight."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, identity in enumerate(ranking, start=1):
            scores[identity] = scores.get(identity, 0.0) + 1 / (constant + rank)
    return sorted(scores, key=lambda identity: -scores[identity])


def pick_diverse(
    worth: Mapping[str, float], vectors: Mapping[str, Vectors], count: int, relevance: float = RELEVANCE
) -> list[str]:
    """Maximal marginal relevance: up to `count` ids of `worth`, the best first.

    From the worth (0..1) of an id goes its greatest cosine similarity with an id already picked. `vectors` has a row of
    length 1 for each id.
    """
    picked: list[str] = []
    closest = dict.fromkeys(worth, 0.0)
    left = list(worth)
    while left and len(picked) < count:
        best = max(left, key=lambda identity: relevance * worth[identity] - (1 - relevance) * closest[identity])
        left.remove(best)
        picked.append(best)
        for identity in left:
            closest[identity] = max(closest[identity], float(vectors[identity] @ vectors[best]))
    return picked
