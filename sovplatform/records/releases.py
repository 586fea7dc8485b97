"""Model versions, the releases of them that people approve, and what an endpoint serves."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AwareDatetime, Field

from sovplatform.records.record import Digest, Name, Record


class ModelVersion(Record):
    """One immutable version in a registry. `signature` and `provenance` are the documents themselves (JSON text)."""

    name: str
    version: int = Field(ge=1)
    artifact: Digest
    signature: str
    provenance: str
    uri: str
    created_at: AwareDatetime
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = {}


class Approval(Record):
    """Somebody's word for a release: an SSH signature (SSHSIG, namespace `sovplatform-release`) over its digest."""

    approver: str
    signature: str
    at: AwareDatetime
    expires_at: AwareDatetime


class Release(Record):
    """One signed model version plus how to serve it in one region: the desired state that people approve."""

    id: Name
    region: Name
    model: str
    version: int
    artifact: Digest
    proposer: str
    proposed_at: AwareDatetime
    canary_percent: int = Field(ge=0, le=100)
    note: str = ""


class ServedModel(Record):
    """A model directory to serve, what proves it, and who said yes to it.

    The server checks all three again before it loads a byte: the OpenSSF signature at `signature` against `key` (PEM), and the
    approvals against the region's approvers.
    """

    release: Release
    directory: str
    signature: str
    key: str
    approvals: tuple[Approval, ...] = ()


class ServingState(Record):
    """What one endpoint shall serve. `canary` gets `percent` of the requests; 0 without a canary."""

    name: str
    stable: ServedModel | None = None
    canary: ServedModel | None = None
    percent: int = Field(default=0, ge=0, le=100)
    approvers: Mapping[str, str] = {}
    generation: int = Field(default=0, ge=0)


class EndpointStatus(Record):
    """What an endpoint serves now. `observed` is the generation last acted on; `refused` why a model was not loaded."""

    name: str
    ready: bool
    url: str
    observed: int = 0
    stable: str = ""
    canary: str = ""
    percent: int = 0
    refused: str = ""
