#!/usr/bin/python
"""Ansible door to :mod:`k8s_log_agent.evaluation.report_files`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: run_report
short_description: Make a page and a summary of a run
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Makes C(report.html), one page that needs nothing but itself, and C(summary.json) from the files that a run has left
    in O(folder), which are C(benchmark.json), C(golden_dataset_real.json), C(golden_dataset_synthetic.json),
    C(golden_dataset.json), C(triage.json), C(triage_timings.json), C(evaluation.json) and C(timings.json).
  - What is missing leaves its part of the page empty. The same files give the same bytes.
  - In check mode a broken file, which an earlier task would make anew, is a warning.
requirements:
  - The Python package C(k8s_log_agent) of the same version as this collection
options:
  folder:
    description: The directory with the files of the run, in which page and summary are written.
    type: path
    required: true
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Make the report
  homelab.log_intelligence.run_report:
    folder: /srv/demo
"""

RETURN = r"""
report:
  description: The page.
  type: str
  returned: always
summary:
  description: The summary for machines.
  type: str
  returned: always
"""

import hashlib
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import package

REPORT = "report.html"
SUMMARY = "summary.json"


def main() -> None:
    """Makes both files, compares them with what is there, writes what differs."""
    module = AnsibleModule(argument_spec={"folder": {"type": "path", "required": True}}, supports_check_mode=True)
    report = package.load(module, "k8s_log_agent.evaluation.report_files")
    environment = package.load(module, "k8s_log_agent.evaluation.environment")
    folder = Path(module.params["folder"])
    if not folder.is_dir() and not module.check_mode:
        module.fail_json(msg=f"{folder} is no directory, so there is no run to report on. Run `make demo` first.")
    try:
        made = report.report_artefacts(folder, environment.read_machine(), environment.read_versions())
        changed = [artefact for artefact in made if artefact.differs()]
        before = {str(artefact.path): _sha256(artefact.path) for artefact in changed}
        if not module.check_mode:
            for artefact in changed:
                artefact.write()
    except (ValueError, OSError) as error:
        if module.check_mode:
            module.warn(f"What the report would be is not known: {error}")
            module.exit_json(changed=False, report=str(folder / REPORT), summary=str(folder / SUMMARY))
        module.fail_json(msg=f"The report was not made: {error}")
    summary, page = made
    after = {str(artefact.path): artefact.sha256 for artefact in changed}
    module.exit_json(
        changed=bool(changed),
        report=str(page.path),
        summary=str(summary.path),
        diff={"before": before, "after": after} if changed else None,
    )


def _sha256(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


if __name__ == "__main__":
    main()
