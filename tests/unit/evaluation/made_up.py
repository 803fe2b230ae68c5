"""Made-up cases, answers and results for the tests of scores and report. The figures mean nothing."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_log_agent.evaluation.incidents import choose, shown
from k8s_log_agent.evaluation.judging import FirstPass
from k8s_log_agent.evaluation.little_evidence import little_evidence
from k8s_log_agent.evaluation.outcomes import PARTS, Answer, Case, NoAnswer, Outcome, Part, Truth, answer_of
from k8s_log_agent.evaluation.results import (
    Evaluation,
    LineCounts,
    ModelUse,
    StatedTruth,
    Triaged,
    TriagedCase,
    TriageTimings,
)
from k8s_log_agent.evaluation.scores import METHODS, MODEL_ALONE, MODEL_WHERE_UNSURE, TRIAGE, Decision, score_part
from k8s_log_agent.evaluation.summary import (
    DatasetCounts,
    Figure,
    Machine,
    ServedModel,
    Summary,
    Throughput,
    scores_of,
)
from k8s_log_agent.records import (
    Category,
    Component,
    EvidenceLine,
    LogLine,
    Severity,
    StreamKey,
    Verdict,
    VerdictState,
)

HOSTILE = '<script>alert("1")</script><img src=http://example.org/x.png> & "quoted" </li></ol>'
FAULTS = {
    "postgresql": ("db_auth_failed", Category.AUTH, Severity.ERROR, "database", "wrong password"),
    "redis": ("cache_write_refused", Category.DEPENDENCY, Severity.ERROR, "cache", "memory limit with noeviction"),
    "envoy": ("upstream_refused", Category.NETWORK, Severity.ERROR, "ingress", "no listener behind the cluster"),
    "etcd": ("disk_full", Category.STORAGE, Severity.CRITICAL, "etcd", "the data directory is full"),
    "node-app": ("unhandled_exception", Category.APPLICATION, Severity.CRITICAL, "app", "a null reference at start"),
    "prometheus": ("config_parse_error", Category.CONFIG, Severity.CRITICAL, "app", "a tab in the configuration"),
}


def outcome(
    case: str,
    truth: str,
    answer: str | None,
    *,
    group: str = "",
    severity: tuple[Severity, Severity] = (Severity.ERROR, Severity.ERROR),
    stated: Sequence[int] = (),
    cited: Sequence[int] = (),
) -> Outcome:
    """An outcome of which only the interesting fields are given; `answer` None is an invalid one."""
    right = Truth(
        truth != "none", truth, Category.CONFIG, severity[0], "app", frozenset(("0.log", line) for line in stated)
    )
    given: Answer | NoAnswer = NoAnswer.INVALID
    if answer is not None:
        given = Answer(answer, Category.CONFIG, severity[1], "app", frozenset(("0.log", line) for line in cited))
    return Outcome(case, group or case, right, given)


def case(part: Part, program: str, number: int, *, hostile: bool = False) -> Case:
    """A window of twenty lines of which the twelfth and thirteenth state the cause."""
    cause, category, severity, kind, title = FAULTS[program]
    source = f"pods/demo_{program}-0_11111111-2222-3333-4444-555555555555/{program}/0.log"
    texts = [f"2026-11-24 10:00:{second:02d} INFO {program} request {second} served in 3 ms" for second in range(20)]
    texts[11] = f"2026-11-24 10:00:11 ERROR {program}: {title} (attempt {number})"
    texts[12] = f"    at {HOSTILE}" if hostile else "    at the second line of the same statement, " + "long " * 30
    stream = StreamKey("demo", f"{program}-0", program, "stderr")
    lines = tuple(LogLine(stream, index + 1, index, text, source) for index, text in enumerate(texts))
    evidence = frozenset({(source, 12), (source, 13)})
    truth = Truth(True, cause, category, severity, kind, evidence)
    return Case(f"{part}-{program}-{number}", part, f"{program}/{cause}", program, title, truth, lines)


def verdict(of: Case, *, right: bool, decided_by: str = "rule") -> Verdict:
    """A verdict that cites the twelfth line and is right in every field or in none."""
    truth = of.truth
    line = of.lines[11]
    return Verdict.model_validate(
        {
            "id": of.id,
            "state": VerdictState.OK if decided_by == "model" else VerdictState.RULED,
            "decided_by": decided_by,
            "severity": truth.severity if right else Severity.WARN,
            "category": truth.category if right else Category.UNKNOWN,
            "cause": truth.cause if right else "unknown",
            "root_cause": f"{of.program} says: {of.title}." if right else "",
            "component": Component(kind=truth.component, name=of.program),
            "evidence": (EvidenceLine(source=line.source, line=line.number, text=line.text),),
            "reasoning": "",
            "confidence": 0.8,
            "remedies": ("Look at the configuration of the program.", "Start it again."),
        }
    )


def first_pass(of: Case, cause: str, state: VerdictState = VerdictState.RULED) -> FirstPass:
    """What the rules made of a case."""
    changes = {"cause": cause, "state": state}
    return FirstPass(
        verdict=verdict(of, right=True).model_copy(update=changes), wants_model=False, may_ask=False, nearest=None,
        unavailable=False, lines=20, events=20, signatures=(), noise={}, dropped={}, seconds={},
    )  # fmt: skip


def results(*, hostile: bool = False, model_decides: bool = True) -> tuple[Evaluation, Triaged]:
    """All parts, in which every third verdict is wrong and every fourth was the model's."""
    methods = [name for name in METHODS if name != MODEL_WHERE_UNSURE or not model_decides]
    parts, triaged, cases = [], [], []
    for part in PARTS:
        programs = list(FAULTS)[:3] if part == "held_out" else list(FAULTS)[2:]
        of_part = [case(part, program, number, hostile=hostile) for program in programs for number in range(3)]
        verdicts = {
            one.id: verdict(one, right=index % 3 < 2, decided_by="model" if index % 4 == 3 else "rule")
            for index, one in enumerate(of_part)
        }
        outcomes = {name: _of_method(name, of_part, verdicts) for name in methods}
        decisions = {name: Decision(one.state, one.decided_by, one.confidence) for name, one in verdicts.items()}
        scores = score_part(part, outcomes, decisions, programs, seed=1)
        parts.append(scores)
        cases += of_part
        triaged += [_triaged(one, verdicts[one.id]) for one in of_part]
    by_id = {one.id: one for one in cases}
    incidents = tuple(shown(by_id[one.case], one, str) for one in choose(triaged))
    use = ModelUse(
        enabled=True, model="made-up", prompt_version="1", asked=9, ok=6, repaired=2, failed=1, over_budget=0,
        prompt_tokens=12345, generated_tokens=678,
    )  # fmt: skip
    counts = LineCounts(
        lines=24000, events=20000, signatures=432, noise_lines=9000,
        noise={"kubelet-probe-access": 6000, "coredns-reload": 3000}, dropped={"line_cut": 3},
    )  # fmt: skip
    evaluation = Evaluation(
        made_with={"package": "0"}, seed=1, model=use, lines=counts, parts=tuple(parts),
        little_evidence=little_evidence([(one, first_pass(one, "unknown")) for one in cases]),
    )  # fmt: skip
    return evaluation, Triaged(cases=tuple(triaged), incidents=incidents)


