"""The laboratory: how good the model would be without any border, and with one region alone, on public example data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sovplatform.jobs.context import JobContext
from sovplatform.jobs.exchange import settings
from sovplatform.pilot import TaskSpec, TrainingSpec


def run(context: JobContext) -> Mapping[str, Any]:
    from sovplatform.tasks.laboratory import compare

    code = context.pilot_directory
    return compare(
        TaskSpec.model_validate(context.config["task"]),
        TrainingSpec.model_validate(context.config["training"]),
        {str(name): str(source) for name, source in settings(context, "sources").items()},
        context.outbox(context.text("run"), None, context.text("model")),
        code / "model" if code else None,
    )
