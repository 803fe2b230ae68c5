#!/usr/bin/python
"""Ansible door to :mod:`k3s_settled`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_status
short_description: Tell in one go what would have to be done about the K3s of a host
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Compares program, files, unit, node and the server's word with what is asked for, and changes nothing.
  - A run that would change nothing ends after this one question. Anything in RV(due) sends the role through all its
    steps, which find out anew what they have to do.
options:
  node:
    description: The name of this host's node.
    type: str
    required: true
  program:
    description: The versioned program file.
    type: path
    required: true
  link:
    description: The command that leads to it.
    type: path
    default: /usr/local/bin/k3s
  sha256:
    description: The SHA-256 of the program; empty compares it only with what the running process was started with.
    type: str
    default: ""
  verified_elsewhere:
    description: Whether the program's SHA-256 is only known after a look at the controller's copy, which is then due.
    type: bool
    default: false
  aliases:
    description: Names under which the program answers, too.
    type: list
    elements: str
    default: []
  files:
    description: The files, as M(homelab.log_intelligence.k3s_files) takes them.
    type: list
    elements: dict
    default: []
  tracked:
    description: Patterns of the files that a running K3s depends on.
    type: list
    elements: str
    default: []
  kubeconfig:
    description: The controller's copy of the kubeconfig; none on hosts that it does not come from.
    type: dict
    suboptions:
      path:
        description: Where it lies.
        type: str
        required: true
      sha256:
        description: The SHA-256 of its content.
        type: str
        required: true
      server:
        description: The address that it names.
        type: str
        required: true
      name:
        description: What cluster, context and user are called in it.
        type: str
        required: true
      cluster_id:
        description: The recorded identity.
        type: str
        required: true
  data_dir:
    description: K3s' data directory.
    type: path
    default: /var/lib/rancher/k3s
  record_dir:
    description: Where the unit records what it was started with.
    type: path
    default: /run/k3s-fingerprint
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
  - homelab.log_intelligence.k3s_request
  - homelab.log_intelligence.k3s_files
"""

EXAMPLES = r"""
- name: See whether anything is to be done
  homelab.log_intelligence.k3s_status:
    role: agent
    host: node-2
    node: node-2
    version: v1.36.4+k3s1
    servers: [node-1]
    program: /usr/local/bin/k3s-v1.36.4+k3s1
    join_url: https://10.0.0.102:6443
  register: k3s
"""

RETURN = r"""
due:
  description: One phrase for each thing that is to be done; empty when nothing is.
  type: list
  elements: str
  returned: always
settled:
  description: Whether nothing is to be done.
  type: bool
  returned: always
role:
  description: Together with the values below it, what M(homelab.log_intelligence.k3s_info) returns.
  type: str
  returned: always
"""

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import (
    k3s_admission,
    k3s_file_options,
    k3s_settled,
    k3s_state,
)
from ansible_collections.homelab.log_intelligence.plugins.module_utils.k3s_evidence import Subject

KUBECONFIG_OPTIONS = {
    name: {"type": "str", "required": True} for name in ("path", "sha256", "server", "name", "cluster_id")
}
ARGUMENTS = {
    **k3s_admission.ARGUMENTS,
    "node": {"type": "str", "required": True},
    "program": {"type": "path", "required": True},
    "link": {"type": "path", "default": "/usr/local/bin/k3s"},
    "sha256": {"type": "str", "default": ""},
    "verified_elsewhere": {"type": "bool", "default": False},
    "aliases": {"type": "list", "elements": "str", "default": []},
    "files": {"type": "list", "elements": "dict", "default": [], "options": k3s_file_options.OPTIONS},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "tracked": {"type": "list", "elements": "str", "default": []},
    "kubeconfig": {"type": "dict", "options": KUBECONFIG_OPTIONS},
    "data_dir": {"type": "path", "default": "/var/lib/rancher/k3s"},
    "record_dir": {"type": "path", "default": "/run/k3s-fingerprint"},
}


def main() -> None:
    """Looks at everything."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    places = Path(given["link"]), Path(given["data_dir"]), Path(given["record_dir"])
    now = datetime.now(timezone.utc)  # noqa: UP017 - Python 3.9
    found = k3s_state.examine(*places, given["tracked"], now)
    to_do = due(given, found)
    module.exit_json(changed=False, due=to_do, settled=not to_do, **found)


def due(given: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """One phrase for each thing that is to be done; the costly questions only while nothing is due yet."""
    return list(_of_the_host(given, found)) or list(_of_the_node(given, found))


def _of_the_host(given: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    if found["role"] != given["role"]:
        yield f"K3s is not a {given['role']} here"
        return
    if given["verified_elsewhere"]:
        yield "the program is to be compared with the controller's copy"
    yield from k3s_settled.of_program(_program(given), found["installed_version"])
    yield from k3s_settled.of_files(k3s_file_options.wanted(given["files"], given["secrets"]))
    yield from k3s_settled.of_service(_subject(given), found["fingerprint"]["differences"])


def _of_the_node(given: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    yield from k3s_settled.of_node(_subject(given), _program(given))
    yield from k3s_admission.examine(given, found, {}, check=False, now=time.time())[0]
    if given["kubeconfig"]:
        yield from k3s_settled.of_kubeconfig(given["kubeconfig"], found["cluster_id"])


def _program(given: dict[str, Any]) -> k3s_settled.Program:
    return k3s_settled.Program(
        path=Path(given["program"]),
        link=Path(given["link"]),
        version=given["version"],
        sha256=given["sha256"].lower(),
        aliases=given["aliases"],
    )


def _subject(given: dict[str, Any]) -> Subject:
    return Subject(given["role"], given["node"], given["join_url"], Path("/dev/null"), Path(given["data_dir"]))


if __name__ == "__main__":
    main()
