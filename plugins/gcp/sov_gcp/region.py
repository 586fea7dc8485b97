"""GcpRegion: one region of Google Cloud in one project; its place is proved before anything there is used."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

from sov_gcp.locations import misplaced
from sov_gcp.settings import GcpSettings
from sovplatform.backends.cloud_region import CloudRegion, unproved
from sovplatform.backends.gcp_api import GcpApi, GcpPlace
from sovplatform.errors import NotFound, SovError
from sovplatform.interfaces import KeyStore
from sovplatform.records import Finding, RegionSpec


class GcpRegion(CloudRegion):
    """Keys in Cloud KMS.

    Rights needed to prove the place: `resourcemanager.projects.get` on the project, `cloudkms.keyRings.get` on the key ring.
    """

    def __init__(self, spec: RegionSpec, pilot: str) -> None:
        super().__init__(spec, pilot)
        self.settings = GcpSettings.of(spec, pilot)
        self._api = GcpApi(self.place)

    def _proofs(self) -> Sequence[Callable[[], Finding]]:
        if not _installed():
            return [
                lambda: Finding(check="libraries", ok=False, detail="no google-cloud-kms", remedy="pip install 'sovplatform-gcp'")
            ]
        return [self._check_place, self._check_project, self._check_keyring]

    def _kms_address(self) -> str:
        return self.settings.endpoint or "https://cloudkms.googleapis.com"

    def _keys(self) -> KeyStore:
        from sovplatform.backends.gcpkms import GcpKeyStore

        return GcpKeyStore(
            self.place,
            region=self.spec.name,
            jurisdiction=self.spec.jurisdiction,
            protection=self.settings.protection,
            seal_protection=self.settings.seal_protection,
        )

    @property
    def place(self) -> GcpPlace:
        """Where its keys are."""
        mine = self.settings
        return GcpPlace(mine.project, mine.location, mine.keyring, mine.endpoint.rstrip("/"))

    def _check_place(self) -> Finding:
        """The location is one region, in the jurisdiction."""
        wrong = misplaced(self.settings.location, self.spec.jurisdiction)
        if wrong is not None:
            return Finding(check="place", ok=False, detail=wrong.message, remedy=wrong.remedy)
        return Finding(check="place", ok=True, detail=f"{self.settings.location} is in {self.spec.jurisdiction}")

    def _check_project(self) -> Finding:
        """The project is the one that the settings say, active, and where the settings say."""
        if not self.settings.project:
            remedy = f"set `project` under settings of region {self.spec.name} in pilot.yaml"
            return Finding(check="project", ok=False, detail="no project is set", remedy=remedy, setting="project")
        try:
            found = self._api.project()
        except SovError as err:
            return unproved("credentials", err)
        identities = {str(found.get("projectId")), str(found.get("name", "")).removeprefix("projects/")}
        parent, state = str(found.get("parent", "")), str(found.get("state", ""))
        wanted = f"folders/{self.settings.folder}" if self.settings.folder else f"organizations/{self.settings.organization}"
        inside = parent == wanted or not (self.settings.folder or self.settings.organization)
        for ok, detail, remedy in (
            (self.settings.project in identities, f"Google answers with project {found.get('projectId')}", "set `project` to it"),
            (state == "ACTIVE", f"project {self.settings.project} is {state}", "restore it, or set another"),
            (inside, f"project {self.settings.project} is in {parent}, not in {wanted}", "move it there, or correct `folder`"),
        ):
            if not ok:
                return Finding(check="place", ok=False, detail=detail, remedy=remedy)
        return Finding(check="project", ok=True, detail=f"{self.settings.project} in {parent}")

    def _check_keyring(self) -> Finding:
        try:
            found = self._api.call("get_key_ring", name=self.place.ring)
        except NotFound as err:
            return Finding(check="key ring", ok=False, detail=err.message, remedy=f"make the key ring {self.place.ring}")
        except SovError as err:
            return unproved("key ring", err)
        if found.name != self.place.ring:
            return Finding(check="place", ok=False, detail=f"Google answers with {found.name}", remedy="set `keyring` to it")
        return Finding(check="key ring", ok=True, detail=found.name)


def _installed() -> bool:
    try:
        return importlib.util.find_spec("google.cloud.kms_v1") is not None
    except ModuleNotFoundError:  # not even the packages around it
        return False
