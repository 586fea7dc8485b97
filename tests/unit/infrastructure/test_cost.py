"""Cost: what a month of synthesised stacks comes to, where its figures are from, and what has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sovplatform import config
from sovplatform.errors import ConfigError
from sovplatform.infrastructure.consumption import aws, google
from sovplatform.infrastructure.cost import estimate, policy_input
from sovplatform.infrastructure.estimate import CostEstimate, CostLine
from sovplatform.infrastructure.pricing import Prices, PriceTable, Rate, Rates
from sovplatform.infrastructure.request import Synthesis, SynthStack, Variable
from sovplatform.pilot import BudgetSpec, InfrastructureSpec, Pilot, ServingPoolSpec, StorageSpec, TrainingPoolSpec
from sovplatform.records import RegionSpec, Role
from sovplatform.scaffold import Blueprint, Place, make_pilot
from tests.fixtures.prices import SOURCE, TODAY, price

Estimate = Callable[..., CostEstimate]


def table(*prices: dict[str, Any], **more: Any) -> PriceTable:
    return PriceTable.model_validate({"prices": prices, **more})


def tables(table_of_aws: PriceTable, rates: tuple[Rate, ...] = (), **others: PriceTable) -> Prices:
    return Prices({"aws": table_of_aws, **others}, Rates(rates=rates))


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Pilot:
    directory = tmp_path_factory.mktemp("pilots") / "demo"
    make_pilot(
        directory, Blueprint(name="demo", sovereign=(Place("onprem", "DE"),), fabric=Place("onprem", "US"), example="fintech")
    )
    return config.load(directory)


def stack(
    region: str = "de", week: int = 2, *, provider: str = "aws", locations: tuple[str, ...] = ("here",), **more: Any
) -> SynthStack:
    spec = RegionSpec(name=region, jurisdiction="DE", role=Role.sovereign, provider=provider)
    return SynthStack(
        name=f"{region}-week{week}",
        region=spec,
        week=week,
        resources=1,
        locations=locations,
        terraform="1.9",
        opentofu="1.8",
        **more,
    )


def body(construct: str, resources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A stack's file with these resources, `type.name` each, of one construct."""
    found: dict[str, Any] = {}
    for address, arguments in resources.items():
        kind, _, name = address.partition(".")
        where = {"metadata": {"path": f"stack/{construct}/{address}", "uniqueId": name}}
        found.setdefault(kind, {})[name] = {"//": where, **arguments}
    return {"resource": found}


@pytest.fixture
def month(blank: Pilot) -> Estimate:
    def call(*stacks: tuple[SynthStack, dict[str, Any]], prices: Prices, **spec: Any) -> CostEstimate:
        pilot = blank.model_copy(update={"infrastructure": InfrastructureSpec(**spec)})
        synthesis = Synthesis(pilot="demo", stacks=tuple(made for made, _ in stacks))
        return estimate(pilot, synthesis, {made.name: given for made, given in stacks}, prices=prices, today=TODAY)

    return call


def only(found: CostEstimate) -> CostLine:
    (line,) = found.lines
    return line


def node_group(**more: Any) -> dict[str, Any]:
    scaling = {"min_size": 2, "max_size": 6, "desired_size": 2}
    return {"instance_types": ["m6i.xlarge"], "capacity_type": "ON_DEMAND", "scaling_config": [scaling], **more}


# -- what is counted --------------------------------------------------------------------------------------------------


def test_a_pool_costs_its_least_nodes_at_least_and_its_most_at_most(month: Estimate) -> None:
    given = body("cluster", {"aws_eks_node_group.system": node_group()})
    found = month(
        (stack(), given), prices=tables(table(price("instance:m6i.xlarge", 0.5), price("disk:gp3", 0.1, unit="GB-month")))
    )
    machines, disks = found.lines
    assert (machines.month_low, machines.month_high) == (2 * 730 * 0.5, 6 * 730 * 0.5)
    assert (disks.quantity_low, disks.quantity_high) == (2 * 20, 6 * 20)
    assert machines.part == "cluster"
    assert found.total.month_high == machines.month_high + disks.month_high
    assert found.totals[0].region == "de"


