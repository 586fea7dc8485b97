"""Inspection: what the border finds out about a crossing before the rules judge it.

An inspector states facts, for the rules to read, and reasons against the crossing. It can never speak for one: an inspector
that fails, or does not answer in time, is a reason against.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from sovplatform.border.reading import Reading
from sovplatform.errors import SovError
from sovplatform.pilot import RegionConfig
from sovplatform.records import Crossing, Trust

TIMEOUT_SECONDS = 10.0
MAX_REASON = 300


@dataclass(frozen=True)
class Subject:
    """What an inspector sees. `reading` is what was found in the files, which are not to be read again.

    `directory` is for inspectors that need contents: they must not trust what they read there over `reading`'s digests.
    """

    crossing: Crossing
    reading: Reading
    directory: Path
    config: RegionConfig
    trust: Trust
    at: datetime


@dataclass(frozen=True)
class Inspection:
    """Facts, which the rules see as `input.findings[NAME].facts`, and reasons against the crossing."""

    reasons: tuple[str, ...] = ()
    facts: Mapping[str, JsonValue] = field(default_factory=dict)


class Inspector(Protocol):
    """Looks at one aspect. `name` is short and unique; plugins give theirs by the hook `sov_inspectors`."""

    name: str

    def inspect(self, subject: Subject) -> Inspection:
        """Facts and reasons. What it raises becomes a reason."""


def inspect_all(inspectors: Sequence[Inspector], subject: Subject, timeout: float = TIMEOUT_SECONDS) -> dict[str, Inspection]:
    """Ask all inspectors, one after the other, `timeout` seconds each."""
    found: dict[str, Inspection] = {}
    for inspector in inspectors:
        inspection = _ask(inspector, subject, timeout)
        if inspector.name in found:
            inspection = Inspection((f"two inspectors are called {inspector.name}",))
        found[inspector.name] = inspection
    return found


def _ask(inspector: Inspector, subject: Subject, timeout: float) -> Inspection:
    answer: list[Inspection] = []

    def work() -> None:
        try:
            inspection = inspector.inspect(subject)
            answer.append(inspection if isinstance(inspection, Inspection) else Inspection(("it gave no inspection",)))
        except SovError as err:
            answer.append(Inspection((f"could not be checked: {err.message}",)))
        except Exception as err:  # whatever goes wrong in an inspector is a reason against
            answer.append(Inspection((f"could not be checked: {type(err).__name__}",)))

    thread = threading.Thread(target=work, name=f"inspector-{inspector.name}", daemon=True)
    thread.start()
    thread.join(timeout)
    return answer[0] if answer else Inspection((f"did not answer within {timeout:g} s",))


def findings(inspections: Mapping[str, Inspection]) -> dict[str, JsonValue]:
    """The rules' input: for each inspector whether it has nothing against, its reasons and its facts."""
    return {
        name: {"ok": not found.reasons, "reasons": [readable(reason) for reason in found.reasons], "facts": dict(found.facts)}
        for name, found in inspections.items()
    }


def document(subject: Subject, inspections: Mapping[str, Inspection]) -> dict[str, JsonValue]:
    """The rules' input: metadata only. Regions are as this region's own configuration says, not as the crossing claims."""
    crossing, config = subject.crossing, subject.config
    artifact = crossing.artifact
    places = {spec.name: spec for spec in (config.region, *config.peers)}
    parties: dict[str, JsonValue] = {
        side: {"name": name, "jurisdiction": places[name].jurisdiction, "role": places[name].role.value}
        if name in places
        else {"name": name, "jurisdiction": "", "role": ""}
        for side, name in (("source", crossing.source), ("destination", crossing.destination))
    }
    return {
        **parties,
        "purpose": crossing.purpose,
        "at": subject.at.isoformat(),
        "artifact": {
            "digest": artifact.digest,
            "kind": artifact.kind.value,
            "name": artifact.name,
            "label": artifact.label.model_dump(mode="json"),
            "size": max(artifact.size, subject.reading.bytes),
            "task": artifact.task,
            "run": artifact.run,
            "round": artifact.round,
            "producer": artifact.producer,
            "evidence": artifact.privacy is not None,
        },
        "export": [rule.model_dump(mode="json") for rule in config.border.allow],
        "findings": findings(inspections),
    }


def readable(text: str) -> str:
    """A reason in plain words: characters that could pass for something else are replaced, and its length is bounded."""
    plain = text.replace('"', "'").replace("\\", "/")
    return "".join(char if char.isprintable() else "?" for char in plain)[:MAX_REASON]
