"""Provenance of a model: an in-toto statement with the SLSA v1 predicate (slsa.dev/spec/v1.0/provenance), in DSSE."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from sovplatform.errors import SignatureInvalid
from sovplatform.interfaces.keystore import KeyStore
from sovplatform.records import Artifact, now
from sovplatform.signing._dsse import STATEMENT_TYPE, seal, unreadable, unseal

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:sovplatform:training:v1"


def provenance(
    artifact: Artifact,
    keystore: KeyStore,
    key: str,
    *,
    builder: str,
    rounds: int,
    privacy: Mapping[str, JsonValue] = {},
    finished_at: datetime | None = None,
) -> str:
    """A signed statement of how `artifact` was made, as DSSE JSON.

    `builder` is the SPIFFE ID of the workload that made it; `rounds` of training; `privacy` what was spent, for example
    `{"de": {"epsilon": 2.0, "delta": 1e-5}}`. Run, task and parents are the artifact's own.

    Raises:
        NotFound, Denied, Unsupported, Unavailable: as `KeyStore.sign`.
    """
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": artifact.name, "digest": {"sha256": _hex(artifact.digest)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"task": artifact.task, "rounds": rounds, "privacy": dict(privacy)},
                "resolvedDependencies": [{"digest": {"sha256": _hex(parent)}} for parent in artifact.parents],
            },
            "runDetails": {
                "builder": {"id": builder},
                "metadata": {"invocationId": artifact.run, "finishedOn": (finished_at or now()).isoformat()},
            },
        },
    }
    envelope, _ = seal(statement, keystore, key)
    return json.dumps(envelope)


def verify_provenance(envelope: str, public_key: str, artifact: str) -> Mapping[str, Any]:
    """Check that a provenance was signed with `public_key` (PEM) for the artifact of that digest; return its predicate.

    Raises:
        SignatureInvalid: another key, another artifact, or no provenance.
    """
    try:
        content = json.loads(envelope)
    except ValueError as err:
        raise unreadable("the provenance is not JSON") from err
    statement = unseal(content, public_key)
    if statement.get("predicateType") != PREDICATE_TYPE or not isinstance(statement.get("predicate"), dict):
        raise unreadable(f"it states {statement.get('predicateType')!r}, not a provenance")
    if [subject.get("digest") for subject in statement.get("subject", [])] != [{"sha256": _hex(artifact)}]:
        raise SignatureInvalid(
            "the provenance is another artifact's", reasons=[f"not of {artifact}"], remedy="attach the model's own"
        )
    predicate: dict[str, Any] = statement["predicate"]
    return predicate


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
