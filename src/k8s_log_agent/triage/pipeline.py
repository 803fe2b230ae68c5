"""Triage of one window: events in, one verdict out, whatever the log holds and whichever server is down.

Order: what is noise is left out; rules rank candidate causes; labelled records like the window are looked up; where the
policy wants it the model chooses among the candidates or says `unknown`; the answer is checked and made a verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from k8s_log_agent.llm.answers import ModelError
from k8s_log_agent.llm.prompt_templates import PromptError
from k8s_log_agent.records import Event, Severity, Verdict
from k8s_log_agent.retrieval.errors import RetrievalError
from k8s_log_agent.retrieval.retriever import Neighbour, Retriever
from k8s_log_agent.triage.asking import Panel, Question, most_telling
from k8s_log_agent.triage.disarming import disarm
from k8s_log_agent.triage.evidence import choose_lines, group_by_signature, repeats_of, speaking, statement
from k8s_log_agent.triage.memory import memory_opinion
from k8s_log_agent.triage.opinions import NO_CAUSE, Policy, RuleOpinion, Triaged, TriageTrace
from k8s_log_agent.triage.rules import Sureness, lasting, rule_candidates, rule_opinion
from k8s_log_agent.triage.verdicts import decided, rejected
from k8s_log_agent.understand.causes import CauseTable

_ASKED_BY = 1  # lines that similar records are looked up by; more of them find fewer records of the same cause


@dataclass(frozen=True, slots=True)
class TriageOptions:
    """How a triage works. `always_ask` asks the model for its opinion even where the policy does not need it.

    Without being `defended`, lines that speak to a model stay in: for measuring what the defences are worth.
    """

    policy: Policy = Policy.RULES_THEN_MODEL
    always_ask: bool = False
    neighbours: int = 3
    shown_lines: int = 10
    sureness: Sureness = field(default_factory=Sureness)
    defended: bool = True


class Triage:
    """One set of rules, with an index of labelled records and a model where there are any. Thread-safe."""

    def __init__(
        self,
        causes: CauseTable,
        retriever: Retriever | None = None,
        model: Panel | None = None,
        options: TriageOptions = TriageOptions(),
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`clock` gives seconds, for the timings in the trace."""
        self._causes = causes
        self._retriever = retriever
        self._model = model
        self._options = options
        self._clock = clock

    def verdict(self, events: Sequence[Event], exclude_groups: Collection[str] = ()) -> Verdict:
        """The verdict on a window. Raises nothing for what is in the log or for a server's fault."""
        return self.examine(events, exclude_groups).verdict

    def examine(self, events: Sequence[Event], exclude_groups: Collection[str] = ()) -> Triaged:
        """The verdict with the opinions that led to it.

        Labelled records of the signatures or origins in `exclude_groups` are not looked at, so that a test does not
        meet its own answer.
        """
        seconds: dict[str, float] = {}
        notes: list[str] = []
        cut = 0
        kept = speaking(events)
        if self._options.defended:
            quiet = disarm(kept)
            kept, cut = list(quiet.events), quiet.cut
            if cut:
                notes.append(f"{cut} log events speak to a model; what they say was left out")
        groups = group_by_signature(kept)
        with self._timed(seconds, "rules"):
            proposed = rule_candidates(kept, self._causes)
            candidates = lasting(proposed, kept, self._causes)
        failing = [group for group in groups if group.codes or group.severity.rank >= Severity.WARN.rank]
        if not candidates and not any(group.severity.rank >= Severity.ERROR.rank for group in failing):
            nothing = RuleOpinion(tuple(proposed), NO_CAUSE, 0.0, sure=True)
            trace = TriageTrace(nothing, seconds=seconds, disarmed=cut)
            return Triaged(rejected(events, len(failing), proposed), trace)

        shown = choose_lines(failing, [candidate.code for candidate in candidates], self._options.shown_lines)
        if len(shown) < len(failing):
            notes.append(f"{len(shown)} of {len(failing)} troubled signatures were looked at in detail")
        with self._timed(seconds, "retrieval"):
            telling = most_telling(shown, [candidate.code for candidate in candidates], _ASKED_BY)
            neighbours = self._similar([statement(line) for line in telling], exclude_groups, notes)
        rules = rule_opinion(candidates, neighbours, self._causes, self._options.sureness)
        trace = TriageTrace(
            rules=rules,
            memory=memory_opinion(
                neighbours, rules, repeats_of(telling[0], kept), self._causes, self._options.sureness
            ),
            neighbours=tuple(neighbours),
            seconds=seconds,
            shown=tuple(shown),
            signatures=len(failing),
            disarmed=cut,
        )
        if self._needs_model(trace):
            with self._timed(seconds, "model"):
                trace = self._asked(trace, notes)
        return Triaged(decided(kept, self._causes, trace, self._options.policy, notes), trace)

    def _needs_model(self, trace: TriageTrace) -> bool:
        if self._model is None or not trace.rules.candidates:
            return False
        policy = self._options.policy
        wanted = policy is Policy.MODEL or (policy is Policy.RULES_THEN_MODEL and trace.undecided)
        return self._options.always_ask or wanted

    def _similar(self, lines: Sequence[str], excluded: Collection[str], notes: list[str]) -> list[Neighbour]:
        if self._retriever is None:
            return []
        try:
            return self._retriever.similar("\n".join(lines), self._options.neighbours, excluded)
        except RetrievalError as error:
            notes.append(f"no similar records: {error}")
            return []

    def _asked(self, trace: TriageTrace, notes: list[str]) -> TriageTrace:
        if self._model is None:
            return trace
        candidates = trace.rules.candidates
        summaries = {one.code: self._causes.cause(one.code).summary for one in candidates}
        version = self._model.prompt_version
        try:
            asked = self._model.ask(Question(candidates, summaries, trace.shown, trace.neighbours))
        except ModelError as error:
            return replace(trace, model_error=str(error), calls=error.calls, prompt_version=version)
        except PromptError as error:
            return replace(trace, model_error=str(error), prompt_version=version)
        notes.extend(asked.notes)
        return replace(trace, model=asked.opinion, calls=asked.calls, prompt_version=version)

    @contextmanager
    def _timed(self, seconds: dict[str, float], stage: str) -> Iterator[None]:
        started = self._clock()
        try:
            yield
        finally:
            seconds[stage] = self._clock() - started