def test_endpoints_are_counted_in_each_zone_and_together(month: Estimate) -> None:
    zones = ["a", "b", "c"]
    given = body(
        "landing-zone",
        {
            "aws_vpc_endpoint.kms": {"vpc_endpoint_type": "Interface", "subnet_ids": zones},
            "aws_vpc_endpoint.sts": {"vpc_endpoint_type": "Interface", "subnet_ids": "${var.network_subnets}"},
            "aws_vpc_endpoint.s3": {"vpc_endpoint_type": "Gateway"},
        },
    )
    made = stack(variables={"network_subnets": Variable(stack="de-week1", output="network.subnets", example=["x", "y"])})
    line = only(month((made, given), prices=tables(table(price("endpoint", 0.01)))))
    assert line.quantity_low == line.quantity_high == (3 + 2) * 730


def test_reserved_machines_are_paid_whether_they_run_or_not_and_only_once(month: Estimate) -> None:
    template = {"capacity_reservation_specification": [{"x": 1}], "block_device_mappings": []}
    nodes = node_group(
        instance_types=["g6.xlarge"],
        scaling_config=[{"min_size": 0, "max_size": 4}],
        launch_template=[{"id": "${aws_launch_template.training.id}"}],
    )
    given = body(
        "training-pool",
        {
            "aws_ec2_capacity_reservation.training": {"instance_type": "g6.xlarge", "instance_count": 4},
            "aws_launch_template.training": template,
            "aws_eks_node_group.training": nodes,
        },
    )
    line = only(month((stack(week=3), given), prices=tables(table(price("instance:g6.xlarge", 1)))))
    assert line.month_low == line.month_high == 4 * 730
    assert "whether they run or not" in line.note


def test_training_on_spot_costs_gpu_hours_at_a_range_and_tells_the_price_without_spot(month: Estimate) -> None:
    nodes = node_group(
        capacity_type="SPOT", instance_types=["p4d.24xlarge", "p4de.24xlarge"], scaling_config=[{"min_size": 0, "max_size": 4}]
    )
    prices = tables(
        table(
            price("spot:p4d.24xlarge", 5, high=8, gpus=8),
            price("spot:p4de.24xlarge", 6, high=12, gpus=8),
            price("instance:p4d.24xlarge", 20, gpus=8),
            price("instance:p4de.24xlarge", 30, gpus=8),
            price("disk:gp3", 0, unit="GB-month"),
        )
    )
    given = body("training-pool", {"aws_eks_node_group.training": nodes})
    line = only(month((stack(week=3), given), prices=prices, training=TrainingPoolSpec(hours=80)))
    assert line.quantity_low == line.quantity_high == 10
    assert (line.month_low, line.month_high, line.month_on_demand) == (50, 120, 300)
    assert line.what.endswith(", spot")
    full = only(month((stack(week=3), given), prices=prices, training=TrainingPoolSpec(hours=1e6)))
    assert full.quantity_high == 4 * 730, "no pool runs for more hours than it has"


def test_gpus_that_come_with_a_machine_are_not_charged_again_and_others_are(month: Estimate) -> None:
    def pool(machine: str) -> dict[str, Any]:
        config = {"machine_type": machine, "guest_accelerator": [{"type": "nvidia-l4", "count": 2}], "disk_size_gb": 0}
        return {"node_config": [config], "autoscaling": [{"total_min_node_count": 1, "total_max_node_count": 3}]}

    google_prices = table(price("instance:g2-standard-8", 1), price("instance:n1-standard-8", 0.5), price("gpu:nvidia-l4", 0.25))
    given = body(
        "serving-pool",
        {"google_container_node_pool.a": pool("g2-standard-8"), "google_container_node_pool.b": pool("n1-standard-8")},
    )
    found = month((stack(provider="gcp", week=4), given), prices=tables(table(), gcp=google_prices))
    assert [(line.what, line.month_low, line.month_high) for line in found.lines] == [
        ("g2-standard-8", 730, 3 * 730),
        ("n1-standard-8", 365, 3 * 365),
        ("nvidia-l4 GPUs", 2 * 182.5, 2 * 3 * 182.5),
    ]


