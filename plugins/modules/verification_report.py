#!/usr/bin/python
"""Ansible door to :mod:`verification.page`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verification_report
short_description: Write what a verification of the platform found, and fail where something is not as expected
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Writes the rows of M(homelab.log_intelligence.platform_state) and M(homelab.log_intelligence.platform_probe) as
    C(verification.html) and C(verification.json), and fails when a row did.
  - Nothing is written in check mode.
options:
  folder:
    description: The directory of both files. It is made when it is missing.
    type: path
    required: true
  site:
    description: The name of the homelab.
    type: str
    required: true
  rows:
    description: The rows.
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Write the report
  homelab.log_intelligence.verification_report:
    folder: /srv/reports
    site: homelab
    rows: "{{ state.rows }}"
"""

RETURN = r"""
report:
  description: The page.
  type: str
  returned: always
counts:
  description: How many rows are C(passed), C(failed), C(off) and C(told).
  type: dict
  returned: always
"""

from datetime import datetime, timezone
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification import page
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification.rows import counts, row_of

ARGUMENTS = {
    "folder": {"type": "path", "required": True},
    "site": {"type": "str", "required": True},
    "rows": {"type": "list", "elements": "dict", "required": True},
}


def main() -> None:
    """Writes both files, then says what failed."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    folder, site = Path(module.params["folder"]), module.params["site"]
    try:
        rows = [row_of(row) for row in module.params["rows"]]
    except ValueError as error:
        module.fail_json(msg=f"The rows cannot be used: {error}")
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")  # noqa: UP017 - `datetime.UTC` needs Python 3.11
    target = folder / "verification.html"
    if not module.check_mode:
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(page.as_html(site, now, rows), encoding="utf-8")
        (folder / "verification.json").write_text(page.as_json(site, now, rows), encoding="utf-8")
    found = counts(rows)
    failed = [row for row in rows if row.verdict == "failed"]
    result = {"changed": True, "report": str(target), "counts": found, "diff": {"before": {}, "after": found}}
    if failed:
        told = " ".join(
            f"{row.name}: expected {row.expected}, measured {row.measured}. {row.next_step}" for row in failed
        )
        module.fail_json(
            msg=f"{len(failed)} of {len(rows)} rows are not as expected. {told} All of them: {target}", **result
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
