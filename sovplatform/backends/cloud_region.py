"""CloudRegion: a region that a cloud and Terraform manage; its place is proved before anything there is used."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

from sovplatform.errors import Denied, SovError, Unavailable, Unsupported
from sovplatform.interfaces import KeyStore, Region, Registry, Server, Trainer
from sovplatform.records import Finding, RegionSpec, RegionStatus


class CloudRegion(Region):
    """There is nothing to start, and of the services there are keys. A provider says what it proves, and in which order."""

    def __init__(self, spec: RegionSpec, pilot: str) -> None:
        super().__init__(spec)
        self.pilot = pilot

    @abstractmethod
    def _proofs(self) -> Sequence[Callable[[], Finding]]:
        """What has to hold, each worth asking only when those before it do.

        A finding named `place` that does not hold means that what is there is somebody else's: then keys are denied. Under
        every other name it means that it could not be found out.
        """

    @abstractmethod
    def _kms_address(self) -> str:
        """The URL of the key service."""

    @abstractmethod
    def _keys(self) -> KeyStore:
        """The key store of a place that was proved."""

    def check(self) -> Sequence[Finding]:
        """As `Region.check`. It ends with the first that does not hold."""
        found: list[Finding] = []
        for proof in self._proofs():
            found.append(proof())
            if not found[-1].ok:
                break
        return found

    def status(self) -> RegionStatus:
        problems = tuple(finding.detail for finding in self.check() if not finding.ok)
        endpoints = {} if problems else {"kms": self._kms_address()}
        return RegionStatus(region=self.spec.name, up=not problems, endpoints=endpoints, problems=problems)

    def keystore(self) -> KeyStore:
        """Keys in the cloud's key service; asked for, the place is proved again.

        Raises:
            Denied: the credentials or the place are not those of this region.
            Unavailable: the place could not be proved.
        """
        for finding in self.check():
            if not finding.ok:
                kind = Denied if finding.check == "place" else Unavailable
                raise kind(f"region {self.spec.name} is not used: {finding.detail}", remedy=finding.remedy)
        return self._keys()

    def registry(self) -> Registry:
        raise self._later("a registry")

    def trainer(self) -> Trainer:
        raise self._later("a trainer")

    def server(self) -> Server:
        raise self._later("a server")

    def _later(self, service: str) -> Unsupported:
        return Unsupported(
            f"{service} on {self.spec.provider}",
            reason="it needs the region's Kubernetes cluster, which this version does not manage yet",
            remedy="use provider onprem for this region",
        )


def unproved(check: str, err: SovError) -> Finding:
    """The finding of a check that an error ended, with its reasons and its remedy."""
    reasons = f": {'; '.join(err.reasons)}" if isinstance(err, Denied) and err.reasons else ""
    return Finding(check=check, ok=False, detail=err.message + reasons, remedy=err.remedy or "see the message")
