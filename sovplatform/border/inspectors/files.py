"""The files are those of the manifest: none more, none less, none changed, none elsewhere."""

from __future__ import annotations

from sovplatform.border.inspection import Inspection, Subject


class FilesInspector:
    name = "files"

    def inspect(self, subject: Subject) -> Inspection:
        reading, artifact = subject.reading, subject.crossing.artifact
        reasons = list(reading.strays)
        if not reasons and [file.entry for file in reading.files] != sorted(artifact.files, key=lambda entry: entry.path):
            reasons.append("the files are not those of its manifest")
        return Inspection(tuple(reasons), {"count": len(reading.files), "bytes": reading.bytes})
