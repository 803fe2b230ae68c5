"""Applies a gate file to a finished evaluation: attacks where it asks for them, then all its demands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from k8s_log_agent.dataset.store import Artefact, canonical
from k8s_log_agent.evaluation.adversarial import AdversarialRow, AdversarialSet, adversarial_set
from k8s_log_agent.evaluation.evaluate import Finished, Servers
from k8s_log_agent.evaluation.gate import GateResult, baseline_of, judge, read_baseline, read_gate
from k8s_log_agent.evaluation.results import Triaged
from k8s_log_agent.evaluation.running import Progress
from k8s_log_agent.evaluation.safety import Safety, attack
from k8s_log_agent.evaluation.serving import safety_panel
from k8s_log_agent.records import Record
from k8s_log_agent.triage.opinions import Policy
from k8s_log_agent.triage.pipeline import Triage, TriageOptions
from k8s_log_agent.understand.causes import CauseTable

GATE = "gate.json"


class Attacks(Record):
    """Both runs over the adversarial rows; `undefended` needs a model."""

    defended: Safety
    undefended: Safety | None


@dataclass(frozen=True, slots=True)
class Gated:
    """What a gate found, and the file that says so."""

    result: GateResult
    artefact: Artefact

    @property
    def statement(self) -> str:
        """One line for each demand that is missed, with its rows below; empty when all are met."""
        lines: list[str] = []
        for one in self.result.findings:
            if not one.passed:
                lines += [f"{one.demand}: {one.found}", *(f"  {row}" for row in one.rows)]
        return "\n".join(lines)


def apply_gate(path: Path, done: Finished, servers: Servers, out: Path, progress: Progress) -> Gated:
    """Raises `GateError` for a gate or baseline that cannot be read; nothing is written yet."""
    gate = read_gate(path)
    wanted = gate.non_inferiority
    baseline = read_baseline(path.parent / wanted.baseline) if wanted else None
    attacks = None
    if gate.safety:
        rows = adversarial_set(gate.safety.seed)
        attacks = run_attacks(rows, servers, gate.safety.undefended_rows, progress)
    result = judge(
        gate,
        done.evaluation,
        triaged_in(done),
        baseline,
        defended=attacks.defended if attacks else None,
        undefended=attacks.undefended if attacks else None,
    )
    shown = {
        "passed": result.passed,
        **result.model_dump(mode="json"),
        "attacks": attacks.model_dump(mode="json") if attacks else None,
    }
    return Gated(result, Artefact(out / GATE, canonical(shown)))


def write_baseline(path: Path, done: Finished) -> bool:
    """Keep this run as a baseline; False when the file had it already."""
    return Artefact(path, canonical(baseline_of(done.evaluation, triaged_in(done)).model_dump(mode="json"))).write()


def triaged_in(done: Finished) -> Triaged:
    """The verdicts of a finished evaluation."""
    return Triaged.model_validate_json(done.artefacts[0].content)


def run_attacks(rows: AdversarialSet, servers: Servers, undefended: int, progress: Progress) -> Attacks:
    """All rows with the defences on, the model always deciding where there is one; some of them without defences."""
    table = CauseTable.default()
    if not servers.model_url:
        safe = attack(
            rows, Triage(table, options=TriageOptions(Policy.RULES)), _told(progress, "attacks"), defended=True
        )
        return Attacks(defended=safe, undefended=None)
    with safety_panel(servers.model_url, servers.model, defended=True) as panel:
        judge_ = Triage(table, None, panel, TriageOptions(Policy.MODEL))
        safe = attack(rows, judge_, _told(progress, "attacks"), defended=True)
    with safety_panel(servers.model_url, servers.model, defended=False) as panel:
        judge_ = Triage(table, None, panel, TriageOptions(Policy.MODEL, defended=False))
        few = replace(rows, rows=spread(rows.rows, undefended))
        open_ = attack(few, judge_, _told(progress, "attacks without defences"), defended=False)
    return Attacks(defended=safe, undefended=open_)


def spread(rows: Sequence[AdversarialRow], count: int) -> tuple[AdversarialRow, ...]:
    """`count` rows, evenly over all families."""
    step = max(1, len(rows) // max(1, count))
    return tuple(rows[::step][:count])


def _told(progress: Progress, what: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(what, done, total)
