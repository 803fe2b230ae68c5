#!/usr/bin/python
"""Ansible door to :mod:`k3s_kubeconfig`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_kubeconfig
short_description: Keep a homelab's kubeconfig on the controller, for one cluster only
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Writes the kubeconfig of a K3s server, with the server's address, readable by its owner only, and the cluster's
    identity beside it.
  - Refuses the kubeconfig of another cluster than the one recorded. Runs on the controller.
options:
  path:
    description: The kubeconfig. Its identity is recorded beside it in a file of the same name with C(.cluster.json)
      after it.
    type: path
    required: true
  content:
    description: What K3s wrote to C(/etc/rancher/k3s/k3s.yaml). Empty in check mode before K3s runs. Not needed with
      O(state=absent).
    type: str
  server:
    description: The address of the API as the controller reaches it, such as V(https://10.0.0.102:6443).
    type: str
    default: ""
  name:
    description: The name of cluster, context and user in the file.
    type: str
    default: homelab
  cluster_id:
    description: The uid of the namespace kube-system.
    type: str
    required: true
  state:
    description: V(absent) removes file and record when they belong to O(cluster_id).
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Keep the kubeconfig
  homelab.log_intelligence.k3s_kubeconfig:
    path: "{{ inventory_dir }}/secrets/kubeconfig"
    content: "{{ fetched.content | b64decode }}"
    server: https://10.0.0.102:6443
    cluster_id: "{{ k3s.cluster_id }}"
  delegate_to: localhost
  no_log: true
"""

RETURN = r"""
path:
  description: The kubeconfig.
  type: str
  returned: always
cluster_id:
  description: The identity that is recorded.
  type: str
  returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_kubeconfig

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "no_log": True},
    "server": {"type": "str", "default": ""},
    "name": {"type": "str", "default": "homelab"},
    "cluster_id": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Checks whose kubeconfig it is, then writes it."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS, supports_check_mode=True, required_if=[("state", "present", ("content", "server"))]
    )
    given = module.params
    path = Path(given["path"])
    if module.check_mode and given["state"] == "present" and not given["content"]:
        module.exit_json(changed=not path.exists(), path=str(path), cluster_id=given["cluster_id"])
    try:
        text = k3s_kubeconfig.rewritten(given["content"], given["server"], given["name"]) if given["content"] else ""
        wanted = k3s_kubeconfig.Kubeconfig(path, text, given["cluster_id"], given["server"])
        if given["state"] == "absent":
            changes = _remove(wanted, module.check_mode)
        else:
            k3s_kubeconfig.require_same_cluster(wanted)
            changes = _write(wanted, module.check_mode)
    except (k3s_kubeconfig.OtherClusterError, k3s_kubeconfig.KubeconfigError) as error:
        module.fail_json(msg=f"{error}.")
    before, after = ("present", "absent") if given["state"] == "absent" else ("differs", "up to date")
    diff = {
        "before": "".join(f"{one}: {before}\n" for one in changes),
        "after": "".join(f"{one}: {after}\n" for one in changes),
    }
    module.exit_json(changed=bool(changes), path=str(path), cluster_id=given["cluster_id"], diff=diff)


def _write(wanted: k3s_kubeconfig.Kubeconfig, check: bool) -> list[str]:
    texts = {wanted.record: wanted.record_text(), wanted.path: wanted.text}
    differing = [path for path, text in texts.items() if k3s_kubeconfig.differs(path, text)]
    for path in differing:
        if not check:
            k3s_kubeconfig.write(path, texts[path])
    return [str(path) for path in differing]


def _remove(wanted: k3s_kubeconfig.Kubeconfig, check: bool) -> list[str]:
    if k3s_kubeconfig.recorded_cluster(wanted) != wanted.cluster_id:
        return []
    present = [path for path in (wanted.path, wanted.record) if path.exists()]
    for path in present:
        if not check:
            path.unlink()
    return [str(path) for path in present]


if __name__ == "__main__":
    main()
