"""From what is seen on a host to the likely cause. The journal's lines are those of K3s v1.35."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_causes, k3s_evidence
from ansible_collections.homelab.log_intelligence.plugins.module_utils.k3s_causes import Evidence

HEALTHY = Evidence(
    node="node-2",
    server="10.0.0.102:6443",
    journal=(
        'time="2026-11-25T02:57:37Z" level=info msg="Connected to proxy" url="wss://10.0.0.102:6443/v1-k3s/connect"',
    ),
    reached=True,
    clock_seconds=0.4,
    token_status=200,
    free_bytes={"/var": 10 << 30},
)
AGENT_LINE = (
    'time="2026-11-25T02:57:13Z" level=error msg="Failed to retrieve agent configuration: '
    'failed to retrieve configuration from server: not authorized"'
)
NODE_PASSWORD_LINE = (
    'time="2026-11-25T02:57:13Z" level=info msg="Waiting to retrieve agent configuration; server is not ready: Node '
    "password "
    "rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server node-passwd entry, "
    "try "
    'enabling a unique node name with the --with-node-id flag"'
)
CGROUP_LINE = (
    'E1125 02:57:39.1 820 run.go:72] "command failed" err="failed to run Kubelet: validate kubelet configuration: '
    "kubelet is "
    'configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be removed"'
)
TAINT_LINE = (
    'time="2026-11-25T02:57:39Z" level=error msg="Shutdown request received: failed to start kubelet: prepare default '
    'configuration drop-in: failed to parse node taints: invalid taint effect"'
)


def test_a_healthy_host_has_no_cause() -> None:
    assert k3s_causes.likely(HEALTHY) is None


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (replace(HEALTHY, token_status=401), "wrong_token"),
        (replace(HEALTHY, token_status=403), "wrong_token"),
        (replace(HEALTHY, token_status=None, ca_matches=False), "wrong_token"),
        (replace(HEALTHY, journal=(AGENT_LINE,)), "wrong_token"),
        (replace(HEALTHY, journal=(NODE_PASSWORD_LINE,)), "duplicate_name"),
        (replace(HEALTHY, journal=(CGROUP_LINE,)), "cgroup_v1"),
        (replace(HEALTHY, clock_seconds=600.0, token_status=401), "clock"),
        (replace(HEALTHY, clock_seconds=-600.0), "clock"),
        (
            replace(HEALTHY, reached=False, reach_error="connection refused", clock_seconds=None, token_status=None),
            "server_unreachable",
        ),
        (replace(HEALTHY, default_route=False, journal=()), "no_default_route"),
        (replace(HEALTHY, free_bytes={"/var": 1 << 20}), "disk_full"),
        (replace(HEALTHY, journal=("write /var/lib/x: no space left on device",)), "disk_full"),
        (
            replace(
                HEALTHY, journal=('level=fatal msg="bootstrap data already found and encrypted with different token"',)
            ),
            "other_server_token",
        ),
        (replace(HEALTHY, journal=("listen tcp :6443: bind: address already in use",)), "port_taken"),
        (replace(HEALTHY, journal=(TAINT_LINE,)), "ends_itself"),
    ],
)
def test_each_fault_is_told_from_the_others(seen: Evidence, code: str) -> None:
    cause = k3s_causes.likely(seen)

    assert cause is not None
    assert cause.code == code
    assert len(cause.next_step) > 20
    assert "{" not in cause.sentence() or code in ("no_overlayfs",)


def test_only_a_server_that_may_come_back_is_waited_for() -> None:
    down = replace(HEALTHY, reached=False, reach_error="connection refused", token_status=None)
    wrong = replace(HEALTHY, token_status=401)

    assert not k3s_causes.likely(down).final  # type: ignore[union-attr]  # a cause, as tested above
    assert k3s_causes.likely(wrong).final  # type: ignore[union-attr]  # a cause, as tested above


def test_an_end_that_comes_again_and_again_settles_it() -> None:
    once, often = replace(HEALTHY, journal=(TAINT_LINE,)), replace(HEALTHY, journal=(TAINT_LINE,) * 3)

    assert not k3s_causes.likely(once).final  # type: ignore[union-attr]  # a cause, as tested above
    assert k3s_causes.likely(often).final  # type: ignore[union-attr]  # a cause, as tested above
    assert "invalid taint effect" in k3s_causes.likely(often).summary  # type: ignore[union-attr]  # as before


def test_what_is_shown_of_a_journal_is_short_and_leaves_routine_out() -> None:
    seen = replace(HEALTHY, journal=(*HEALTHY.journal * 50, *(AGENT_LINE,) * 50))

    assert seen.as_dict()["journal"] == [AGENT_LINE] * k3s_causes.SHOWN_LINES


@pytest.mark.parametrize(
    "line",
    [
        f"joining with K10{'ab' * 32}::server:q7Zr2mXc9LwT4vBn8KsJ1hGf6DpY3eUa now",
        "started with --token=q7Zr2mXc9LwT4vBn8KsJ1hGf6DpY3eUa now",
        'config {"token": "q7Zr2mXc9LwT4vBn8KsJ1hGf6DpY3eUa"} now',
        "proxy http://user:q7Zr2mXc9LwT4vBn8KsJ1hGf6DpY3eUa@proxy:3128 now",
        "a line that holds q7Zr2mXc9LwT4vBn8KsJ1hGf6DpY3eUa alone now",
    ],
)
def test_no_secret_leaves_the_host(line: str) -> None:
    secret = "q7Zr2mXc9LwT4vBn8KsJ1hGf6DpY3eUa"
    masked = k3s_evidence.mask(line, [secret])

    assert secret not in masked
    assert masked.endswith("now")
    assert k3s_evidence.mask(masked, [secret]) == masked


def test_paths_of_token_files_are_no_secrets() -> None:
    line = "reading token-file /etc/rancher/k3s/token"

    assert k3s_evidence.mask(line) == line
