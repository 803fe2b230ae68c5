from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.demo_summary import closing_lines

RATE = {"value": 0.75, "interval": {"low": 0.5, "high": 0.9}, "right": 3, "of": 4}
FOUND: dict[str, Any] = {
    "model": {"alias": "small", "bytes": 2**20 * 94, "threads": 2},
    "throughput": {
        "prompt_tokens_per_second": {"median": 475.4},
        "generation_tokens_per_second": {"median": 163.9},
    },
    "lines": {"lines": 1000, "signatures": 40, "noise_lines": 480},
    "datasets": {"combined": {"records": 3, "severity": {"INFO": 1, "WARN": 2}, "shortfalls": {"ERROR": 60}}},
    "scores": {"held_out": {"triage": {"cause_accuracy": RATE, "false_alarms": {"value": None, "interval": None}}}},
    "model_calls": {"asked": 5, "ok": 3, "repaired": 1, "failed": 1},
}


def told(folder: Path, found: dict[str, Any]) -> list[str]:
    (folder / "summary.json").write_text(json.dumps(found))
    return closing_lines(folder, {"llama.cpp": 18080, "Chroma": 18000, "log analyzer": 18800}, 12, 12.3, 4)


def test_eleven_lines_say_what_was_done_and_how_well(tmp_path: Path) -> None:
    lines = told(tmp_path, FOUND)

    assert len(lines) == 11
    assert lines[0] == "done in 12 s, 4 changes"
    assert "94 MiB, 2 threads: 475 prompt and 164 generated tokens/s" in lines[1]
    assert "1,000 lines, 40 signatures, 48% noise" in lines[2]
    assert "3 records: 1 INFO, 2 WARN, 0 ERROR, 0 CRITICAL (60 short)" in lines[3]
    assert "75% (50% to 90%, 3 of 4) right in programs kept for testing, not measured in the others" in lines[4]
    assert "not measured" in lines[5]
    assert "5 asked, 4 answered, 1 failed" in lines[6]
    assert "12 at http://127.0.0.1:18800/incidents" in lines[8]
    assert "http://127.0.0.1:18080 (llama.cpp), http://127.0.0.1:18000 (Chroma), " in lines[9]


def test_parts_that_were_not_made_are_said_and_end_nothing(tmp_path: Path) -> None:
    nothing: dict[str, Any] = {
        "model": None,
        "throughput": None,
        "lines": None,
        "datasets": {},
        "scores": {},
        "model_calls": None,
    }

    assert sum("not measured" in line for line in told(tmp_path, nothing)) == 6
