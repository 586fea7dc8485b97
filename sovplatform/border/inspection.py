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
from queue import Empty, SimpleQueue
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
    """What an inspector sees. `digest` is the artifact's; `reading` what was found in its files, which are not to be read again.

    `directory` is for inspectors that need contents: they must not trust what they read there over `reading`'s digests.
    """

    crossing: Crossing
    digest: str
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
    """Ask all inspectors, one after the other, `timeout` seconds each. One that hangs is left behind in its thread."""
    found: dict[str, Inspection] = {}
    answers = _start(inspectors, subject)
    for number, inspector in enumerate(inspectors):
        try:
            inspection = answers.get(timeout=timeout)
        except Empty:
            inspection = Inspection((f"did not answer within {timeout:g} s",))
            answers = _start(inspectors[number + 1 :], subject)
        if inspector.name in found:
            inspection = Inspection((f"two inspectors are called {inspector.name}",))
        found[inspector.name] = inspection
    return found


def _start(inspectors: Sequence[Inspector], subject: Subject) -> SimpleQueue[Inspection]:
    answers: SimpleQueue[Inspection] = SimpleQueue()

    def work() -> None:
        for inspector in inspectors:
            answers.put(_ask(inspector, subject))

    threading.Thread(target=work, name="inspectors", daemon=True).start()
    return answers


def _ask(inspector: Inspector, subject: Subject) -> Inspection:
    try:
        inspection = inspector.inspect(subject)
        return inspection if isinstance(inspection, Inspection) else Inspection(("it gave no inspection",))
    except SovError as err:
        return Inspection((f"could not be checked: {err.message}",))
    except BaseException as err:  # whatever goes wrong in an inspector is a reason against
        return Inspection((f"could not be checked: {type(err).__name__}",))


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
            "digest": subject.digest,
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
