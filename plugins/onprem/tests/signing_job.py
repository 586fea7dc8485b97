"""A job that signs: how these tests, which see what an operator sees, come by a signed model."""

from __future__ import annotations

import base64

from pydantic import JsonValue

from sovplatform.jobs.context import JobContext


def sign(context: JobContext) -> dict[str, JsonValue]:
    signature = context.keystore.sign(context.text("key"), base64.b64decode(context.text("data")))
    return signature.model_dump(mode="json")
