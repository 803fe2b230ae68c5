"""From what was seen on a host to the likely cause, and to what the operator should do next."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

LARGEST_CLOCK_DIFFERENCE = 60.0  # seconds; certificates that were just made are refused beyond it
LEAST_FREE_BYTES = 256 << 20
SHOWN_LINES = 12
ENDINGS_THAT_SETTLE_IT = 3  # after the same words so often, waiting is in vain
_ROUTINE = re.compile(
    r"level=(info|debug)|^[IW]\d{4} |modprobe|level=warning msg=.Failed to load kernel module|^(Starting|Started|Stopp)"
)
_LAST_WORDS = re.compile(r'(?:Shutdown request received: |level=fatal msg=)"?(?P<words>.+?)"?$')


@dataclass(frozen=True)
class Cause:
    """`final` says that waiting longer cannot help."""

    code: str
    summary: str
    next_step: str
    final: bool = True

    def sentence(self) -> str:
        """Both as they stand in a failure."""
        return f"{self.summary}. {self.next_step}."


@dataclass(frozen=True)
class Evidence:
    """What was seen; secrets are masked in `journal`. `clock_seconds` is the server's clock minus this host's."""

    node: str
    server: str = ""
    journal: tuple[str, ...] = ()
    reached: bool | None = None
    reach_error: str = ""
    clock_seconds: float | None = None
    ca_matches: bool | None = None
    token_status: int | None = None
    default_route: bool = True
    free_bytes: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        notable = [line for line in self.journal if not _ROUTINE.search(line)]
        return {**vars(self), "journal": notable[-SHOWN_LINES:]}


@dataclass(frozen=True)
class _Saying:
    """A sentence of K3s' journal and what it means; `{…}` are fields of the evidence."""

    pattern: str
    code: str
    summary: str
    next_step: str
    final: bool = True


_WRONG_TOKEN = (
    "wrong_token",
    "{server} does not accept this host's token (not authorized)",
    "Compare k3s_agent_token (agents) or k3s_token (servers), or the files of the same name in k3s_secrets_dir, with"
    " /etc/rancher/k3s/ on the server",
)
_SAYINGS = (
    _Saying(r"not authorized|401 Unauthorized|invalid token", *_WRONG_TOKEN),
    _Saying(r"token CA hash does not match", *_WRONG_TOKEN),
    _Saying(
        r"Node password rejected|duplicate node name found",
        "duplicate_name",
        "the cluster knows another host by the name {node}",
        "Give each host its own k3s_node_name; or, if this host was reinstalled, delete the old one: kubectl delete "
        "node {node}",
    ),
    _Saying(
        r"configured to not run on a host using cgroup v1",
        "cgroup_v1",
        "this kubelet does not run on a host with cgroup v1",
        "Boot the host with systemd.unified_cgroup_hierarchy=1, or set k3s_kubelet_args: [fail-cgroupv1=false] for a "
        "trial",
    ),
    _Saying(
        r"no default routes found|unable to select an IP from default routes",
        "no_default_route",
        "this host has no default route, and K3s does not start without one",
        "Add one (`ip route add default via ADDRESS`), also on a network without a way out, or set k3s_node_ip",
    ),
    _Saying(
        r"encrypted with different token",
        "other_server_token",
        "the datastore on this host was made with another server token",
        "Put the token that it was made with into k3s_secrets_dir/k3s-token; K3s keeps it in server/token of its data "
        "directory",
    ),
    _Saying(
        r"no space left on device",
        "disk_full",
        "a disk of this host is full",
        "Free space below /var, for example with `k3s crictl rmi --prune`, or move k3s_data_dir to a larger disk",
    ),
    _Saying(
        r"certificate has expired or is not yet valid",
        "clock",
        "this host's clock and the server's differ so much that certificates are refused",
        "Set the time on both hosts (`timedatectl status`)",
    ),
    _Saying(
        r"bind: address already in use|failed to listen on",
        "port_taken",
        "a port that K3s needs is taken by another program",
        "See which with `ss -lntup` (6443, 10250, 8472, 6444), stop that program",
    ),
    _Saying(
        r"cpu.?manager.*(state|policy)|configured policy .* differs from state checkpoint policy",
        "cpu_manager_state",
        "the kubelet's record of pinned processors does not fit the policy",
        "Run the play again: it removes /var/lib/kubelet/cpu_manager_state when the policy has changed",
        final=False,
    ),
    _Saying(
        r'overlayfs.*(not supported|cannot be enabled)|"overlayfs" snapshotter cannot be enabled',
        "no_overlayfs",
        "the disk of the data directory cannot hold overlay file systems",
        "Put k3s_data_dir on ext4 or XFS, or set k3s_config: {{snapshotter: native}}",
    ),
    _Saying(
        r"unknown flag|flag provided but not defined|failed to parse kubelet flag|unknown shorthand flag",
        "bad_setting",
        "K3s does not know one of the settings",
        "Read the line of the journal that names it, and mend k3s_config, k3s_kubelet_args or k3s_kubelet_config",
    ),
)


