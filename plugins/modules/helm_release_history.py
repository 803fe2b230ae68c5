#!/usr/bin/python
"""Ansible door to :mod:`helm_history`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release_history
short_description: Mend the recorded history of a Helm release, so that Helm can go on
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - A Helm that was interrupted leaves its revision V(pending-install), V(pending-upgrade), V(pending-rollback) or
    V(uninstalling), and every later Helm refuses to work on the release.
  - When a revision was deployed before, the interrupted one is marked as failed; Helm upgrades from there, and the good
    revision stays in the history.
  - When none was ever deployed, the records are removed. The objects stay in the cluster and are adopted by the next
    installation, which also runs the hooks that the first one may not have reached.
  - No object but Helm's own records is touched.
requirements:
  - The Python package C(kubernetes)
options:
  kubeconfig:
    description: The kubeconfig file of the cluster.
    type: path
    required: true
  release_name:
    description: The name of the release.
    type: str
    required: true
  namespace:
    description: The namespace that holds its records.
    type: str
    required: true
  pending_seconds:
    description:
      - How old an interrupted revision must be, in seconds, before it is mended.
      - A younger one may be the work of a Helm that is running elsewhere; it is waited for.
    type: int
    default: 300
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Mend what an interrupted run has left
  homelab.log_intelligence.helm_release_history:
    kubeconfig: /etc/homelab/kubeconfig
    release_name: loki
    namespace: logging
"""

RETURN = r"""
revisions:
  description: The revisions as they were found, oldest first.
  type: list
  elements: dict
  returned: always
  contains:
    number:
      description: Its number.
      type: int
    status:
      description: Its status in Helm's words.
      type: str
repair:
  description: What was found to be mended; empty when nothing was.
  type: str
  returned: always
"""

import time
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import helm_history, helm_manifest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.cluster_api import (
    MERGE,
    ClusterApi,
    ClusterError,
)

ARGUMENTS = {
    "kubeconfig": {"type": "path", "required": True},
    "release_name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "pending_seconds": {"type": "int", "default": 300},
}
LOOK_AGAIN_SECONDS = 5.0


def mend(api: ClusterApi, secrets: list[dict[str, Any]], namespace: str, repair: helm_history.Repair) -> None:
    """Carries `repair` out, the newest record first, so that a stop on the way leaves a repair still to be seen."""
    base = f"/api/v1/namespaces/{namespace}/secrets"
    for revision in reversed(repair.forget):
        api.request("DELETE", f"{base}/{revision.secret}")
    if repair.mark_failed:
        name = repair.mark_failed.secret
        secret = next(one for one in secrets if one["metadata"]["name"] == name)
        api.request("PATCH", f"{base}/{name}", helm_history.as_failed(secret, repair.reason), MERGE)


def main() -> None:
    """Plans the repair, waits for a Helm that may still run, and mends in a real run."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    where = given["namespace"], given["release_name"]
    try:
        api = ClusterApi(given["kubeconfig"])
        while True:
            secrets = helm_manifest.records(api, *where)
            now = datetime.now(UTC)
            revisions = [helm_history.revision_of(secret, now) for secret in secrets]
            repair = helm_history.plan(revisions, given["pending_seconds"])
            if not repair.wait_seconds or module.check_mode:
                break
            time.sleep(min(repair.wait_seconds, LOOK_AGAIN_SECONDS))
        if repair.needed and not module.check_mode:
            mend(api, secrets, given["namespace"], repair)
    except ClusterError as error:
        module.fail_json(msg=str(error))
    before = {one.number: one.status for one in sorted(revisions, key=lambda one: one.number)}
    after = {} if repair.forget else {**before}
    if repair.mark_failed:
        after[repair.mark_failed.number] = "failed"
    module.exit_json(
        changed=repair.needed,
        revisions=[{"number": number, "status": status} for number, status in before.items()],
        repair=repair.reason,
        diff={"before": {"revisions": before}, "after": {"revisions": after}} if repair.needed else None,
    )


if __name__ == "__main__":
    main()
