"""What a pilot's infrastructure is made of: one frozen record for each construct, the same for every provider.

A construct is described here, composed in `cdktf/constructs/`, and given its Terraform form by the region's provider
(`plugins/NAME/…/stack.py`, see `sovplatform.interfaces.stackforms`). `needs` and `offers` name the values that go from one to
another, so that week 3 finds the network that week 1 made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from sovplatform.labels import Label
from sovplatform.records import KeyPurpose, Name, Record, RegionSpec


class Construct(Record):
    """Base of all constructs. `labels` go on every resource: who, where, and under whose law."""

    pilot: Name
    region: RegionSpec
    labels: Mapping[str, str]

    title: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    offers: ClassVar[tuple[str, ...]] = ()


class Guardrails(Construct):
    """What nobody in the account or project may do, whatever else they may: leave the place, the partition, the key."""

    title: ClassVar[str] = "guardrails"


class LandingZone(Construct):
    """A private network without a way to the internet, and private endpoints for the services that are used.

    `cidr` is the network's own range; ranges of one pilot never overlap. `network.subnets` is a list.
    """

    title: ClassVar[str] = "landing-zone"
    offers: ClassVar[tuple[str, ...]] = ("network.id", "network.subnets")
    cidr: str


class Budget(Construct):
    """A month's money, that of the whole pilot, and who is told at which percentages of it."""

    title: ClassVar[str] = "budget"
    amount: float = Field(gt=0)
    currency: str = "EUR"
    alerts: tuple[int, ...] = (50, 80, 100)
    contact: str = ""


class RegionKeys(Construct):
    """The region's own keys, single-region and not exportable: one for data at rest, the others by purpose.

    `keys.data` addresses the key that encrypts every store, log and secret of the region.
    """

    title: ClassVar[str] = "region-keys"
    offers: ClassVar[tuple[str, ...]] = ("keys.data",)
    keys: Mapping[str, KeyPurpose] = {}


class AuditSink(Construct):
    """Where the audit trail of the account or project rests, for `retention_days`, and cannot be changed in that time."""

    title: ClassVar[str] = "audit-sink"
    needs: ClassVar[tuple[str, ...]] = ("keys.data",)
    offers: ClassVar[tuple[str, ...]] = ("audit.store",)
    retention_days: int = Field(gt=0, default=365)


class RawDataStore(Construct):
    """Where raw data rests: encrypted with the region's key, versioned, TLS only, not public, never replicated."""

    title: ClassVar[str] = "raw-data-store"
    needs: ClassVar[tuple[str, ...]] = ("keys.data",)
    offers: ClassVar[tuple[str, ...]] = ("raw.store",)
    datasets: Mapping[str, Label] = {}


class Cluster(Construct):
    """A Kubernetes cluster with a private API, secrets encrypted with the region's key, and workload identity."""

    title: ClassVar[str] = "cluster"
    needs: ClassVar[tuple[str, ...]] = ("network.id", "network.subnets", "keys.data")
    offers: ClassVar[tuple[str, ...]] = ("cluster.name", "cluster.endpoint", "cluster.ca")
    version: str = "1.33"


class ArtifactStore(Construct):
    """What may be released or crosses a border: signed artifacts, locked for `lock_days`. The only store that others may read."""

    title: ClassVar[str] = "artifact-store"
    needs: ClassVar[tuple[str, ...]] = ("keys.data",)
    offers: ClassVar[tuple[str, ...]] = ("artifacts.store",)
    lock_days: int = Field(gt=0, default=90)


class TrainingPool(Construct):
    """GPUs that train: `spot`, tainted and autoscaled from zero in the global fabric; reserved in sovereign regions."""

    title: ClassVar[str] = "training-pool"
    needs: ClassVar[tuple[str, ...]] = ("cluster.name", "network.subnets", "keys.data")
    gpu: str
    nodes: int = Field(ge=0)
    spot: bool = False


class ServingPool(Construct):
    """Machines that answer predictions, from `nodes_min` to `nodes_max`; `gpu` is empty for CPUs."""

    title: ClassVar[str] = "serving-pool"
    needs: ClassVar[tuple[str, ...]] = ("cluster.name", "network.subnets", "keys.data")
    gpu: str = ""
    nodes_min: int = Field(ge=0, default=1)
    nodes_max: int = Field(ge=1, default=3)


class Chart(Record):
    """One Helm release. `mirror` settings of a region replace `repository` where nothing may be fetched from outside.

    `pod_security` is the strictest standard that its pods keep to. `listens` are the ports that other namespaces of the pilot and
    the API server (for webhooks) may call, `calls` those that it calls on private addresses besides the API server. `after` names
    charts of the same week that come first. `images` says where the chart's values name an image: dotted path → the image below
    the mirror, or nothing for the mirror itself. `volumes` are claims that must be there before it: name → size.
    """

    name: Name
    namespace: Name
    repository: str
    chart: str
    version: str
    values: Mapping[str, JsonValue] = {}
    pod_security: Literal["restricted", "baseline", "privileged"] = "restricted"
    listens: tuple[int, ...] = ()
    calls: tuple[int, ...] = ()
    after: tuple[Name, ...] = ()
    images: Mapping[str, str] = {}
    volumes: Mapping[Name, str] = {}
    timeout_seconds: int = Field(gt=0, default=600)


class PlatformServices(Construct):
    """What runs in the cluster for everybody, by Helm, in the namespaces that it needs, labelled like all else."""

    title: ClassVar[str] = "platform-services"
    needs: ClassVar[tuple[str, ...]] = ("cluster.name", "cluster.endpoint", "cluster.ca")
    charts: tuple[Chart, ...]
