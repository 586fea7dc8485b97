"""JSON Schema of `pilot.yaml`: the records' own, with a description of every setting and the list of jurisdictions."""

from __future__ import annotations

from typing import Any

from sovplatform.config.descriptions import DESCRIPTIONS
from sovplatform.config.jurisdictions import CODES
from sovplatform.pilot import Pilot


def pilot_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    schema = Pilot.model_json_schema()
    for record in (schema, *schema["$defs"].values()):
        for key, setting in record.get("properties", {}).items():
            text = DESCRIPTIONS.get(record["title"], {}).get(key)
            if text:
                setting["description"] = text
            setting.pop("title", None)
        if "description" in record:
            record["description"] = " ".join(record["description"].split()).replace("``", "`")
    schema["$defs"]["RegionSpec"]["properties"]["jurisdiction"]["enum"] = sorted(CODES)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "pilot.yaml"}