@pytest.mark.parametrize(
    ("algorithm", "level", "item"),
    [
        ("GOOGLE_SYMMETRIC_ENCRYPTION", "HSM", "key:HSM"),
        ("EC_SIGN_P256_SHA256", "HSM", "key:HSM:large"),
        ("EC_SIGN_ED25519", "SOFTWARE", "key:SOFTWARE"),
        ("GOOGLE_SYMMETRIC_ENCRYPTION", "EXTERNAL_VPC", "key:EXTERNAL"),
    ],
)
def test_a_key_of_google_costs_by_protection_and_algorithm(month: Estimate, algorithm: str, level: str, item: str) -> None:
    version = [{"algorithm": algorithm, "protection_level": level}]
    given = body("region-keys", {"google_kms_crypto_key.data": {"version_template": version}})
    prices = tables(table(), gcp=table(price(item, 2, unit="month")))
    assert only(month((stack(provider="gcp"), given), prices=prices)).month_high == 2


def test_stores_hold_what_the_pilot_says_and_the_audit_trail_nobody_knows(month: Estimate) -> None:
    raw = body("raw-data-store", {"aws_s3_bucket.raw": {}})
    audit = body("audit-sink", {"aws_s3_bucket.audit": {}})
    prices = tables(table(price("storage", 0.5, unit="GB-month")))
    found = month((stack(), raw), (stack(week=3), audit), prices=prices, storage=StorageSpec(raw_gb=100))
    assert only(found).month_high == 50


def test_machines_of_ones_own_are_counted_as_the_pilot_sizes_them(month: Estimate) -> None:
    given = body("serving-pool", {"kubernetes_namespace_v1.serving": {}})
    sites = [(stack(f"edge-{site}", 4, provider="edge", locations=()), given) for site in ("one", "two")]
    own = table(price("machine:cpu", 0.1, location="*"), free=["kubernetes_*"])
    found = month(*sites, prices=tables(table(), onprem=own), serving=ServingPoolSpec(nodes_min=1, nodes_max=2))
    assert [(total.region, total.month_low, total.month_high) for total in found.totals] == [
        ("edge-one", 73, 146),
        ("edge-two", 73, 146),
    ]
    assert found.of("edge", {"edge-one", "edge-two"}).total == found.total
    assert found.of("edge-two", {"edge-two"}).total.month_high == 146


def test_a_volume_is_priced_as_a_disk_of_the_cloud_that_its_cluster_is_in(month: Estimate) -> None:
    claim = {"spec": [{"resources": [{"requests": {"storage": "20Gi"}}]}]}
    volumes = body("platform-services", {"kubernetes_persistent_volume_claim_v1.mlflow": claim})
    cluster = body("cluster", {"aws_eks_cluster.main": {}})
    prices = tables(table(price("disk:gp3", 0.1, unit="GB-month"), price("cluster", 0)))
    found = month((stack(), cluster), (stack(week=3), volumes), prices=prices)
    assert only(found).month_high == 2


# -- what has no price ------------------------------------------------------------------------------------------------


def test_what_has_no_price_is_listed_with_the_reason_and_never_guessed(month: Estimate) -> None:
    given = body(
        "cluster",
        {"aws_eks_node_group.system": node_group(), "aws_nat_gateway.new": {}, "aws_cloudtrail.main": {}, "aws_vpc.main": {}},
    )
    prices = tables(
        table(
            price("disk:gp3", 0, unit="GB-month"), free=["aws_vpc"], by_use=[{"types": ["aws_cloudtrail"], "reason": "by number"}]
        )
    )
    found = month((stack(), given), prices=prices)
    assert not found.lines
    reasons = {item.what: item.reason for item in found.not_priced}
    assert "prices/aws.json" in reasons["m6i.xlarge"]
    assert reasons["aws_nat_gateway"] == "it is not known here whether and what it costs"
    assert reasons["aws_cloudtrail"] == "by number"
    assert "aws_vpc" not in reasons
    assert all(item.regions == ("de",) for item in found.not_priced)


def test_every_resource_type_that_is_read_is_known_to_be_free_or_by_use_or_priced() -> None:
    prices = Prices.load()
    both = [kind for kind in (*aws.READERS, *google.READERS) if prices.free(kind) or prices.by_use(kind)]
    assert both == [], "a type that is priced is not free as well"


# -- places and currencies --------------------------------------------------------------------------------------------

ELSEWHERE = [
    {"locations": "cloister", "priced_as": "here", "low": 1.1, "high": 1.2, "note": "dearer by 10 to 20 %", **SOURCE},
    {"locations": "*", "priced_as": "there", "note": "there stands for it"},
]


