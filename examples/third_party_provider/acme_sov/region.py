"""A region in one directory: its keys and its models. Nothing runs, so being up means that the keys are there and in use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from acme_sov.keystore import AcmeKeyStore
from acme_sov.registry import AcmeRegistry
from sovplatform.errors import ConfigError, Unavailable, Unsupported
from sovplatform.interfaces import KeyStore, Region, Registry, Server, Trainer
from sovplatform.records import Finding, KeyPurpose, RegionSpec, RegionStatus, RegionTrust

SETTINGS = {"site": "the country code that the site's own operator gives it"}
KEYS = {
    "artifacts": KeyPurpose.sign,
    "decisions": KeyPurpose.sign,
    "models": KeyPurpose.sign,
    "ledger": KeyPurpose.seal,
    "data": KeyPurpose.wrap,
}


class AcmeRegion(Region):
    """Making it only reads the settings; `start` makes the directory, the master key and the region's keys."""

    def __init__(self, spec: RegionSpec, pilot: str, home: Path) -> None:
        super().__init__(spec)
        for setting in spec.settings.keys() - SETTINGS.keys():
            raise ConfigError(f"region {spec.name} has the unknown setting {setting}", remedy=f"acme has: {', '.join(SETTINGS)}")
        self._pilot = pilot
        self._home = home
        self._master = home / "master.key"
        self._mark = home / "up"

    def check(self) -> Sequence[Finding]:
        site, wanted = self.spec.settings.get("site", self.spec.jurisdiction), self.spec.jurisdiction
        place = Finding(
            check=f"{self.spec.name}: the site is in {wanted}",
            ok=site == wanted,
            detail=f"its operator says {site}",
            remedy="" if site == wanted else "correct `site`, or the region's jurisdiction",
        )
        return [place]

    def status(self) -> RegionStatus:
        up = self._mark.exists()
        return RegionStatus(region=self.spec.name, up=up, problems=() if up else ("not started",))

    def start(self) -> RegionTrust:
        self._home.mkdir(parents=True, exist_ok=True)
        if not self._master.exists():
            with os.fdopen(os.open(self._master, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(os.urandom(32))
        self._mark.touch()
        keystore = self.keystore()
        facts = {name: keystore.create(name, purpose) for name, purpose in KEYS.items()}
        return RegionTrust(
            region=self.spec.name,
            jurisdiction=self.spec.jurisdiction,
            role=self.spec.role,
            trust_domain=f"{self.spec.name}.{self._pilot}.sov",
            bundle="",
            keys={name: fact.public_keys[str(fact.version)] for name, fact in facts.items() if fact.public_keys},
        )

    def stop(self) -> None:
        self._mark.unlink(missing_ok=True)

    def keystore(self) -> KeyStore:
        self._must_be_up()
        return AcmeKeyStore(self._home / "keys", self._master.read_bytes(), self.spec.name, self.spec.jurisdiction)

    def registry(self) -> Registry:
        self._must_be_up()
        return AcmeRegistry(self._home / "models")

    def trainer(self) -> Trainer:
        raise Unsupported("training", reason="acme keeps keys and models only", remedy="train in a region of another provider")

    def server(self) -> Server:
        raise Unsupported("serving", reason="acme keeps keys and models only", remedy="serve in a region of another provider")

    def _must_be_up(self) -> None:
        if not self._mark.exists():
            raise Unavailable(f"region {self.spec.name} is not up", remedy="start it: sovctl up")
