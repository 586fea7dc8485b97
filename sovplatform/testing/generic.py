"""The suite for any provider that is installed: what `check` has pytest run. `SOV_CHECK_SPEC` holds the RegionSpec to make.

It sees what an operator sees. A provider whose operator may not make keys or sign models adds, under the entry point group
`sovplatform.testing`, a module of its own that subclasses the suite with more rights.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from sovplatform.approvals import generate_key
from sovplatform.errors import Unsupported
from sovplatform.interfaces import KeyStore, Region, Registry, Server, Trainer
from sovplatform.pilot import Approver, BorderSpec, RegionConfig
from sovplatform.plugins import Plugins
from sovplatform.records import RegionSpec, Trust
from sovplatform.testing.conformance import (
    KeyStoreConformance,
    RegionConformance,
    RegistryConformance,
    ServerConformance,
    TrainerConformance,
)
from sovplatform.testing.conformance.server import TASK, Approving, Signing

PILOT = "conformance"
SPEC = RegionSpec.from_json(os.environ["SOV_CHECK_SPEC"])
S = TypeVar("S")


def make_region(home: Path) -> Region:
    return Plugins.load([SPEC.provider]).make_region(SPEC, PILOT, home)


def service(get: Callable[[], S]) -> S:
    """The service, or the end of the test when the region does not have it; that it says why is `RegionConformance`'s."""
    try:
        return get()
    except Unsupported as err:
        return pytest.skip(str(err))


@pytest.fixture(scope="module")
def approver(tmp_path_factory: pytest.TempPathFactory) -> Approving:
    file = tmp_path_factory.mktemp("approver") / "key"
    return Approving(Approver(name="conformance-approver", key=generate_key(file, "conformance")), file)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory, approver: Approving) -> Iterator[Region]:
    """A region that is up and knows its pilot, which has no other."""
    region = make_region(tmp_path_factory.mktemp("pilot") / "regions" / SPEC.name)
    try:
        trust = region.start()
        if trust is not None:
            region.federate(Trust(pilot=PILOT, regions={SPEC.name: trust}), _config(approver.approver))
        yield region
    finally:
        region.stop()


def _config(approver: Approver) -> RegionConfig:
    from sovplatform.tasks.loading import load_task

    return RegionConfig(
        pilot=PILOT,
        region=SPEC,
        peers=(),
        contract=load_task(TASK).contract(),
        datasets=(),
        border=BorderSpec(allow=()),
        approvers=(approver,),
        proposer=Approver(name="conformance-proposer", key=""),
    )


class TestRegion(RegionConformance):
    def make_region(self, home: Path) -> Region:
        return make_region(home)


class TestKeyStore(KeyStoreConformance):
    full_rights = False

    @pytest.fixture
    def keystore(self, region: Region) -> KeyStore:
        return service(region.keystore)


class TestRegistry(RegistryConformance):
    @pytest.fixture
    def registry(self, region: Region) -> Registry:
        return service(region.registry)


class TestTrainer(TrainerConformance):
    @pytest.fixture
    def trainer(self, region: Region) -> Trainer:
        return service(region.trainer)


class TestServer(ServerConformance):
    region = SPEC.name
    full_rights = False

    @pytest.fixture
    def server(self, region: Region) -> Server:
        return service(region.server)

    @pytest.fixture
    def signing(self, region: Region) -> Signing:
        return Signing(service(region.keystore), "models")

    @pytest.fixture
    def approving(self, approver: Approving) -> Approving:
        return approver
