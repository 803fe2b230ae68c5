"""Which of several models is asked: small, base or large, by how hard the question is, by health and by budget.

What rules or labelled records are sure of never comes here. Of the rest, each of five signs of a hard question counts
one point; points choose the tier, and the first healthy tier that the budget allows takes its place, larger ones first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal, get_args

import yaml
from pydantic import Field, ValidationError

from k8s_log_agent.llm.answers import CircuitOpenError, ModelError
from k8s_log_agent.records import Record
from k8s_log_agent.triage.asking import Asked, Panel, Question

Tier = Literal["small", "base", "large"]
TIERS: tuple[Tier, ...] = get_args(Tier)


class RoutesError(ValueError):
    """A file of routes cannot be used; the text names it and the mend."""


class Endpoint(Record):
    """Where a tier is served. `seconds` is what one answer takes, for the budget."""

    url: str
    model: str = ""
    seconds: Annotated[float, Field(gt=0)] = 10.0


class Routes(Record):
    """Endpoints by tier; any may be missing. `base_from` and `large_from` are points of complexity.

    A tier that failed is not asked for `rest_seconds`; all calls together may take `budget_seconds`.
    """

    endpoints: Annotated[dict[Tier, Endpoint], Field(min_length=1)]
    base_from: Annotated[int, Field(ge=0, le=6)] = 2
    large_from: Annotated[int, Field(ge=0, le=6)] = 4
    budget_seconds: Annotated[float, Field(gt=0)] | None = None
    rest_seconds: Annotated[float, Field(ge=0)] = 60.0


@dataclass(frozen=True, slots=True)
class Complexity:
    """The signs of a hard question."""

    novel: bool  # no labelled record is like it
    multi_line: bool
    many_signatures: bool
    disagreement: bool  # two candidates are as good as each other
    weak: bool  # the best candidate has little for it

    @property
    def points(self) -> int:
        """0 to 5."""
        return sum((self.novel, self.multi_line, self.many_signatures, self.disagreement, self.weak))

    @property
    def signs(self) -> tuple[str, ...]:
        """The names of the signs that are there."""
        return tuple(name.replace("_", " ") for name in self.__slots__ if getattr(self, name))


@dataclass(frozen=True, slots=True)
class Route:
    """The tiers to try, in order, and why the first one."""

    tiers: tuple[Tier, ...]
    reason: str


def complexity_of(question: Question, *, alike: float = 0.5, many: int = 6, close: float = 0.1) -> Complexity:
    """What a question looks like before any model is asked."""
    scores = sorted((candidate.score for candidate in question.candidates), reverse=True)
    return Complexity(
        novel=not any(neighbour.score >= alike for neighbour in question.neighbours),
        multi_line=any(len(line.event.lines) > 1 for line in question.lines),
        many_signatures=len(question.lines) > many,
        disagreement=len(scores) > 1 and scores[0] - scores[1] < close,
        weak=not scores or scores[0] < alike,
    )


def route(complexity: Complexity, routes: Routes, healthy: Callable[[Tier], bool], left: float | None) -> Route:
    """The order of tiers for a question, with `left` seconds of budget (None for no bound); empty when none may go."""
    points = complexity.points
    wanted: Tier = "large" if points >= routes.large_from else "base" if points >= routes.base_from else "small"
    place = TIERS.index(wanted)
    order = (*TIERS[place:], *reversed(TIERS[:place]))
    there = [tier for tier in order if tier in routes.endpoints]
    able = [tier for tier in there if healthy(tier)]
    paid = [tier for tier in able if left is None or routes.endpoints[tier].seconds <= left]
    why = f"{points} of 5 signs of a hard question" + (f" ({', '.join(complexity.signs)})" if points else "")
    if not paid:
        lack = "no tier is configured" if not there else "no tier is healthy" if not able else "the budget is used up"
        return Route((), f"{why}, but {lack}")
    if paid[0] != wanted:
        lack = "configured" if wanted not in there else "healthy" if wanted not in able else "within the budget"
        why += f"; {wanted} is not {lack}"
    return Route(tuple(paid), why)


def read_routes(path: Path) -> Routes:
    """Raises `RoutesError`."""
    try:
        return Routes.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise RoutesError(
            f"The routes in {path} cannot be used: {str(error).splitlines()[0]}. They need endpoints by tier (small, "
            "base, large), each with its url."
        ) from error


@dataclass(slots=True)
class RoutedPanel:
    """Several panels behind one: asks the tier that the question needs, and the next one where that fails.

    `clock` gives seconds that never go back. A tier that failed is spared for `rest_seconds`. `taken` counts calls.
    """

    routes: Routes
    panels: Mapping[Tier, Panel]
    clock: Callable[[], float]
    taken: dict[Tier, int] = field(default_factory=dict)
    _spent: float = 0.0
    _failed: dict[Tier, float] = field(default_factory=dict)

    @property
    def prompt_version(self) -> str:
        """That of the first panel: all share one prompt."""
        return next(iter(self.panels.values())).prompt_version

    def check(self) -> None:
        """Raises the last `ModelError` when no tier answers as it must."""
        errors: list[ModelError] = []
        for tier, panel in self.panels.items():
            try:
                panel.check()
            except ModelError as error:
                self._failed[tier] = self.clock()
                errors.append(error)
        if errors and len(errors) == len(self.panels):
            raise errors[-1]

    def ask(self, question: Question) -> Asked:
        """The opinion of the tier that was chosen, which a note names with the reason; raises `ModelError`."""
        budget = self.routes.budget_seconds
        chosen = route(complexity_of(question), self.routes, self._healthy, budget and max(0.0, budget - self._spent))
        failures: list[str] = []
        for tier in chosen.tiers:
            if tier not in self.panels:
                continue
            started = self.clock()
            try:
                asked = self.panels[tier].ask(question)
            except ModelError as error:
                self._failed[tier] = self.clock()
                failures.append(f"{tier}: {error}")
                continue
            finally:
                self._spent += self.clock() - started
                self.taken[tier] = self.taken.get(tier, 0) + 1
            told = f"asked the {tier} model: {chosen.reason}" + "".join(f"; {one}" for one in failures)
            return replace(asked, notes=(*asked.notes, told))
        raise CircuitOpenError("; ".join([chosen.reason, *failures]))

    def _healthy(self, tier: Tier) -> bool:
        failed = self._failed.get(tier)
        return tier in self.panels and (failed is None or self.clock() - failed >= self.routes.rest_seconds)
