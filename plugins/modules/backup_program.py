#!/usr/bin/python
"""Ansible door that leaves :mod:`backup` on a node, for the timer."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_program
short_description: Leave the program that makes backups on a node
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Writes the code that C(node_backup) runs, and its configuration, so that a timer can run it without Ansible.
options:
  directory:
    description: Where the program lies; the package C(backup) is made in it.
    type: path
    default: /usr/local/lib/log-intelligence
  config_file:
    description: Where the configuration lies, mode 0600.
    type: path
    default: /etc/log-intelligence/backup.json
  config:
    description: The configuration.
    type: dict
    required: true
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Leave the program on the node
  homelab.log_intelligence.backup_program:
    config:
      site: homelab
      host: node-1
      target: /var/backups/log-intelligence
      stage: /var/lib/log-intelligence/backup
      recipients: [age1...]
      keep: 14
      directories: [{name: photos-index, path: /srv/index}]
"""

RETURN = r"""
files:
  description: The files that were, or in check mode would be, written.
  type: list
  elements: str
  returned: always
"""

import json
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import k3s_files
from ansible_collections.homelab.log_intelligence.plugins.module_utils.backup import (
    archive,
    checking,
    content,
    errors,
    making,
    manifest,
    metrics,
    runner,
    sqlite_copy,
    token_fingerprint,
)

ARGUMENTS = {
    "directory": {"type": "path", "default": "/usr/local/lib/log-intelligence"},
    "config_file": {"type": "path", "default": "/etc/log-intelligence/backup.json"},
    "config": {"type": "dict", "required": True},
}
PROGRAM = (archive, checking, content, errors, making, manifest, metrics, runner, sqlite_copy, token_fingerprint)


def wanted(directory: Path, config_file: Path, config: dict[str, object]) -> list[k3s_files.Wanted]:
    """The files as they shall be. The code is read from where this module was sent with it."""
    files = [k3s_files.Wanted(config_file, json.dumps(config, indent=2, sort_keys=True) + "\n")]
    for part in PROGRAM:
        name = part.__name__
        source = part.__loader__.get_source(name)  # type: ignore[union-attr] # every loader of a file has it
        files.append(k3s_files.Wanted(directory / "backup" / f"{name.rpartition('.')[2]}.py", source, 0o644))
    return files


def main() -> None:
    """Writes what differs."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    changes = k3s_files.plan(wanted(Path(given["directory"]), Path(given["config_file"]), given["config"]))
    try:
        if not module.check_mode:
            k3s_files.apply(changes)
    except k3s_files.FileWriteError as error:
        module.fail_json(msg=f"{error}.")
    files = [str(change.wanted.path) for change in changes]
    module.exit_json(changed=bool(files), files=files, diff=[change.diff() for change in changes])


if __name__ == "__main__":
    main()
