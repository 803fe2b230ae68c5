#!/usr/bin/python
"""An age key pair in one file."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: age_identity
short_description: Have an age key pair, made once
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Makes a file with an age identity, mode 0600, with C(age-keygen), where there is none. An existing one is never
    replaced.
  - Returns its public half, the recipient that backups are encrypted to. The identity itself is never returned.
options:
  path:
    description: The file.
    type: path
    required: true
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Have a key pair for backups
  homelab.log_intelligence.age_identity:
    path: "{{ log_intelligence_secrets_dir }}/backup-identity"
"""

RETURN = r"""
recipient:
  description: The public half; empty in check mode while there is no file.
  type: str
  returned: always
"""

import os
import re
import stat
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

RECIPIENT = re.compile(r"age1[0-9a-z]{58}")


def main() -> None:
    """Makes the file, or reads its public half."""
    module = AnsibleModule(argument_spec={"path": {"type": "path", "required": True}}, supports_check_mode=True)
    path = Path(module.params["path"])
    program = module.get_bin_path("age-keygen")
    if program is None:
        module.fail_json(msg="The program age-keygen is missing here. Install the package age and run the play again.")
    changed = not path.exists()
    if changed and not module.check_mode:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = os.umask(0o077)
        code, _, said = module.run_command([program, "-o", str(path)])
        os.umask(before)
        if code:
            module.fail_json(msg=f"{path} could not be made: {said.strip()}.")
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        module.fail_json(msg=f"Others can read {path}, which opens every backup. Run `chmod 600 {path}`.")
    recipient = ""
    if path.exists():
        _, out, said = module.run_command([program, "-y", str(path)])
        found = RECIPIENT.search(out)
        if not found:
            module.fail_json(msg=f"{path} holds no age identity: {said.strip()}. Move it away to have one made.")
        recipient = found[0]
    module.exit_json(changed=changed, recipient=recipient)


if __name__ == "__main__":
    main()
