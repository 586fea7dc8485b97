from __future__ import annotations

import base64
import json

import pytest

from sovplatform.errors import SignatureInvalid
from sovplatform.labels import PUBLIC
from sovplatform.records import Artifact, Kind
from sovplatform.signing import provenance, verify_provenance

PARENT = "sha256:" + "1" * 64


@pytest.fixture
def artifact():
    return Artifact(
        kind=Kind.model,
        name="credit",
        label=PUBLIC,
        files=(),
        producer="spiffe://x/job/train",
        run="r1",
        parents=(PARENT,),
    )


def test_provenance_states_builder_run_parents_and_privacy(keystore, artifact):
    envelope = provenance(
        artifact, keystore, "models", builder="spiffe://de.demo.sov/job/release", rounds=3, privacy={"de": {"epsilon": 2.0}}
    )
    predicate = verify_provenance(envelope, keystore.pem("models"), artifact.digest)
    assert predicate["runDetails"]["builder"] == {"id": "spiffe://de.demo.sov/job/release"}
    assert predicate["runDetails"]["metadata"]["invocationId"] == "r1"
    assert predicate["buildDefinition"]["externalParameters"] == {"task": "", "rounds": 3, "privacy": {"de": {"epsilon": 2.0}}}
    assert predicate["buildDefinition"]["resolvedDependencies"] == [{"digest": {"sha256": "1" * 64}}]
    statement = json.loads(base64.b64decode(json.loads(envelope)["payload"]))
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"


def test_provenance_of_another_artifact_or_key_is_refused(keystore, artifact):
    envelope = provenance(artifact, keystore, "models", builder="spiffe://x", rounds=3)
    with pytest.raises(SignatureInvalid, match="another artifact"):
        verify_provenance(envelope, keystore.pem("models"), PARENT)
    with pytest.raises(SignatureInvalid):
        verify_provenance(envelope, keystore.pem("other"), artifact.digest)


def test_changed_provenance_is_refused(keystore, artifact):
    envelope = json.loads(provenance(artifact, keystore, "models", builder="spiffe://x", rounds=3))
    payload = base64.b64decode(envelope["payload"]).replace(b'"rounds": 3', b'"rounds": 4')
    envelope["payload"] = base64.b64encode(payload).decode()
    with pytest.raises(SignatureInvalid):
        verify_provenance(json.dumps(envelope), keystore.pem("models"), artifact.digest)


def test_a_model_signature_is_no_provenance(keystore, model, artifact):
    from sovplatform.signing import sign_model

    bundle = json.loads(sign_model(model, keystore, "models"))
    with pytest.raises(SignatureInvalid, match="not a provenance"):
        verify_provenance(json.dumps(bundle["dsseEnvelope"]), keystore.pem("models"), artifact.digest)
