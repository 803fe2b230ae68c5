#!/usr/bin/python
"""Ansible door to :mod:`k8s_log_agent.evaluation.evaluate`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: triage_evaluate
short_description: Triage recorded faults and score the verdicts
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Puts every window of the recordings and every record of a golden data set's test split before the triage, and holds
    the verdicts against the truth. Every score comes with a 95 % interval, and with what simpler means reach on the
    same cases (the most frequent answer, keywords, the nearest labelled record, rules alone, the model alone).
  - Writes C(triage.json) with the verdicts, C(evaluation.json) with the scores, and C(triage_timings.json), which
    alone holds what differs between two runs of the same.
  - Answers are kept in O(cache) as they come, by the lines of the case, the rules, the prompt, the model and the
    options. A run that was interrupted goes on where it stopped, and a second one asks nothing.
  - When a server gives no answer the rules decide, the results are written, and the task fails with their number; the
    next run asks for these answers only.
  - Asks nothing in check mode; a change is predicted where an answer is missing.
requirements:
  - The Python package C(k8s_log_agent) of the same version as this collection
options:
  recordings:
    description: A directory of recordings with their truth, C(training) and C(held_out) below it.
    type: path
  dataset:
    description: A golden data set; its C(train) split is what is looked up in, its C(test) split is judged.
    type: path
  dest:
    description: The directory for the results.
    type: path
    required: true
  cache:
    description: The file that keeps answers between runs.
    type: path
    required: true
  model_url:
    description: The address of the model server; without one the rules decide alone.
    type: str
    default: ""
  model:
    description: The name of the model.
    type: str
    default: ""
  model_sha256:
    description: The SHA-256 of the model file; another model is asked anew.
    type: str
    default: ""
  model_calls:
    description:
      - How many cases the model may be asked about, those first where the rules are unsure; V(-1) for all. The verdicts
        on the others are the rules', and are counted as such.
    type: int
    default: -1
  slots:
    description: How many questions are asked at once.
    type: int
    default: 2
  policy:
    description:
      - Who decides on the cause. V(rules) never lets the model decide, V(model) always does, V(rules_then_model) does
        where the rules are unsure. The model's opinion is scored in any case.
    type: str
    choices: [rules, model, rules_then_model]
    default: rules
  chroma_url:
    description: The address of Chroma; without one the labelled records are searched in this process.
    type: str
    default: ""
  collection:
    description: The collection of labelled records in Chroma.
    type: str
    default: golden
  seed:
    description: Seed of the intervals.
    type: int
    default: 20261124
  gate:
    description:
      - A gate file with thresholds, a baseline and safety demands. The task fails with what is missed and the offending
        rows, after the results and C(gate.json) are written. Nothing is gated in check mode.
    type: path
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Triage the recorded faults and score the verdicts
  homelab.log_intelligence.triage_evaluate:
    recordings: examples/recordings
    dataset: /srv/demo/golden_dataset.json
    model_url: http://127.0.0.1:18080
    model: smollm2-135m-instruct
    chroma_url: http://127.0.0.1:18000
    cache: /srv/local/evaluation/answers.jsonl
    dest: /srv/demo
"""

