"""Why a host did not answer as a node should: ways in, privilege and Python, from what Ansible says of it."""

from __future__ import annotations

import re
from typing import Any

from .preflight_findings import ERROR, Finding

# what Ansible says, what that is called, and the next step; the first that fits counts
_UNREACHABLE = [
    (r"Host key verification failed|REMOTE HOST IDENTIFICATION", "its host key is not the known one", "{host_key}"),
    (r"Permission denied|Authentication failed", "it refuses the login", "{login}"),
    (r"Could not resolve|Name or service not known", "its name is not resolved", "{name}"),
    (r"timed out|No route|unreachable|refused", "nothing answers at its address", "{address}"),
]
_FAILED = [
    (
        r"[Mm]issing sudo password|password is required|Incorrect sudo|Timeout .*privilege",
        "sudo asks for a password",
        "{sudo}",
    ),
    (
        r"not in the sudoers|may not run sudo|not allowed to execute|sudo: .*not found|su: ",
        "no way to become root",
        "{root}",
    ),
    (r"minimum of Python|SyntaxError|invalid syntax|unsupported Python", "its Python is too old", "{python}"),
    (
        r"interpreter|python3?['\": ].*(not found|No such file)|No module named|rc.: 127",
        "no Python is found there",
        "{python}",
    ),
    (r"No space left|Disk quota", "no space for the files of a task", "{space}"),
]
_MENDS = {
    "{host_key}": "see that it is the right machine, then `ssh-keygen -R {known}` and `ssh {way}` once",
    "{login}": "put your key there with `ssh-copy-id {way}`, or set ansible_user for {host}",
    "{name}": "write its address as ansible_host in host_vars/{host}.yml",
    "{address}": "see that it is on and its SSH server runs (`ssh {way}`), and that ansible_host is right",
    "{sudo}": "run with --ask-become-pass, or allow the user sudo without a password in /etc/sudoers.d",
    "{root}": "install sudo there and let the user use it, or set ansible_user: root",
    "{python}": "on {host} run `apt-get install -y python3` or `dnf install -y python3` (3.9 or newer)",
    "{space}": "free some space in /tmp and in the home directory of the user",
    "": "run `ansible -m ping {host} -vvv` and read the last lines",
}


def finding(host: dict[str, Any], answer: dict[str, Any]) -> Finding | None:
    """What is wrong with the way to the host; None when its facts have come."""
    if answer.get("facts"):
        return None
    if not answer:
        return None
    said = " ".join(str(answer.get(key) or "") for key in ("msg", "module_stderr", "module_stdout", "exception"))
    said += f" rc: {answer.get('rc')}" if answer.get("rc") else ""
    table = _UNREACHABLE if answer.get("unreachable") else _FAILED
    meaning, mend = next(
        ((meaning, mend) for pattern, meaning, mend in table if re.search(pattern, said, flags=re.DOTALL)),
        ("it cannot be looked at", ""),
    )
    first = (
        " ".join(str(answer.get("module_stderr") or answer.get("msg") or said).split())
        .replace("Task failed: ", "")[:240]
        .rstrip(".")
    )
    address, port = host["address"], host.get("port")
    way, known = f"{host['user']}@{address}" if host.get("user") else address, address
    if port not in (None, 22):
        way, known = f"-p {port} {way}", f"[{address}]:{port}"
    return Finding(
        ERROR,
        host["name"],
        f"not examined: {meaning}",
        f"Ansible says: {first}.",
        _MENDS[mend].format(host=host["name"], way=way, known=known),
    )
