#!/usr/bin/python
"""Ansible door to :mod:`k3s_state`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_info
short_description: Tell what K3s is and runs on a host
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Reads the role, versions, service state, certificates and fingerprints of the K3s on a host, and changes nothing.
  - Of secrets it returns only the beginning of a SHA-256, which gives nothing away of a strong one.
options:
  program:
    description: The command C(k3s).
    type: path
    default: /usr/local/bin/k3s
  data_dir:
    description: K3s' data directory.
    type: path
    default: /var/lib/rancher/k3s
  record_dir:
    description: Where the unit records what it was started with.
    type: path
    default: /run/k3s-fingerprint
  tracked:
    description: Patterns of the files that a running K3s depends on; empty compares nothing.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Look at what runs here
  homelab.log_intelligence.k3s_info:
  register: k3s

- name: Warn about certificates that end soon
  ansible.builtin.debug:
    msg: "{{ k3s.certificates | rejectattr('authority') | selectattr('days_left', 'lt', 90) }}"
"""

RETURN = r"""
role:
  description: V(server) or V(agent); null when K3s is not installed by this collection or by K3s' own script.
  type: str
  returned: always
architecture:
  description: The machine's architecture, as C(uname -m) names it.
  type: str
  returned: always
member:
  description: Whether the host holds what proves it to be part of a cluster.
  type: bool
  returned: always
installed_version:
  description: The version of the program in use; null without one.
  type: str
  returned: always
running_version:
  description: The version that the running process was started from; null when that is not known.
  type: str
  returned: always
service:
  description: What systemd says about the unit; null without one.
  type: dict
  returned: always
  sample: {"unit": "k3s", "active": "active", "enabled": true, "running": true, "since": "Wed 2026-11-25 01:00:00 UTC"}
fingerprint:
  description: What the running process was started with, what lies on disk, and how these differ.
  type: dict
  returned: always
  contains:
    in_use:
      description: SHA-256 by path, as the unit recorded it; null when it does not run.
      type: dict
    on_disk:
      description: SHA-256 by path, now; null when O(tracked) is empty.
      type: dict
    differences:
      description: One phrase for each difference; a restart is due when there are any.
      type: list
      elements: str
datastore:
  description: V(sqlite) or V(etcd); null on an agent.
  type: str
  returned: always
secrets_encryption:
  description: Whether Secrets are encrypted in the datastore; null on an agent.
  type: bool
  returned: always
server_token_sha256:
  description: The first 16 digits of the SHA-256 of the server token in use; null on an agent.
  type: str
  returned: always
agent_token_sha256:
  description: The same for the agents' token.
  type: str
  returned: always
certificates:
  description: Every certificate of K3s on this host, the one that ends first first.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: Side and file name.
      type: str
    expires:
      description: The end of its validity, in UTC.
      type: str
    days_left:
      description: Whole days until then; negative afterwards.
      type: int
    authority:
      description: Whether it is an authority's, which K3s does not renew by itself.
      type: bool
cluster_id:
  description: The uid of the namespace kube-system, which identifies the cluster; null on an agent or while the server
    is down.
  type: str
  returned: always
"""

from datetime import datetime, timezone
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_state

ARGUMENTS = {
    "program": {"type": "path", "default": "/usr/local/bin/k3s"},
    "data_dir": {"type": "path", "default": "/var/lib/rancher/k3s"},
    "record_dir": {"type": "path", "default": "/run/k3s-fingerprint"},
    "tracked": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Reads what is there."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    now = datetime.now(timezone.utc)  # noqa: UP017 - Python 3.9
    places = Path(given["program"]), Path(given["data_dir"]), Path(given["record_dir"])
    module.exit_json(changed=False, **k3s_state.examine(*places, given["tracked"], now))


if __name__ == "__main__":
    main()
