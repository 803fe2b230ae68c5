#!/usr/bin/python
"""Ansible door to :mod:`preflight_findings`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: findings_report
short_description: One page of findings, the worst first
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Orders findings by harm, and shows them as a table and as JSON.
options:
  findings:
    description: What M(homelab.log_intelligence.node_health) and M(homelab.log_intelligence.cluster_health) returned.
    type: list
    elements: dict
    required: true
  looked_at:
    description: What was looked at.
    type: list
    elements: str
    required: true
  report_path:
    description: A file for the same as JSON, not in check mode; empty writes none.
    type: str
    default: ""
extends_documentation_fragment:
  - homelab.log_intelligence.attributes.read_only
"""

EXAMPLES = r"""
- name: Show what was found
  homelab.log_intelligence.findings_report:
    findings: "{{ found }}"
    looked_at: [node-1, node-2, cluster]
"""

RETURN = r"""
table:
  description: The findings as lines of text.
  type: str
  returned: always
ok:
  description: Whether none of them is an error.
  type: bool
  returned: always
"""

import json
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import preflight_findings
from ansible_collections.homelab.log_intelligence.plugins.module_utils.preflight_findings import Finding

ARGUMENTS = {
    "findings": {"type": "list", "elements": "dict", "required": True},
    "looked_at": {"type": "list", "elements": "str", "required": True},
    "report_path": {"type": "str", "default": ""},
}


def main() -> None:
    """Orders and shows."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    try:
        found = preflight_findings.ordered(Finding(**one) for one in given["findings"])
    except TypeError as error:
        module.fail_json(msg=f"These are no findings: {error}. Give what node_health and cluster_health returned.")
    report = preflight_findings.as_report(found, given["looked_at"])
    path = given["report_path"]
    if path and not module.check_mode:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            module.fail_json(msg=f"{path} cannot be written: {error.strerror}. Name another place for the report.")
    module.exit_json(changed=False, ok=report["ok"], table=preflight_findings.as_table(found, given["looked_at"]))


if __name__ == "__main__":
    main()
