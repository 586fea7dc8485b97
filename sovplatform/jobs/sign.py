"""Sign: the model that came back is signed with the region's own key, given its provenance, and registered."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sovplatform import signing
from sovplatform.artifacts import DECISION, SIGNATURE, check, load, write_atomically
from sovplatform.errors import Denied, NotFound
from sovplatform.jobs.context import JobContext
from sovplatform.records import Artifact, ModelVersion, Role, SignedDecision, Trust

KEY = "models"
MODEL, BUNDLE, PROVENANCE, VERSION = "model", "model.sig", "provenance.json", "version.json"


def run(context: JobContext) -> Mapping[str, Any]:
    """Raises Denied when the gate's decision on the model is missing, forged, or about something else."""
    digest = context.text("artifact").removeprefix("sha256:")
    received = context.home / "inbox" / digest
    artifact = _accepted(context, received, digest)
    home = context.home / "models" / digest
    if not (home / VERSION).exists():
        _sign(context, artifact, received, home)
    version = ModelVersion.from_json((home / VERSION).read_bytes())
    return {"version": version.model_dump(mode="json")}


def _accepted(context: JobContext, received: Path, digest: str) -> Artifact:
    if not received.is_dir():
        raise NotFound(f"model sha256:{digest[:12]}… was not received in this region", remedy="run the training again")
    artifact, _ = load(received)
    check(received, artifact)
    signed = SignedDecision.from_json((received / DECISION).read_bytes())
    trust = Trust.from_json((context.home / "trust.json").read_bytes())
    source = trust.regions.get(signed.decision.source)
    if source is None or source.role is not Role.global_:
        raise Denied(f"model {artifact.name} did not come from the global fabric", remedy="take models from the fabric only")
    signing.verify(signed.signature, signed.decision.canonical(), source.keys["decisions"])
    decided = signed.decision
    if not decided.allow or decided.artifact != artifact.digest or decided.destination != context.region_config.region.name:
        raise Denied(f"no gate allowed model {artifact.name} into this region", reasons=decided.reasons, remedy="send it again")
    return artifact


def _sign(context: JobContext, artifact: Artifact, received: Path, home: Path) -> None:
    staging = context.fresh(home)
    model = staging / MODEL
    shutil.copytree(received, model, ignore=shutil.ignore_patterns(SIGNATURE, DECISION))
    bundle = signing.sign_model(model, context.keystore, KEY)
    privacy = context.config.get("privacy")
    provenance = signing.provenance(
        artifact,
        context.keystore,
        KEY,
        builder=artifact.producer,
        rounds=int(str(context.config["rounds"])),
        privacy=privacy if isinstance(privacy, dict) else {},
    )
    version = context.region.registry().register(
        artifact.name, model, artifact=artifact.digest, signature=bundle, provenance=provenance, tags={"run": artifact.run}
    )
    write_atomically(staging / BUNDLE, bundle.encode())
    write_atomically(staging / PROVENANCE, provenance.encode())
    write_atomically(staging / VERSION, version.canonical())
    shutil.rmtree(home, ignore_errors=True)
    context.publish(staging, home)
