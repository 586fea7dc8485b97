"""The files are of formats that may cross, and are so to the last byte."""

from __future__ import annotations

from pathlib import PurePosixPath

from sovplatform.border.inspection import Inspection, Subject
from sovplatform.records import Kind


class FormatInspector:
    name = "format"

    def inspect(self, subject: Subject) -> Inspection:
        files = subject.reading.files
        reasons = [f"{file.entry.path}: {file.flaw}" for file in files if file.flaw]
        suffixes = sorted({PurePosixPath(file.entry.path).suffix for file in files})
        if subject.crossing.artifact.kind is Kind.model and not {".onnx", ".safetensors"} & set(suffixes):
            reasons.append("a model without a model file")
        return Inspection(tuple(reasons), {"suffixes": [*suffixes]})
