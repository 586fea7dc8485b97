"""Place: where forms are made, and the names that things have there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import JsonValue

from sov_gcp.gpus import zones_of
from sov_gcp.locations import misplaced
from sov_gcp.settings import GcpSettings
from sov_gcp.terraform_settings import TerraformSettings
from sovplatform.backends.terraform.forms import shortened
from sovplatform.constructs import Construct
from sovplatform.errors import SettingError
from sovplatform.interfaces.stackforms import Resource
from sovplatform.records import Record, RegionSpec

PLACEHOLDER = "project"
"""Stands for the project of a pilot that names none yet, so that it can be planned offline."""


class Place(Record):
    """A region of a pilot in Google Cloud: one project, one location."""

    pilot: str
    region: RegionSpec
    settings: GcpSettings
    terraform: TerraformSettings

    @classmethod
    def of(cls, pilot: str, region: RegionSpec) -> Place:
        """Raises ConfigError for a wrong setting, or a location outside the region's jurisdiction."""
        place = cls(pilot=pilot, region=region, settings=GcpSettings.of(region, pilot), terraform=TerraformSettings.of(region))
        wrong = misplaced(place.location, region.jurisdiction)
        if wrong is not None:
            raise SettingError(region.name, [wrong])
        if place.settings.project.isdigit():
            remedy = "set `project` to the project's ID, which names registries and workload identities"
            raise SettingError.of(region.name, "project", f"project {place.settings.project} is a number", remedy=remedy)
        if len(place.key_ring) > 63:
            remedy = "set a shorter `keyring` under settings"
            raise SettingError.of(region.name, "keyring", f"'{place.key_ring}' is too long for a key ring", remedy=remedy)
        return place

    @property
    def project(self) -> str:
        return self.settings.project or PLACEHOLDER

    @property
    def location(self) -> str:
        return self.settings.location

    @property
    def key_ring(self) -> str:
        return self.settings.keyring

    @property
    def zones(self) -> tuple[str, ...]:
        return zones_of(self.location)

    @property
    def registry(self) -> str:
        """The name of the repository of container images."""
        return self.named("images", limit=63)

    @property
    def mirror(self) -> str:
        """Where a cluster without a way out finds charts and images: in the region's own repository."""
        return f"oci://{self.location}-docker.pkg.dev/{self.project}/{self.registry}"

    def named(self, *parts: str, limit: int = 54) -> str:
        """A name for a thing of this region in its project."""
        return lettered("-".join((self.pilot, self.region.name, *parts)), limit)

    def bucket(self, kind: str) -> str:
        """Names of buckets are shared by the whole world: the project's name is in them."""
        return lettered(f"{self.project}-{self.named(kind, limit=200)}", 63)


def lettered(name: str, limit: int) -> str:
    """The name within the limit, beginning with a letter, as most names must."""
    return shortened(name if name[0].isalpha() else f"r{name}", limit)


def labels(construct: Construct, **more: str) -> dict[str, JsonValue]:
    """A construct's labels by Google's rules: lower case, digits, '-' and '_', at most 63 characters."""
    return {_plain(name): _plain(value) for name, value in {**construct.labels, **more}.items()}


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:63]


def project_data(place: Place, name: str) -> Resource:
    """The project as a data source, for its number. Each form of a stack needs a name of its own for it."""
    return Resource(type="google_project", name=name, arguments={"project_id": place.project}, data=True)


def after_grant(key: JsonValue, *agents: str, also: Sequence[str] = ()) -> dict[str, JsonValue]:
    """The argument that lets a thing wait until the services' agents may use the key, and for what it waits `also`.

    In the stack that makes the key, nothing else tells Terraform so; in later weeks' the key comes in a variable.
    """
    made_here = isinstance(key, str) and "google_kms_crypto_key." in key
    waits: list[JsonValue] = [f"google_kms_crypto_key_iam_member.data_{agent}" for agent in agents] if made_here else []
    waits += also
    return {"depends_on": waits} if waits else {}
