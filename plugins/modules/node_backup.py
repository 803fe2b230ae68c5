#!/usr/bin/python
"""Ansible door to :mod:`backup.runner`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_backup
short_description: Make encrypted backups of a node, now
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Copies K3s' datastore as of one moment while it runs, with its token, certificates and configuration, and
    directories with the SQLite files in them copied the same way.
  - Each backup is encrypted with age before it reaches the target, read back, and described by a manifest without
    secrets. Older ones go only after the new one is whole.
  - Reads what to do from the file that the timer uses, so both do the same.
options:
  config:
    description: The file that the role C(backup) wrote.
    type: path
    default: /etc/log-intelligence/backup.json
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Back up this node
  homelab.log_intelligence.node_backup:
"""

RETURN = r"""
backups:
  description: The backups that were made, or in check mode the names of what would be backed up.
  type: list
  elements: dict
  returned: always
  contains:
    item:
      description: What was backed up.
      type: str
    folder:
      description: Where it lies on the node.
      type: str
    archive_bytes:
      description: Size of the archive.
      type: int
    objects:
      description: How many objects of each resource K3s' datastore holds.
      type: dict
    removed:
      description: Older backups that went.
      type: list
      elements: str
"""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup import making, metrics, runner
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup.errors import BackupError

ARGUMENTS = {"config": {"type": "path", "default": "/etc/log-intelligence/backup.json"}}


def main() -> None:
    """Makes each backup; the first that fails ends the run, and what was made before stays."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    path = Path(module.params["config"])
    done: list[dict[str, Any]] = []
    if module.check_mode and not path.exists():
        module.exit_json(changed=True, backups=[])
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        for content in runner.contents(config):
            if module.check_mode:
                done.append({"item": content.name})
                continue
            now = datetime.now(timezone.utc)  # noqa: UP017 - nodes may have Python 3.9
            made = making.make(content, runner.order_of(config), now)
            removed = [str(one) for one in made.removed]
            done.append({**made.manifest.facts(), "folder": str(made.folder), "removed": removed})
        if config.get("metrics") and not module.check_mode:
            names = [content.name for content in runner.contents(config)]
            metrics.write(Path(config["metrics"]), Path(config["target"]), names)
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"{path} cannot be used: {error}. Run the role backup first.", backups=done)
    except BackupError as error:
        module.fail_json(msg=str(error), backups=done)
    module.exit_json(changed=bool(done), backups=done)


if __name__ == "__main__":
    main()
