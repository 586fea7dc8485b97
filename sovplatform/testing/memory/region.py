"""A region in this process: it is up between `start` and `stop`, and ends with the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sovplatform.errors import ConfigError, Denied, Unavailable
from sovplatform.interfaces import Region
from sovplatform.records import Finding, KeyPurpose, RegionSpec, RegionStatus, RegionTrust, ServedModel, now
from sovplatform.testing.memory.keystore import MemoryKeyStore
from sovplatform.testing.memory.registry import MemoryRegistry
from sovplatform.testing.memory.server import MemoryServer
from sovplatform.testing.memory.trainer import MemoryTrainer

KEYS = {
    "artifacts": KeyPurpose.sign,
    "decisions": KeyPurpose.sign,
    "models": KeyPurpose.sign,
    "ledger": KeyPurpose.seal,
    "data": KeyPurpose.wrap,
}


def verify_served(model: ServedModel, approvers: Mapping[str, str]) -> None:
    """What every server checks before it loads a byte: the files, their signature, and who said yes.

    Raises:
        SignatureInvalid, NotFound, Denied: the model must not be loaded.
    """
    from sovplatform.approvals import check_approvals
    from sovplatform.signing import verify_model

    missing = check_approvals(model.release, model.approvals, approvers, 1, now())
    if missing:
        raise Denied(f"release {model.release.id} is not approved", reasons=missing, remedy="have it approved")
    bundle = Path(model.signature)
    if not bundle.is_file():
        raise Denied(f"release {model.release.id} has no signature", remedy="sign the model")
    verify_model(Path(model.directory), bundle.read_text(), model.key)


class MemoryRegion(Region):
    """One region. The setting `located` says where it claims to be; left out, that is where the spec wants it."""

    def __init__(self, spec: RegionSpec, pilot: str) -> None:
        super().__init__(spec)
        unknown = spec.settings.keys() - {"located"}
        if unknown:
            raise ConfigError(
                f"region {spec.name} has the unknown setting {min(unknown)}", remedy="the memory provider has `located`"
            )
        self.pilot = pilot
        self._up = False
        self._keystore = MemoryKeyStore(spec.name, spec.jurisdiction)
        self._registry = MemoryRegistry(spec.name)
        self._server = MemoryServer(verify_served)
        self._trainer: MemoryTrainer | None = None

    def check(self) -> Sequence[Finding]:
        """As `Region.check`. A process has no place of its own, so the finding is only what the settings say."""
        located = self.spec.settings.get("located", self.spec.jurisdiction)
        return [
            Finding(
                check=f"{self.spec.name}: place",
                ok=located == self.spec.jurisdiction,
                detail=f"said to be in {located}; in the memory of this process",
                remedy=""
                if located == self.spec.jurisdiction
                else f"set `located` to {self.spec.jurisdiction}, or the jurisdiction",
            )
        ]

    def status(self) -> RegionStatus:
        """As `Region.status`."""
        return RegionStatus(region=self.spec.name, up=self._up, problems=() if self._up else ("not started",))

    def start(self) -> RegionTrust:
        """As `Region.start`. There are no identities here, so the CA bundle is empty."""
        self._up = True
        facts = {name: self._keystore.create(name, purpose) for name, purpose in KEYS.items()}
        return RegionTrust(
            region=self.spec.name,
            jurisdiction=self.spec.jurisdiction,
            role=self.spec.role,
            trust_domain=f"{self.spec.name}.{self.pilot}.sov",
            bundle="",
            keys={name: fact.public_keys[str(fact.version)] for name, fact in facts.items() if fact.public_keys},
        )

    def stop(self) -> None:
        """As `Region.stop`; jobs that run are cancelled."""
        self._up = False
        if self._trainer is not None:
            self._trainer.close()

    def keystore(self) -> MemoryKeyStore:
        """As `Region.keystore`."""
        self._must_be_up()
        return self._keystore

    def registry(self) -> MemoryRegistry:
        """As `Region.registry`."""
        self._must_be_up()
        return self._registry

    def trainer(self) -> MemoryTrainer:
        """As `Region.trainer`."""
        self._must_be_up()
        self._trainer = self._trainer or MemoryTrainer()
        return self._trainer

    def server(self) -> MemoryServer:
        """As `Region.server`."""
        self._must_be_up()
        return self._server

    def _must_be_up(self) -> None:
        if not self._up:
            raise Unavailable(f"region {self.spec.name} is not up", remedy="start it: sovctl up")