def likely(evidence: Evidence) -> Cause | None:
    """The cause that explains most of what was seen; None when nothing known was found."""
    return _from_the_network(evidence) or _from_the_host(evidence) or _from_the_journal(evidence)


def _from_the_network(seen: Evidence) -> Cause | None:
    if seen.clock_seconds is not None and abs(seen.clock_seconds) > LARGEST_CLOCK_DIFFERENCE:
        direction = "behind" if seen.clock_seconds > 0 else "ahead of"
        return Cause(
            "clock",
            f"this host's clock is {abs(seen.clock_seconds):.0f} s {direction} that of {seen.server}, so certificates "
            "are refused",
            "Set the time on both hosts (`timedatectl status`; the role node keeps it)",
        )
    if seen.token_status in (401, 403) or seen.ca_matches is False:
        code, summary, step = _WRONG_TOKEN
        if seen.ca_matches is False:
            summary = "the token belongs to another cluster: it pins other CA certificates than those of {server}"
        return Cause(code, summary.format(server=seen.server), step)
    if seen.reached is False:
        return Cause(
            "server_unreachable",
            f"{seen.server} cannot be reached from {seen.node} ({seen.reach_error})",
            "Check that K3s runs there (`systemctl status k3s`), that the address is right (k3s_api_address), and "
            "that no "
            "firewall stands between them: 6443/tcp to the server, 8472/udp and 10250/tcp between the nodes",
            final=False,
        )
    return None


def _from_the_host(seen: Evidence) -> Cause | None:
    full = [place for place, free in seen.free_bytes.items() if free < LEAST_FREE_BYTES]
    if full:
        saying = next(one for one in _SAYINGS if one.code == "disk_full")
        return Cause("disk_full", f"there are less than 256 MiB free at {' and at '.join(full)}", saying.next_step)
    if not seen.default_route and not any("Running kubelet" in line for line in seen.journal):
        saying = next(one for one in _SAYINGS if one.code == "no_default_route")
        return Cause(saying.code, saying.summary, saying.next_step)
    return None


def _from_the_journal(seen: Evidence) -> Cause | None:
    for line in reversed(seen.journal):
        for saying in _SAYINGS:
            if re.search(saying.pattern, line):
                words = {"server": seen.server or "the server", "node": seen.node}
                summary, step = saying.summary.format(**words), saying.next_step.format(**words)
                return Cause(saying.code, summary, step, saying.final)
    endings = [found["words"] for found in map(_LAST_WORDS.search, seen.journal) if found]
    if endings:
        summary = f"K3s starts and ends itself again, saying: {endings[-1]}"
        step = "Mend what it names; the whole journal: journalctl -u 'k3s*' -n 200"
        return Cause("ends_itself", summary, step, final=len(endings) >= ENDINGS_THAT_SETTLE_IT)
    return None
