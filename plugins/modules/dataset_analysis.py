#!/usr/bin/python
"""Ansible door to :mod:`k8s_log_agent.dataset.runs`: the analysis."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dataset_analysis
short_description: Analyse a data set of labelled records
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Measures the distribution against the target, coverage of categories and causes, diversity, completeness,
    duplicates, leaks between splits, contradicting labels, the rules' severity against the labels, token lengths,
    left-over secrets, and how well real and synthetic records can be told apart.
  - Writes the result as JSON, and the same as Markdown beside it (C(<name>.md)).
  - Changed by content. The same inputs, options and seed give the same bytes, and a file that has them is left alone.
  - In check mode everything is computed and nothing is written.
requirements:
  - The Python package C(k8s_log_agent) of the same version as this collection
options:
  dataset:
    description: The data set file.
    type: path
    required: true
  dest:
    description: The JSON file of the analysis. Its directory is made when it is missing.
    type: path
    required: true
  target:
    description: Number of records of each severity; the keys are V(INFO), V(WARN), V(ERROR) and V(CRITICAL).
    type: dict
    default:
      INFO: 37
      WARN: 38
      ERROR: 60
      CRITICAL: 15
  input_sha256:
    description:
      - In check mode, the SHA-256 that each input will have, as the task that makes it returned, by the option's name
        (O(dataset)).
      - It makes the prediction right while an input is missing, or altered and about to be mended.
    type: dict
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Analyse the combined data set
  homelab.log_intelligence.dataset_analysis:
    dataset: /srv/log-intelligence/golden_dataset.json
    dest: /srv/log-intelligence/dataset_analysis.json
"""

RETURN = r"""
files:
  description: The files that shall be there, the data first.
  type: list
  elements: dict
  returned: always
  contains:
    path:
      description: Where the file lies.
      type: str
    sha256:
      description: The SHA-256 of what it holds, or will hold; null when that cannot be known in check mode.
      type: str
    changed:
      description: Whether it had other content, or was not there.
      type: bool
sha256:
  description: The SHA-256 of the first file; null when that cannot be known in check mode.
  type: str
  returned: always
records:
  description: Number of records; null when that cannot be known in check mode.
  type: int
  returned: always
counts:
  description:
    - Number of records by severity and by other fields, such as category and split; null when that cannot be known in
      check mode.
  type: dict
  returned: always
shortfalls:
  description: Number of records by severity that the target asks for and that could not be had.
  type: dict
  returned: always
drops:
  description: Number of log events or records that were left out, by reason.
  type: dict
  returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import dataset_files, package

ARGUMENTS = {
    "dataset": {"type": "path", "required": True},
    "dest": {"type": "path", "required": True},
    "target": {"type": "dict", "default": {"INFO": 37, "WARN": 38, "ERROR": 60, "CRITICAL": 15}},
    "input_sha256": {"type": "dict"},
}


def main() -> None:
    """Analyses, compares with what is there, and writes unless in check mode."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    runs = package.load(module, "k8s_log_agent.dataset.runs")
    errors = package.load(module, "k8s_log_agent.dataset.errors")
    given = module.params
    target = dataset_files.target_of(module)
    dataset, dest = Path(given["dataset"]), Path(given["dest"])
    coming = dataset_files.awaited(module, {"dataset": dataset})
    if coming is not None:
        stands = runs.analysis_stands(dest, {**coming, "options": runs.analysis_fingerprint(target)})
        dataset_files.finish_foretold(module, dest, stands)
    try:
        outcome = runs.analyse_run(dataset, dest, target)
    except errors.USER_ERRORS as error:
        module.fail_json(msg=f"There is nothing to analyse: {errors.told(error)}")
    dataset_files.finish(module, outcome)


if __name__ == "__main__":
    main()