def timings() -> TriageTimings:
    """Where the made-up time went."""
    return TriageTimings(seconds={"understand": 2.5, "retrieve": 7.25, "model": 81.0}, model_seconds_each=(1.0, 2.0))


def summary(evaluation: Evaluation) -> Summary:
    """The summary of a made-up run."""
    figure = Figure(median=1100.0, minimum=1000.0, maximum=1200.0, samples=(1000.0, 1090.0, 1100.0, 1150.0, 1200.0))
    counts = {"INFO": 37, "WARN": 30, "ERROR": 60, "CRITICAL": 15}
    categories = {"config": 20, "network": 31, "storage": 12, "none": 37}
    dataset = DatasetCounts(
        records=142, severity=counts, category=categories, split={"train": 100, "test": 42}, shortfalls={"WARN": 8},
        drops={"noise: kube-probe": 5120, "not sampled": 812},
    )  # fmt: skip
    return Summary(
        versions={"k8s-log-agent": "1.0.0", "ansible-core": "2.18.1"},
        machine=Machine(
            processor="A processor", processors=2, memory_bytes=8 * 2**30, system="Some Linux 12", kernel="6.1"
        ),
        model=ServedModel(
            alias="SmolLM2-135M", bytes=98362432, build="b1", threads=2, slots=2, context_tokens_per_slot=4096
        ),
        seconds_by_stage={"Bring this machine to a platform": 61.5, "Make the data set": 20.0, "Evaluate": 103.2},
        lines=evaluation.lines,
        throughput=Throughput(
            measured_at="2026-11-24T10:00:00+00:00",
            prompt_tokens_per_second=figure, generation_tokens_per_second=figure,
            parallel_generation_tokens_per_second=figure, time_to_first_token_ms=figure,
            generation_ceiling_tokens_per_second=310.0,
        ),
        datasets={"real": dataset, "synthetic": dataset, "combined": dataset},
        target={"INFO": 37, "WARN": 38, "ERROR": 60, "CRITICAL": 15},
        scores={part.part: scores_of(part) for part in evaluation.parts},
        model_calls=evaluation.model,
        paths={"report": "report.html"},
    )  # fmt: skip


def with_text(line: LogLine, text: str, number: int | None = None) -> LogLine:
    """The same line with another text, and another number where one is given."""
    return LogLine(line.stream, number or line.number, line.timestamp, text, line.source)


def _of_method(name: str, cases: Sequence[Case], verdicts: dict[str, Verdict]) -> list[Outcome]:
    """Triage's own answers, and worse ones the further down the list of methods."""
    place = [one for one in METHODS if one != MODEL_WHERE_UNSURE or one == name].index(name)
    found = []
    for index, one in enumerate(cases):
        answer: Answer | NoAnswer = answer_of(verdicts[one.id])
        if name != TRIAGE:
            answer = answer_of(verdict(one, right=index % (place + 1) == 0))
        if name == "model_alone" and index % 2:
            answer = NoAnswer.UNSCORED
        found.append(Outcome(one.id, one.group, one.truth, answer))
    return found


def _triaged(of: Case, given: Verdict) -> TriagedCase:
    truth = StatedTruth(
        cause=of.truth.cause,
        category=of.truth.category,
        severity=of.truth.severity,
        component=of.truth.component,
    )
    return TriagedCase(
        case=of.id,
        part=of.part,
        program=of.program,
        title=of.title,
        truth=truth,
        verdict=given,
        causes={MODEL_ALONE: given.cause} if given.decided_by == "model" else {},
    )
