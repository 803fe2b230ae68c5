"""How the modules of the data set end: compare, write what differs, say what changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.homelab.log_intelligence.plugins.module_utils import package

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible.module_utils.basic import AnsibleModule

    from k8s_log_agent.dataset.runs import Outcome

SEVERITIES = ("INFO", "WARN", "ERROR", "CRITICAL")


def target_of(module: AnsibleModule) -> dict[Any, int]:
    """The option `target` by severity; ends the task when it cannot be understood."""
    records = package.load(module, "k8s_log_agent.records")
    given = module.params["target"]
    wrong = {name: value for name, value in given.items() if name not in SEVERITIES or not str(value).isdigit()}
    if wrong:
        module.fail_json(
            msg=f"The target has {wrong}, which is no number of records of a severity. Use only "
            f"{', '.join(SEVERITIES)}, each with a whole number."
        )
    return {records.Severity(name): int(given[name]) for name in SEVERITIES if name in given}


def sha256_of(path: Path) -> str | None:
    """Hash of a file's bytes, or None when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def finish(module: AnsibleModule, outcome: Outcome) -> None:
    """Write the files that differ, but in check mode, and end the task."""
    runs = package.load(module, "k8s_log_agent.dataset.runs")
    store = package.load(module, "k8s_log_agent.dataset.store")
    first = outcome.artefacts[0].path
    before = {"sha256": sha256_of(first), "counts": runs.counts_in(first)}
    differing = outcome.changed()
    if not module.check_mode:
        try:
            outcome.write()
        except store.DatasetError as error:
            module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(differing),
        files=[
            {"path": str(one.path), "sha256": one.sha256, "changed": one.path in differing} for one in outcome.artefacts
        ],
        sha256=outcome.sha256,
        records=outcome.records,
        counts=outcome.counts,
        shortfalls=outcome.shortfalls,
        drops=outcome.drops,
        diff={"before": before, "after": {"sha256": outcome.sha256, "counts": outcome.counts}} if differing else None,
    )


def finish_foretold(module: AnsibleModule, first: Path, stands: bool) -> None:
    """End a task of check mode whose input is not there yet, or is about to be mended by a task before it."""
    runs = package.load(module, "k8s_log_agent.dataset.runs")
    before = {"sha256": sha256_of(first), "counts": runs.counts_in(first)}
    after = before if stands else {"sha256": None, "counts": None}
    module.exit_json(
        changed=not stands,
        files=[{"path": str(first), "sha256": after["sha256"], "changed": not stands}],
        sha256=after["sha256"],
        records=None,
        counts=after["counts"],
        shortfalls=None,
        drops=None,
        diff=None if stands else {"before": before, "after": after},
    )


def awaited(module: AnsibleModule, inputs: Mapping[str, Path]) -> dict[str, str | None] | None:
    """In check mode, the hashes that the inputs will have, when they are not those on disk; else None.

    A task before this one tells them by the option `input_sha256`; an input of which it could not is None.
    """
    if not module.check_mode:
        return None
    given = module.params["input_sha256"] or {}
    there = {name: sha256_of(path) for name, path in inputs.items()}
    coming = {name: given[name] or None if name in given else there[name] for name in inputs}
    return None if coming == there and None not in there.values() else coming
