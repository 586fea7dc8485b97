"""What a pilot's README says of its places that are not on this machine: where each is, who logs in, and what to type by week."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from sovplatform.constructs import TrainingPool
from sovplatform.errors import ConfigError, SovError
from sovplatform.interfaces.stackforms import StackForms
from sovplatform.pilot import InfrastructureSpec
from sovplatform.plugins import Plugins
from sovplatform.plugins.discovery import BUILT_IN, HERE
from sovplatform.records import RegionSpec, Role
from sovplatform.scaffold.regions import EDGE, Place

_WEEKS = (1, 2, 3, 4)
_DONE = """
A week is done when `sovctl plan --week N --check` ends with 0, as nothing is left to make, change or end, and

| week | look |
|---|---|
| 1 | `sovctl audit verify`: the operator's journal verifies |
| 2 | `kubectl get nodes`: ready; `kubectl get pods -A`: cert-manager, Argo CD and Kyverno run |
| 3 | OpenBao is initialised and unsealed (once, by you); SPIRE, MLflow and Kubeflow Trainer run |
| 4 | KServe and Prometheus run; `kubectl get services -A` has no type but `ClusterIP` |

This version makes and judges the infrastructure of such regions, and keeps keys in the clouds' key services. `sovctl up` and
`sovctl run`, below, work where all regions are `onprem` on one machine: elsewhere trainer and server answer `Unsupported`.
"""
_LOGINS = {
    "aws": "`aws sso login --profile P`, and `profile: P` in its settings",
    "gcp": "`gcloud auth application-default login`",
    "onprem": "that context in `~/.kube/config`; from week 2 `VAULT_TOKEN` for `vault` of its settings",
    EDGE: "those contexts in `~/.kube/config`",
}


_INFRASTRUCTURE = """
# -- infrastructure ----------------------------------------------------------------------------------------------------
# What the clouds are to provide: `sovctl synth` writes it as Terraform, `sovctl cost` tells what a month of it costs.
infrastructure:
  training: {gpu: L4, nodes: 4, hours: 40}  # GPU-hours a month; on spot machines in the global fabric, reserved elsewhere
  serving: {nodes_min: 1, nodes_max: 3}     # machines in each place that serves
  storage: {raw_gb: 500, artifacts_gb: 50, lock_days: 90, audit_days: 365}
  budget:                         # a month that may cost more is denied
    amount: 20000                 # over all regions
    currency: EUR
    alerts: [50, 80, 100]         # percent
    contact: ""                   # FILL IN: the mailbox that alerts go to
"""
"""The defaults, where they are seen and changed."""


def infrastructure_text(places: Sequence[Place]) -> str:
    """A section of `pilot.yaml`; nothing when every region is on this machine."""
    return "" if all(place.provider == HERE for place in places) else _INFRASTRUCTURE


def clouds_text(pilot: str, regions: Sequence[tuple[str, Place, Role]]) -> str:
    """A section of the README; nothing when every region is on this machine."""
    if all(place.provider == HERE for _, place, _ in regions):
        return ""
    rows = [
        f"| `{name}` | {place.provider} | {place.jurisdiction}: {_where(pilot, name, place, role)} | {_login(place)} |"
        for name, place, role in regions
    ]
    weeks = [f"    sovctl plan --week {week} && sovctl apply --week {week}\n" for week in _WEEKS]
    chosen = [f"    sovctl plan --week 1 --region {name} && sovctl apply --week 1 --region {name}\n" for name, _, _ in regions]
    return (
        "\n## Places\n\n| region | provider | place | login |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n\nFill in what `pilot.yaml` marks in each region's `settings`, make the store of its Terraform state once"
        + "\n(the provider's page in `docs/infrastructure/` says how), and log in. Then, at the beginning of each week:\n\n"
        + "".join(weeks)
        + "\nor one region at a time, which is the way when different people log in:\n\n"
        + "".join(chosen)
        + _DONE
    )


def _login(place: Place) -> str:
    return _LOGINS.get(place.provider, "as its provider's documentation says")


def _where(pilot: str, name: str, place: Place, role: Role) -> str:
    """The provider's own name of the place that the region gets without further settings."""
    if place.provider == EDGE:
        return f"contexts `{name}-site-1`, `{name}-site-2`"
    try:
        location = _forms(pilot, _spec(name, place, role)).locations()[0]
    except ConfigError:
        return "to be named in its settings"
    return f"context `{location}`" if place.provider == HERE else f"`{location}`"


def lacks_gpu(pilot: str, name: str, place: Place, role: Role) -> bool:
    """Whether the place that the region gets without further settings has not the GPU that a pilot asks for by default."""
    region, training = _spec(name, place, role), InfrastructureSpec().training
    pool = TrainingPool(pilot=pilot, region=region, labels={}, gpu=training.gpu, nodes=training.nodes, spot=role is Role.global_)
    try:
        forms = _forms(pilot, region)
    except ConfigError:
        return False
    try:
        forms.form(pool, {})
    except ConfigError:
        return True
    except (SovError, LookupError):  # it came as far as asking for a network
        return False
    return False


def _spec(name: str, place: Place, role: Role) -> RegionSpec:
    return RegionSpec(name=name, jurisdiction=place.jurisdiction, role=role, provider=place.provider)


def _forms(pilot: str, region: RegionSpec) -> StackForms:
    plugins = Plugins.load(() if region.provider in BUILT_IN else (region.provider,))
    module, _, forms = plugins.stack_forms(region.provider).partition(":")
    made: StackForms = getattr(import_module(module), forms)(region, pilot)
    return made
