"""Sign: the model that came back is signed with the region's own key, given its provenance, and registered.

So is the local one, which serves while no better one is approved.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sovplatform import signing
from sovplatform.artifacts import DECISION, SIGNATURE, check, load
from sovplatform.errors import Denied, NotFound
from sovplatform.jobs.context import PRODUCER_KEY, JobContext
from sovplatform.private import write_atomically
from sovplatform.records import Artifact, ModelVersion, Role, Signature, SignedDecision, Trust

KEY = "models"
MODEL, BUNDLE, PROVENANCE, VERSION = "model", "model.sig", "provenance.json", "version.json"


def run(context: JobContext) -> Mapping[str, Any]:
    """Raises Denied when the gate's decision on the model is missing, forged, or about something else."""
    trust = Trust.from_json((context.home / "trust.json").read_bytes())
    received = context.home / "inbox" / context.text("artifact").removeprefix("sha256:")
    version = _sign(context, _accepted(context, trust, received), received, rounds=int(str(context.config["rounds"])))
    made = context.outbox(context.text("run"), None, context.text("fallback_name"))
    fallback = _sign(context, _local(context, trust, made), made, rounds=0)
    return {"version": version.model_dump(mode="json"), "fallback": fallback.model_dump(mode="json")}


def _accepted(context: JobContext, trust: Trust, received: Path) -> Artifact:
    """The model that a gate of the global fabric let out for this region."""
    artifact, _ = _read(received, context.text("artifact"))
    signed = SignedDecision.from_json((received / DECISION).read_bytes())
    source = trust.regions.get(signed.decision.source)
    if source is None or source.role is not Role.global_:
        raise Denied(f"model {artifact.name} did not come from the global fabric", remedy="take models from the fabric only")
    signing.verify(signed.signature, signed.decision.canonical(), source.keys["decisions"])
    decided = signed.decision
    if not decided.allow or decided.artifact != artifact.digest or decided.destination != context.region_config.region.name:
        raise Denied(f"no gate allowed model {artifact.name} into this region", reasons=decided.reasons, remedy="send it again")
    return artifact


def _local(context: JobContext, trust: Trust, made: Path) -> Artifact:
    """The model that this region made of its own data alone."""
    artifact, signature = _read(made, context.text("fallback"))
    own = trust.regions[context.region_config.region.name]
    if signature is None:
        raise Denied(f"local model {artifact.name} is not signed by its producer", remedy="have the data prepared again")
    signing.verify(signature, artifact.digest.encode(), own.keys[PRODUCER_KEY])
    return artifact


def _read(directory: Path, digest: str) -> tuple[Artifact, Signature | None]:
    if not directory.is_dir():
        raise NotFound(f"model {digest[:19]}… is not in this region", remedy="run the training again")
    artifact, signature = load(directory)
    if artifact.digest != digest:
        raise Denied(f"model {artifact.name} is another one than was asked for", remedy="run the training again")
    check(directory, artifact)
    return artifact, signature


def _sign(context: JobContext, artifact: Artifact, source: Path, *, rounds: int) -> ModelVersion:
    home = context.home / "models" / artifact.digest.removeprefix("sha256:")
    if (home / VERSION).exists():
        return ModelVersion.from_json((home / VERSION).read_bytes())
    staging = context.fresh(home)
    model = staging / MODEL
    shutil.copytree(source, model, ignore=shutil.ignore_patterns(SIGNATURE, DECISION))
    bundle = signing.sign_model(model, context.keystore, KEY)
    privacy = context.config.get("privacy")
    provenance = signing.provenance(
        artifact,
        context.keystore,
        KEY,
        builder=artifact.producer,
        rounds=rounds,
        privacy=privacy if isinstance(privacy, dict) and rounds else {},
    )
    version = context.region.registry().register(
        artifact.name, model, artifact=artifact.digest, signature=bundle, provenance=provenance, tags={"run": artifact.run}
    )
    write_atomically(staging / BUNDLE, bundle.encode())
    write_atomically(staging / PROVENANCE, provenance.encode())
    write_atomically(staging / VERSION, version.canonical())
    shutil.rmtree(home, ignore_errors=True)
    context.publish(staging, home)
    return version
