"""The closed table of causes: complete, explained, and every rule true to its own examples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from k8s_log_agent.records import Category, LogLine, Severity, StreamKey
from k8s_log_agent.understand.causes import Cause, CauseRule, CauseTable
from k8s_log_agent.understand.pipeline import Understanding
from k8s_log_agent.understand.ranking import rank_causes
from k8s_log_agent.understand.rule_files import RuleFileError

CODES = frozenset(
    """
    memory_limit_exceeded heap_exhausted node_memory_pressure node_disk_pressure cpu_throttled pid_limit fd_limit
    ephemeral_storage_exceeded insufficient_capacity untolerated_taint affinity_unsatisfied preempted quota_exceeded
    volume_node_affinity_conflict image_not_found image_pull_unauthorized registry_rate_limited registry_unreachable
    wrong_arch command_not_found missing_config_object invalid_env config_parse_error liveness_probe_failed
    readiness_probe_failed service_no_endpoints metrics_unavailable address_in_use admission_denied webhook_timeout
    pvc_unbound mount_failed multi_attach disk_full io_error volume_permission data_corrupted dns_failure
    upstream_refused upstream_timeout network_policy_block cni_failure ip_exhausted bad_gateway conntrack_full
    connection_reset cert_expired cert_untrusted rbac_forbidden token_invalid auth_failed db_auth_failed db_unavailable
    db_pool_exhausted db_lock_contention cache_write_refused broker_unavailable external_api_failure
    unhandled_exception panic segfault process_killed migration_failed bad_request_data init_failed backoff_limit
    node_not_ready etcd_degraded apiserver_throttled clock_skew runtime_unhealthy leader_lost
    """.split()
)

TABLE = CauseTable.default()
RULES = [(cause, rule) for code in TABLE.codes for cause in (TABLE.cause(code),) for rule in cause.rules]
HITS = [
    pytest.param(cause, rule, text, id=f"{rule.name}-{n}") for cause, rule in RULES for n, text in enumerate(rule.hits)
]
MISSES = [
    pytest.param(cause, rule, text, id=f"{rule.name}-{n}")
    for cause, rule in RULES
    for n, text in enumerate(rule.misses)
]

WORDINGS = [
    line.split("|", 1)
    for line in Path(__file__).with_name("cause_wordings.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


def only(cause: Cause, rule: CauseRule) -> CauseTable:
    return CauseTable([cause.model_copy(update={"rules": (rule,)})])


def rule(name: str = "a-rule", **fields: Any) -> CauseRule:
    settings = {"reason": "For a test only.", "needs": ("disk full",), "hits": ("disk full",), "misses": ("x",)}
    return CauseRule.model_validate({"name": name, "weight": 0.9, **settings, **fields})


def cause(code: str, *rules: CauseRule) -> Cause:
    return Cause(
        code=code,
        category=Category.STORAGE,
        severity=Severity.ERROR,
        component_kind="node",
        summary="Something is full.",
        remedies=("Look.", "Mend."),
        rules=rules,
    )


def test_the_table_holds_exactly_the_closed_list() -> None:
    assert set(TABLE.codes) == CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_cause_is_explained_and_has_vetted_steps(code: str) -> None:
    entry = TABLE.cause(code)

    assert entry.rules
    assert 2 <= len(entry.remedies) <= 3
    assert all(len(remedy) <= 160 for remedy in entry.remedies)
    assert entry.summary.endswith(".")
    assert entry.category not in (Category.NONE, Category.UNKNOWN)
    assert entry.severity in (Severity.WARN, Severity.ERROR, Severity.CRITICAL)


def test_no_remedy_destroys_anything() -> None:
    dangerous = re.compile(r"rm -rf|--force|drop (?:table|database)|mkfs|delete pvc|kill -9|truncate", re.IGNORECASE)

    assert not [remedy for code in TABLE.codes for remedy in TABLE.cause(code).remedies if dangerous.search(remedy)]


@pytest.mark.parametrize(("entry", "one", "text"), HITS)
def test_a_rule_proposes_its_cause_first_for_its_own_examples(entry: Cause, one: CauseRule, text: str) -> None:
    component = one.components[0] if one.components else ""

    assert [hint.rule for hint in only(entry, one).propose(text, (), component)] == [one.name]
    assert TABLE.propose(text, (), component)[0].code == entry.code


@pytest.mark.parametrize(("entry", "one", "text"), MISSES)
def test_a_rule_leaves_its_near_misses_alone(entry: Cause, one: CauseRule, text: str) -> None:
    assert only(entry, one).propose(text, (), one.components[0] if one.components else "") == ()


def test_examples_come_in_several_wordings() -> None:
    assert not [one.name for _, one in RULES if len(one.hits) < 2]


@pytest.mark.parametrize(
    "text",
    [
        'GET /orders 200 in 3 ms, user agent "curl/8.5"',
        "checkpoint complete: wrote 512 buffers (3.1%); 0 WAL file(s) added",
        "Started server process [7] on 0.0.0.0:8080",
        "sync done, errors: 0, warnings: 0",
        "configuration loaded from /etc/app/app.yaml",
        "connected to postgres:5432 after 12 ms",
        "leader election: successfully acquired lease kube-system/controller",
        "received SIGTERM, shutting down gracefully",
        "exit status 1",
    ],
)
def test_healthy_and_mute_lines_propose_nothing(text: str) -> None:
    assert TABLE.propose(text) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("dial tcp 10.43.0.5:5432: connect: connection refused", "db_unavailable"),
        ("dial tcp 10.43.0.5:8080: connect: connection refused", "upstream_refused"),
        ("dial tcp 10.43.0.5:9092: connect: connection refused", "broker_unavailable"),
        ("Readiness probe failed: dial tcp 10.42.0.9:8080: connect: connection refused", "readiness_probe_failed"),
        ("dial tcp: lookup db on 10.43.0.10:53: no such host", "dns_failure"),
        ('FATAL:  password authentication failed for user "web"', "db_auth_failed"),
        ("Failed password for invalid user admin from 203.0.113.9 port 51712 ssh2", "auth_failed"),
        ("ERROR:  canceling statement due to lock timeout", "db_lock_contention"),
        ("ReadTimeout: timed out", "upstream_timeout"),
    ],
)
def test_like_wordings_are_told_apart_by_port_driver_and_place(text: str, code: str) -> None:
    assert TABLE.propose(text)[0].code == code


@pytest.mark.parametrize(("code", "text"), WORDINGS)
def test_wordings_of_many_programs_state_their_cause(code: str, text: str) -> None:
    line = LogLine(StreamKey("shop", "pod", "container", "stdout"), 1, 1, text, "0.log")

    assert rank_causes(Understanding.default().events([line]))[0].code == code


def test_the_hint_carries_the_line_that_states_the_cause() -> None:
    trace = ("    at shop.Store.load(Store.java:12)", "Caused by: java.net.UnknownHostException: orders")

    hints = TABLE.propose("Request failed", trace, lines=(7, 8, 9))

    assert [(hint.code, hint.line) for hint in hints] == [("dns_failure", 9)]


def test_source_code_in_a_trace_is_no_evidence() -> None:
    assert TABLE.propose("failed", ("    raise MemoryError(f'out of memory')",), lines=(1, 2)) == ()


def test_one_code_is_proposed_once_by_its_surest_rule() -> None:
    table = CauseTable([cause("disk_full", rule("weak", weight=0.5), rule("strong", weight=0.9))])

    assert [(hint.rule, hint.weight) for hint in table.propose("disk full")] == [("strong", 0.9)]


def test_a_rule_can_be_kept_to_some_programs() -> None:
    table = CauseTable([cause("disk_full", rule(components=("redis",)))])

    assert table.propose("disk full", component="redis-cache")
    assert not table.propose("disk full", component="web")


def test_the_text_beyond_the_bound_is_not_looked_at() -> None:
    assert TABLE.propose("x" * 5000 + " no space left on device") == ()


def test_a_statement_can_call_a_cause_over() -> None:
    assert "leader_lost" in TABLE.recoveries("raft.node: 8e9e elected leader 91bc at term 2")
    assert TABLE.recoveries("listening on :8080") == ()


@pytest.mark.parametrize(
    ("causes", "name"),
    [
        ([cause("disk_full", rule()), cause("disk_full", rule("other"))], "disk_full"),
        ([cause("disk_full", rule()), cause("io_error", rule())], "a-rule"),
    ],
)
def test_what_stands_twice_is_refused_by_name(causes: list[Cause], name: str) -> None:
    with pytest.raises(RuleFileError, match=name):
        CauseTable(causes)


def test_a_pattern_without_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="without bound"):
        rule(pattern="disk.*full")
