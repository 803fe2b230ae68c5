"""Fits a curve that never falls: pool adjacent violators (Ayer and others, 1955), each block with a Beta prior."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from k8s_log_agent.triage.calibration import Knot

PRIOR = 1.0  # Beta(1, 1): one right and one wrong group are added to every block


@dataclass(frozen=True, slots=True)
class Judgement:
    """One verdict: its `strength`, whether it was right, and the group whose members share the weight 1."""

    strength: float
    right: bool
    group: str


@dataclass(slots=True)
class _Block:
    strength: float  # times weight
    right: float
    weight: float

    @property
    def share(self) -> float:
        return (self.right + PRIOR) / (self.weight + 2 * PRIOR)


def fit(judgements: Sequence[Judgement]) -> tuple[Knot, ...]:
    """The knots in rising order of strength; empty without judgements."""
    sizes = Counter(one.group for one in judgements)
    at: dict[float, _Block] = {}
    for one in judgements:
        weight = 1 / sizes[one.group]
        block = at.setdefault(one.strength, _Block(0.0, 0.0, 0.0))
        block.strength += weight * one.strength
        block.right += weight * one.right
        block.weight += weight
    blocks: list[_Block] = []
    for _, block in sorted(at.items()):
        blocks.append(block)
        while len(blocks) > 1 and _falls(blocks[-2], blocks[-1]):
            _pool(blocks)
    while (place := next((i for i in range(1, len(blocks)) if blocks[i - 1].share > blocks[i].share), 0)) > 0:
        later = blocks[place + 1 :]  # the prior pulls small blocks more, which may turn two neighbours around
        del blocks[place + 1 :]
        _pool(blocks)
        blocks += later
    return tuple(
        Knot(
            strength=round(block.strength / block.weight, 3),
            probability=round(block.share, 4),
            right=round(block.right, 2),
            of=round(block.weight, 2),
        )
        for block in blocks
    )


def constant(judgements: Sequence[Judgement], strength: float = 0.0) -> tuple[Knot, ...]:
    """One knot for verdicts whose strength says nothing."""
    return fit([Judgement(strength, one.right, one.group) for one in judgements])


def _falls(first: _Block, second: _Block) -> bool:
    return first.right * second.weight >= second.right * first.weight


def _pool(blocks: list[_Block]) -> None:
    last = blocks.pop()
    blocks[-1] = _Block(
        blocks[-1].strength + last.strength, blocks[-1].right + last.right, blocks[-1].weight + last.weight
    )