RETURN = r"""
scores:
  description:
    - By part (C(held_out), C(training), C(golden_real), C(golden_synthetic)), method and figure, each with C(value),
      C(interval) (95 %, C(low) and C(high)), and for rates C(right) of C(of). Rates are shares of 1, errors of severity
      are levels.
  type: dict
  returned: when the cases have been judged
states:
  description: Number of verdicts by part and state.
  type: dict
  returned: when the cases have been judged
model:
  description: How often the model was asked, how its answers came out (in cases), and its tokens.
  type: dict
  returned: when the cases have been judged
gate:
  description: Every demand of the gate with what was found, whether it C(passed), and the offending C(rows).
  type: list
  elements: dict
  returned: when a gate was given and it could be read
incomplete:
  description: Number of cases that a server gave no answer to.
  type: int
  returned: when the cases have been judged
files:
  description: The files of the result.
  type: list
  elements: str
  returned: always
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import package

if TYPE_CHECKING:
    from types import ModuleType

    from k8s_log_agent.evaluation.evaluate import Finished, Servers

ARGUMENTS = {
    "recordings": {"type": "path"},
    "dataset": {"type": "path"},
    "dest": {"type": "path", "required": True},
    "cache": {"type": "path", "required": True},
    "model_url": {"type": "str", "default": ""},
    "model": {"type": "str", "default": ""},
    "model_sha256": {"type": "str", "default": ""},
    "model_calls": {"type": "int", "default": -1},
    "slots": {"type": "int", "default": 2},
    "policy": {"type": "str", "choices": ["rules", "model", "rules_then_model"], "default": "rules"},
    "chroma_url": {"type": "str", "default": ""},
    "collection": {"type": "str", "default": "golden"},
    "seed": {"type": "int", "default": 20261124},
    "gate": {"type": "path"},
}
FILES = ("triage.json", "evaluation.json")


def main() -> None:
    """Judges, compares with what is there, writes what differs."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS, required_one_of=[("recordings", "dataset")], supports_check_mode=True
    )
    evaluation = package.load(module, "k8s_log_agent.evaluation.evaluate")
    running = package.load(module, "k8s_log_agent.evaluation.running")
    files = [str(Path(module.params["dest"]) / name) for name in FILES]
    try:
        done: Finished = _judged(module, evaluation)
    except running.AnswersMissingError:
        module.exit_json(changed=True, files=files, diff=_diff(files, ["(to be judged)"] * len(files)))
    except (ValueError, OSError) as error:
        if module.check_mode and not _inputs_exist(module):
            module.exit_json(changed=True, files=files, diff=_diff(files, ["(to be judged)"] * len(files)))
        module.fail_json(msg=f"The triage was not scored: {error}", files=files)
    changed = [artefact for artefact in done.artefacts if artefact.differs()]
    diff = _diff([str(one.path) for one in changed], [one.sha256 for one in changed])
    try:
        if not module.check_mode:
            for artefact in done.artefacts:
                artefact.write()
            if changed or not done.timings.path.is_file():
                done.timings.write()
    except (ValueError, OSError) as error:
        module.fail_json(msg=f"The scores were not written: {error}", files=files)
    result = {"changed": bool(changed), "files": files, "diff": diff if changed else None, **_told(module, done)}
    if done.incomplete:
        module.fail_json(msg=done.statement, **result)
    if module.params["gate"] and not module.check_mode:
        findings, rewritten = _gated(module, done)
        result.update(gate=findings, changed=result["changed"] or rewritten)
    module.exit_json(**result)


def _gated(module: AnsibleModule, done: Finished) -> tuple[list[dict[str, Any]], bool]:
    """The findings, and whether their file was rewritten; fails when the gate is not passed."""
    gating = package.load(module, "k8s_log_agent.evaluation.gating")
    given = module.params
    try:
        gated = gating.apply_gate(Path(given["gate"]), done, _servers(module), Path(given["dest"]), _silent)
        rewritten = gated.artefact.write()
    except (ValueError, OSError) as error:
        module.fail_json(msg=f"The gate was not applied: {error}")
    findings = [one.model_dump(mode="json") for one in gated.result.findings]
    if not gated.result.passed:
        module.fail_json(msg=f"The gate {given['gate']} is not passed.\n{gated.statement}", gate=findings)
    return findings, rewritten


def _judged(module: AnsibleModule, evaluation: ModuleType) -> Finished:
    given = module.params
    calls = given["model_calls"]
    finished: Finished = evaluation.evaluate(
        Path(given["recordings"]) if given["recordings"] else None,
        Path(given["dataset"]) if given["dataset"] else None,
        _servers(module),
        evaluation.EvaluationOptions(
            policy=given["policy"], model_calls=None if calls < 0 else calls, seed=given["seed"]
        ),
        cache=Path(given["cache"]),
        out=Path(given["dest"]),
        progress=_silent,
        ask=not module.check_mode,
    )
    return finished


def _servers(module: AnsibleModule) -> Servers:
    """Where the package finds model and index."""
    evaluation = package.load(module, "k8s_log_agent.evaluation.evaluate")
    names = ("model_url", "model", "model_sha256", "slots", "chroma_url", "collection")
    servers: Servers = evaluation.Servers(**{name: module.params[name] for name in names})
    return servers


def _silent(*_: object) -> None:
    """A module shows no progress."""


def _inputs_exist(module: AnsibleModule) -> bool:
    return all(Path(module.params[name]).exists() for name in ("recordings", "dataset") if module.params[name])


def _told(module: AnsibleModule, done: Finished) -> dict[str, Any]:
    summary = package.load(module, "k8s_log_agent.evaluation.summary")
    scores = {
        part.part: {
            method: {figure: score.model_dump(mode="json") for figure, score in figures.items()}
            for method, figures in summary.scores_of(part).items()
        }
        for part in done.evaluation.parts
    }
    return {
        "scores": scores,
        "states": {part.part: part.states for part in done.evaluation.parts},
        "model": done.evaluation.model.model_dump(mode="json"),
        "incomplete": done.incomplete,
    }


def _diff(files: list[str], after: list[str]) -> dict[str, dict[str, str | None]]:
    before = {file: _sha256(Path(file)) for file in files}
    return {"before": before, "after": dict(zip(files, after))}  # noqa: B905 - `strict` needs Python 3.10


def _sha256(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


if __name__ == "__main__":
    main()
