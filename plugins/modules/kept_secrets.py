#!/usr/bin/python
"""Ansible door to :mod:`kept_secrets`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kept_secrets
short_description: Read keys and passwords that are kept in files, and make those that are missing
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Each secret is a file of one word with the mode 0600. A word that is there is kept; to renew it, remove its file.
  - Use it with C(no_log), since it returns the words.
options:
  directory:
    description: The directory of the files.
    type: path
    required: true
  names:
    description: The names of the secrets, each the name of its file.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Read the keys of two clients
  homelab.log_intelligence.kept_secrets:
    directory: /etc/homelab/secrets
    names: [gateway-llama-route-ada, gateway-llama-route-bob]
  no_log: true
"""

RETURN = r"""
words:
  description: The words by name; in check mode those that would be made have a fixed word.
  type: dict
  returned: always
htpasswd:
  description: The same as lines of a file of passwords hold them, hashed with SHA-1.
  type: dict
  returned: always
made:
  description: The names of those that were missing.
  type: list
  elements: str
  returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import kept_secrets

ARGUMENTS = {
    "directory": {"type": "path", "required": True},
    "names": {"type": "list", "elements": "str", "required": True},
}


def main() -> None:
    """Looks, and in a real run makes what is missing."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    directory, names = Path(module.params["directory"]), module.params["names"]
    if wrong := [name for name in names if "/" in name or name.startswith(".")]:
        module.fail_json(msg=f"These are no names of files: {', '.join(wrong)}. Use letters, digits and hyphens.")
    try:
        missing, loose = kept_secrets.missing(directory, names), kept_secrets.loose(directory, names)
        if not module.check_mode:
            kept_secrets.make(directory, missing)
            for path in loose:
                path.chmod(0o600)
        words = kept_secrets.read(directory, names)
    except OSError as error:
        module.fail_json(msg=f"The secrets in {directory} cannot be kept: {error}. Check its owner and mode (0700).")
    words = {name: word or "made-in-the-real-run" for name, word in words.items()}
    diff = {"before": {"missing": missing, "open to others": [path.name for path in loose]}, "after": {}}
    changed = bool(missing or loose)
    module.exit_json(
        changed=changed,
        words=words,
        htpasswd=kept_secrets.htpasswd(words),
        made=missing,
        diff=diff if changed else None,
    )


if __name__ == "__main__":
    main()
