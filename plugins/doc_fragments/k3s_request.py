"""Documentation of what is asked for on a host."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of `k3s_admission.ARGUMENTS`."""

    DOCUMENTATION = r"""
options:
  role:
    description: What the host is to be.
    type: str
    choices: [server, agent]
    required: true
  host:
    description: The host's name in the inventory, for messages.
    type: str
    required: true
  version:
    description: The K3s version that is wanted, such as V(v1.36.4+k3s1).
    type: str
    required: true
  servers:
    description: Every server of the cluster, by inventory name.
    type: list
    elements: str
    required: true
  node_names:
    description: The node names of all hosts of the cluster.
    type: list
    elements: str
    default: []
  settings:
    description: The user's part of C(config.yaml).
    type: dict
    default: {}
  kubelet_settings:
    description: The settings of the kubelet's drop-in.
    type: dict
    default: {}
  cpu_manager_policy:
    description: The kubelet's CPU manager policy.
    type: str
    choices: [none, static]
    default: none
  secrets_encryption:
    description: Whether the datastore shall hold Secrets encrypted.
    type: bool
    default: true
  server_token:
    description: The servers' token; empty when it is yet to be made.
    type: str
    default: ""
  agent_token:
    description: The agents' token; empty when it is yet to be made.
    type: str
    default: ""
  join_url:
    description: The server that this host joins; empty for a first server.
    type: str
    default: ""
"""
