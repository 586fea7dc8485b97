"""Provision: start the regions, introduce them to each other, and give each the rules that it will keep."""

from __future__ import annotations

from sovplatform.errors import Unavailable
from sovplatform.pilot import RegionConfig
from sovplatform.private import write_atomically
from sovplatform.records import RegionSpec, RegionTrust, Trust
from sovplatform.stages.context import StageContext
from sovplatform.stages.records import Deployment, Plan


def provision(context: StageContext, plan: Plan) -> Deployment:
    """Doing so again changes nothing that is as it should be."""
    pilot = context.pilot
    started = context.each(pilot.regions, lambda spec: _start(context, spec))
    trust = Trust(pilot=pilot.name, regions={item.region: item for item in started})
    write_atomically(context.state / "trust.json", trust.canonical())
    configs = {spec.name: _config(context, plan, spec) for spec in pilot.regions}
    context.each(pilot.regions, lambda spec: context.regions[spec.name].federate(trust, configs[spec.name]))
    for spec in pilot.regions:
        facts = {"trust": trust.digest, "config": configs[spec.name].digest, "jurisdiction": spec.jurisdiction}
        context.record(
            "region.federated", spec.name, facts, key=f"federated/{trust.digest}/{configs[spec.name].digest}", regions=[spec.name]
        )
    status = tuple(context.regions[spec.name].status() for spec in pilot.regions)
    names = ", ".join(f"{spec.name} ({spec.jurisdiction})" for spec in pilot.regions)
    return Deployment(regions=status, trust=trust.digest, summary=f"up: {names}")


def _start(context: StageContext, spec: RegionSpec) -> RegionTrust:
    trust = context.regions[spec.name].start()
    if trust is None:
        raise Unavailable(f"region {spec.name} told no keys to trust it by", remedy=f"ask the maker of provider {spec.provider}")
    return trust


def _config(context: StageContext, plan: Plan, spec: RegionSpec) -> RegionConfig:
    pilot = context.pilot
    return RegionConfig(
        pilot=pilot.name,
        region=spec,
        peers=tuple(peer for peer in pilot.regions if peer.name != spec.name),
        contract=plan.contract,
        statistics=plan.statistics,
        datasets=tuple(data for data in pilot.datasets if data.region == spec.name),
        border=pilot.border,
        approvers=pilot.release.approvers,
        approvals=pilot.release.approvals,
        proposer=pilot.release.proposer,
        plugins=pilot.plugins,
        rules=tuple(str(context.root / rule) for rule in pilot.border.rules),
    )