def test_a_place_without_prices_takes_those_of_another_and_says_so(month: Estimate) -> None:
    given = body("cluster", {"aws_eks_cluster.main": {}})
    prices = tables(table(price("cluster", 1, location="there"), elsewhere=ELSEWHERE))
    found = month((stack(locations=("nowhere",)), given), prices=prices)
    assert only(found).stands_for == "there"
    assert "there stands for it" in found.warnings


def test_a_dearer_place_makes_a_range_even_of_what_costs_the_same_everywhere(month: Estimate) -> None:
    given = body("region-keys", {"aws_kms_key.data": {}, "aws_eks_cluster.main": {}})
    prices = tables(table(price("key", 10, location="*", unit="month"), price("cluster", 1), elsewhere=ELSEWHERE))
    found = month((stack(locations=("cloister",)), given), prices=prices)
    assert {(line.what, line.month_low, line.month_high, line.stands_for) for line in found.lines} == {
        ("KMS keys", 11, 12, "here"),
        ("EKS cluster", 803, 876, "here"),
    }


def test_another_currency_is_converted_by_a_rate_of_the_table_or_not_at_all(month: Estimate) -> None:
    given = body("cluster", {"aws_eks_cluster.main": {}})
    dollars = table(price("cluster", 1, currency="USD"))
    rate = Rate.model_validate(
        {"base": "EUR", "quote": "USD", "rate": 2, "as_of": "2026-10-01", "source": "https://bank.example/"}
    )
    found = month((stack(), given), prices=tables(dollars, (rate,)))
    assert (only(found).currency, only(found).month_high, found.currency) == ("USD", 365, "EUR")
    assert "https://bank.example/" in {source.source for source in found.sources}
    without = month((stack(), given), prices=tables(dollars))
    assert not without.lines
    assert any("no rate from USD to EUR" in item.reason for item in without.not_priced)


# -- the budget -------------------------------------------------------------------------------------------------------


def test_the_most_of_a_month_is_held_against_the_budget_and_told_to_the_policy(month: Estimate) -> None:
    given = body("cluster", {"aws_eks_cluster.main": {}})
    found = month((stack(), given), prices=tables(table(price("cluster", 1))))
    assert not found.over(BudgetSpec(amount=730))
    assert found.over(BudgetSpec(amount=729.99))
    assert policy_input(found, BudgetSpec(amount=500)) == {"month_high": 730, "limit": 500, "unknown": 0}
    with pytest.raises(ConfigError, match="the budget in USD"):
        found.over(BudgetSpec(amount=500, currency="USD"))


def test_an_unknown_region_is_named_with_those_that_there_are(month: Estimate) -> None:
    found = month((stack(), body("cluster", {"aws_eks_cluster.main": {}})), prices=tables(table(price("cluster", 1))))
    with pytest.raises(ConfigError) as caught:
        found.of("fr", ())
    assert "use one of: de" in caught.value.remedy


# -- how far its sources are to be believed ----------------------------------------------------------------------------


def test_prices_older_than_400_days_give_a_warning(month: Estimate) -> None:
    given = body("cluster", {"aws_eks_cluster.main": {}})
    old, new = ("2025-10-19", "2025-10-20")
    warned = month((stack(), given), prices=tables(table(price("cluster", 1, as_of=old)))).warnings
    assert warned == (f"1 of 1 sources of prices are older than 400 days, the oldest of {old}",)
    assert month((stack(), given), prices=tables(table(price("cluster", 1, as_of=new)))).warnings == ()


def test_a_source_without_a_date_of_its_own_is_told(month: Estimate) -> None:
    given = body("cluster", {"aws_eks_cluster.main": {}})
    (warned,) = month((stack(), given), prices=tables(table(price("cluster", 1, dated="reading")))).warnings
    assert warned.startswith("1 of 1 sources bear no date")


def test_a_machine_of_a_cloud_without_a_price_is_unknown_and_one_of_ones_own_is_not(month: Estimate) -> None:
    arguments = {"instance_type": "p6.huge", "instance_count": 2}
    given = body("training-pool", {"aws_ec2_capacity_reservation.training": arguments})
    own = (stack("fr", 4, provider="onprem", locations=()), body("serving-pool", {"kubernetes_namespace_v1.serving": {}}))
    found = month((stack(), given), own, prices=tables(table(), onprem=table(free=["kubernetes_*"])))
    assert found.unknown == ("p6.huge, reserved (de)",)
    assert policy_input(found, BudgetSpec()) == {"month_high": 0, "limit": 20_000, "unknown": 1}
