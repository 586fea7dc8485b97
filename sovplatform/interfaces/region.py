"""Region: a place with a jurisdiction, and the way to its four services."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from sovplatform.interfaces.keystore import KeyStore
from sovplatform.interfaces.registry import Registry
from sovplatform.interfaces.server import Server
from sovplatform.interfaces.trainer import Trainer
from sovplatform.pilot import RegionConfig
from sovplatform.records import Finding, RegionSpec, RegionStatus, RegionTrust, Trust


class Region(ABC):
    """One place. A provider's hook makes it from a `RegionSpec`; making it must start and touch nothing.

    The service methods may answer `Unsupported` with a reason: an edge site, say, has no trainer. A region whose
    services somebody else runs need not override `start`, `stop` and `federate`.
    """

    def __init__(self, spec: RegionSpec) -> None:
        self.spec = spec

    @abstractmethod
    def check(self) -> Sequence[Finding]:
        """Prove, before anything is used, that the place is where the spec says and that its services can be had.

        Never raises for something that is wrong: that is a finding with `ok=False` and a remedy.
        """

    def check_for_infrastructure(self) -> Sequence[Finding]:
        """Prove what Terraform needs before it is asked for a plan: by default, all that `check` does. Never raises, as `check`.

        A finding that is about a setting names it; one that is called `place`, and does not hold, is a denial.
        """
        return self.check()

    @abstractmethod
    def status(self) -> RegionStatus:
        """Is it up, at which addresses, and what is wrong. Never raises for a service that is down."""

    @abstractmethod
    def keystore(self) -> KeyStore:
        """The region's keys.

        Raises:
            Unavailable: the region is not up.
            Unsupported: this provider has none.
        """

    @abstractmethod
    def registry(self) -> Registry:
        """The region's models. Raises as `keystore`."""

    @abstractmethod
    def trainer(self) -> Trainer:
        """The region's jobs. Raises as `keystore`."""

    @abstractmethod
    def server(self) -> Server:
        """The region's endpoints. Raises as `keystore`."""

    def start(self) -> RegionTrust | None:
        """Bring the region up, and return what others must know to believe it. Doing so twice is no error.

        Raises:
            Unavailable: something could not be started; the message names it.
        """
        return None

    def federate(self, trust: Trust, config: RegionConfig) -> None:  # noqa: B027 - a region managed elsewhere has nothing to do
        """Pin the pilot's trust and rules in the region, so that it can tell its peers from strangers and yes from no."""

    def stop(self) -> None:  # noqa: B027 - as above
        """End what `start` began; state on disk stays. Doing so twice is no error."""
