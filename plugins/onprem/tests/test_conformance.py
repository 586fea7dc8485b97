"""The on-prem provider, embedded profile, passes the suite: a real OpenBao, node, MLflow and KServe.

Its KeyStore is held to the suite beside its backend, with an identity that may use the keys it makes; the operator may not.
"""

from __future__ import annotations

import base64
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sov_onprem.region import OnPremRegion

from sovplatform.approvals import generate_key
from sovplatform.errors import Denied
from sovplatform.interfaces import KeyStore, Region, Registry, Server, Trainer
from sovplatform.pilot import Approver, BorderSpec, RegionConfig
from sovplatform.records import DataKey, JobSpec, KeyFacts, KeyPurpose, RegionSpec, Role, ServedModel, Signature, Trust
from sovplatform.tasks.loading import load_task
from sovplatform.testing.conformance import (
    RegionConformance,
    RegistryConformance,
    ServerConformance,
    TrainerConformance,
)
from sovplatform.testing.conformance.server import TASK, Approving, Signing

PILOT = "conformance"
SPEC = RegionSpec(name="check", jurisdiction="DE", role=Role.sovereign, provider="onprem")


@pytest.fixture(scope="module")
def approver(tmp_path_factory: pytest.TempPathFactory) -> Approving:
    file = tmp_path_factory.mktemp("approver") / "key"
    return Approving(Approver(name="conformance-approver", key=generate_key(file, "conformance")), file)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory, approver: Approving) -> Iterator[Region]:
    region = OnPremRegion(SPEC, PILOT, tmp_path_factory.mktemp("pilot") / "regions" / SPEC.name)
    config = RegionConfig(
        pilot=PILOT,
        region=SPEC,
        peers=(),
        contract=load_task(TASK).contract(),
        datasets=(),
        border=BorderSpec(allow=()),
        approvers=(approver.approver,),
        proposer=Approver(name="conformance-proposer", key=generate_key(approver.file.with_name("proposer"), "conformance")),
    )
    try:
        region.federate(Trust(pilot=PILOT, regions={SPEC.name: region.start()}), config)
        yield region
    finally:
        region.stop()


class ReleaseKeyStore(KeyStore):
    """Signs as the region's own release job does: the operator has no right to, and asks for a job."""

    def __init__(self, region: Region) -> None:
        self._region = region

    def facts(self, name: str) -> KeyFacts:
        return self._region.keystore().facts(name)

    def sign(self, name: str, data: bytes) -> Signature:
        spec = JobSpec(
            id=f"sign-{uuid.uuid4().hex[:12]}",
            entrypoint="signing_job:sign",
            identity="release",
            config={"key": name, "data": base64.b64encode(data).decode(), "pilot_directory": str(Path(__file__).parent)},
        )
        trainer = self._region.trainer()
        trainer.submit(spec)
        job = trainer.wait(spec.id, 60)
        assert not job.message, job.message
        return Signature.model_validate(job.result)

    def create(self, name: str, purpose: KeyPurpose) -> KeyFacts:
        raise NotImplementedError

    def wrap(self, name: str, data_key: bytes, context: bytes = b"") -> DataKey:
        raise NotImplementedError

    def unwrap(self, data_key: DataKey, context: bytes = b"") -> bytes:
        raise NotImplementedError

    def rotate(self, name: str) -> KeyFacts:
        raise NotImplementedError


class TestOnPremRegion(RegionConformance):
    def make_region(self, home: Path) -> Region:
        return OnPremRegion(SPEC, PILOT, home)


@pytest.mark.parametrize("name", ["artifacts", "decisions", "models", "ledger"])
def test_the_operator_sees_the_keys_and_signs_with_none(region: Region, name: str) -> None:
    keystore = region.keystore()
    assert keystore.facts(name).jurisdiction == SPEC.jurisdiction
    with pytest.raises(Denied):
        keystore.sign(name, b"what a workload would say")


def test_the_operator_wraps_no_data_keys(region: Region) -> None:
    with pytest.raises(Denied):
        region.keystore().wrap("data", bytes(32))


class TestOnPremRegistry(RegistryConformance):
    @pytest.fixture
    def registry(self, region: Region) -> Registry:
        return region.registry()


class TestOnPremTrainer(TrainerConformance):
    local = True

    @pytest.fixture
    def trainer(self, region: Region) -> Trainer:
        return region.trainer()


class TestOnPremServer(ServerConformance):
    region = SPEC.name
    home = Path()

    @pytest.fixture
    def server(self, region: OnPremRegion) -> Server:
        self.home = region.home
        return region.server()

    def deliver(self, model: ServedModel) -> ServedModel:
        place = self.home / "models" / model.release.artifact.removeprefix("sha256:")
        shutil.rmtree(place, ignore_errors=True)  # a model of another test may have had the same content
        shutil.copytree(model.directory, place / "model")
        shutil.copy(model.signature, place / "model.sig")
        return model.model_copy(update={"directory": str(place / "model"), "signature": str(place / "model.sig")})

    @pytest.fixture
    def signing(self, region: Region) -> Signing:
        return Signing(ReleaseKeyStore(region), "models")

    @pytest.fixture
    def approving(self, approver: Approving) -> Approving:
        return approver
