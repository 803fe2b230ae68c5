"""The JSON Schema of summary.json: `python -m k8s_log_agent.evaluation.summary_schema > docs/summary-schema.json`."""

from __future__ import annotations

import json
import sys

from k8s_log_agent.evaluation.summary import Summary


def summary_schema() -> str:
    """As docs/summary-schema.json holds it."""
    schema = Summary.model_json_schema(mode="serialization")
    named = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(named, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(summary_schema())
