#!/usr/bin/python
"""Ansible door to :mod:`backup.checking` and :mod:`backup.restoring`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_datastore
short_description: Check a backup of K3s' datastore, put it back, prove that it is back
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - V(verified) opens a backup wholly, in a directory of root's alone, and compares it with its manifest. Nothing is
    changed.
  - V(restored) does the same, refuses another cluster token, and puts datastore and token in the place of what is
    there, which is moved aside and never deleted. K3s must be stopped.
  - V(proven) names the lasting objects that the backup has and the running datastore lacks, and fails when there are
    any.
options:
  state:
    description: What shall hold.
    type: str
    choices: [verified, restored, proven]
    required: true
  backup:
    description: The folder of the backup on this host.
    type: path
    required: true
  identity_file:
    description: The file with the age identity that opens it, on this host.
    type: path
    required: true
  token:
    description: The cluster's token, which O(state=restored) holds against the backup's.
    type: str
  token_name:
    description: What the operator calls that token, for messages.
    type: str
    default: the secrets of this homelab
  data_dir:
    description: K3s' data directory.
    type: path
    default: /var/lib/rancher/k3s
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Check a backup
  homelab.log_intelligence.k3s_datastore:
    state: verified
    backup: /var/backups/log-intelligence/k3s/20260305T033000Z
    identity_file: /run/log-intelligence/identity
"""

RETURN = r"""
backup:
  description: What the backup says about itself.
  type: dict
  returned: always
aside:
  description: Where what lay there before was moved.
  type: str
  returned: when restored
lost:
  description: Lasting objects that the backup has and the datastore lacks.
  type: list
  elements: str
  returned: when proven
age_seconds:
  description: How old the backup is; what was done since is lost when it is put back.
  type: int
  returned: always
"""

import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_systemd
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup import checking, restoring, sqlite_copy
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup.content import K3sDatastore
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup.errors import BackupError

ARGUMENTS = {
    "state": {"type": "str", "choices": ["verified", "restored", "proven"], "required": True},
    "backup": {"type": "path", "required": True},
    "identity_file": {"type": "path", "required": True},
    "token": {"type": "str", "no_log": True},
    "token_name": {"type": "str", "default": "the secrets of this homelab", "no_log": False},
    "data_dir": {"type": "path", "default": "/var/lib/rancher/k3s"},
}
STAGE = Path("/var/lib/log-intelligence")


def main() -> None:
    """Opens the backup, then does what the state asks."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS, required_if=[("state", "restored", ["token"])], supports_check_mode=True
    )
    given = module.params
    now = datetime.now(timezone.utc)  # noqa: UP017 - nodes may have Python 3.9
    STAGE.mkdir(mode=0o700, parents=True, exist_ok=True)
    result: dict[str, Any] = {"changed": False}
    try:
        with tempfile.TemporaryDirectory(prefix="opened-", dir=STAGE) as opened:
            described = checking.unpack_and_check(Path(given["backup"]), Path(given["identity_file"]), Path(opened))
            result["backup"] = described.facts()
            result["age_seconds"] = int((now - described.moment).total_seconds())
            if given["state"] != "verified":
                restoring.require_datastore(described)
            store = K3sDatastore(Path(given["data_dir"]), Path("/etc/rancher/k3s"), Path("/usr/local/bin/k3s"))
            if given["state"] == "restored":
                restoring.require_same_token(described, given["token"], given["token_name"])
                result["changed"] = True
                if not module.check_mode:
                    _require_stopped()
                    result["aside"] = str(restoring.put_back(Path(opened), store, now).aside)
            elif given["state"] == "proven":
                kept = sqlite_copy.object_names(Path(opened) / checking.DATASTORE)
                result["lost"] = restoring.lost(kept, store.server / "db" / "state.db")
    except (BackupError, OSError) as error:
        module.fail_json(msg=str(error), **result)
    if result.get("lost"):
        module.fail_json(msg=f"The datastore lacks {len(result['lost'])} objects of the backup.", **result)
    module.exit_json(**result)


def _require_stopped() -> None:
    for unit in k3s_systemd.UNITS.values():
        if k3s_systemd.state(unit).running:
            raise BackupError(f"Nothing was changed: {unit} runs. Stop it first (`systemctl stop {unit}`).")


if __name__ == "__main__":
    main()
