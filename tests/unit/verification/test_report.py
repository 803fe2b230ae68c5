"""The report tells every row, escapes what was measured, and fails after it was written."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification import page
from ansible_collections.homelab.log_intelligence.plugins.module_utils.verification.rows import Row, counts, row_of

from tests.module_door import run_module


def test_the_page_escapes_all_that_is_told_and_counts() -> None:
    hostile = "<script>"
    rows = [Row(hostile, hostile, hostile, hostile, hostile, "failed", hostile), Row("Logs", "b", "", "x", "y", "off")]
    text = page.as_html("<script>", "<script>", rows)
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") == 9  # six parts of the row, the site twice, and the time
    assert counts(rows) == {"passed": 0, "failed": 1, "off": 1, "told": 0}
    assert [row_of(one) for one in json.loads(page.as_json("lab", "now", rows))["rows"]] == rows


def test_the_report_is_written_and_then_fails_with_what_to_do(tmp_path: Any) -> None:
    row = Row("Nodes", "taints of node-2", "", "heavy", "none", "failed", "Run site.yml.").as_dict()
    arguments = {"folder": str(tmp_path / "new"), "site": "lab", "rows": [row]}
    predicted = run_module("verification_report", arguments, check=True)
    assert predicted["failed"]
    assert not (tmp_path / "new").exists()
    done = run_module("verification_report", arguments)
    assert done["failed"]
    assert "expected heavy, measured none. Run site.yml." in done["msg"]
    assert (tmp_path / "new" / "verification.html").is_file()
    good = run_module("verification_report", arguments | {"rows": [row | {"verdict": "passed"}]})
    assert not good.get("failed")
    assert good["counts"]["passed"] == 1


def test_a_row_with_an_unknown_verdict_is_refused(tmp_path: Any) -> None:
    done = run_module("verification_report", {"folder": str(tmp_path), "site": "lab", "rows": [{"verdict": "fine"}]})
    assert done["failed"]
    assert "fine" in done["msg"]
