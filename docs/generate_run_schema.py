"""Writes docs/run-schema.json, the schema of `sovctl run --json` and `status --json`, from RunReport."""

from __future__ import annotations

import json
from pathlib import Path

from sovplatform.runreport import RunReport


def page() -> str:
    """The whole schema."""
    schema = RunReport.model_json_schema(mode="serialization")
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "sovctl run --json"}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("run-schema.json").write_text(page())
