"""The privacy account: a budget is charged before anything leaves, once, and never overspent."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sovplatform import privacy
from sovplatform.border.privacy import PrivacyAccount
from sovplatform.errors import Denied, LedgerCorrupt, LedgerUnwritable, NotFound
from sovplatform.ledger import Ledger
from sovplatform.records import PrivacyPlan
from tests.fixtures.border import PLAN, World, evidence, region_config

ACTOR = "spiffe://de.demo.sov/job/train"
ONE = privacy.epsilon([PLAN], 1e-5)


def plan(name: str, **changes: object) -> PrivacyPlan:
    return PLAN.model_copy(update={"reservation": name, **changes})


def test_a_plan_is_charged_whole_and_recorded(world: World) -> None:
    spent = world.account().reserve(PLAN, ACTOR)
    assert spent.epsilon == ONE
    assert (spent.limit, spent.delta, spent.partitions) == (4.0, 1e-5, {"train": ONE})
    [entry] = world.events("privacy.reserved")
    assert PrivacyPlan.model_validate(entry["plan"]) == PLAN


def test_the_same_plan_again_costs_nothing(world: World) -> None:
    account = world.account()
    assert account.reserve(PLAN, ACTOR) == account.reserve(PLAN, ACTOR)
    assert len(world.events("privacy.reserved")) == 1


def test_another_plan_under_the_same_name_is_denied(world: World) -> None:
    account = world.account()
    account.reserve(PLAN, ACTOR)
    with pytest.raises(Denied, match="another content"):
        account.reserve(plan(PLAN.reservation, noise_multiplier=80.0), ACTOR)
    assert len(world.events("privacy.refused")) == 1


def test_plans_of_one_partition_compose(world: World) -> None:
    account = world.account()
    plans = [plan("a", noise_multiplier=20.0), plan("b", noise_multiplier=30.0)]
    for item in plans:
        account.reserve(item, ACTOR)
    spent = account.spent("credit-de")
    assert spent.epsilon == privacy.epsilon(plans, 1e-5)
    assert spent.epsilon > max(privacy.epsilon([item], 1e-5) for item in plans)


def test_disjoint_partitions_cost_the_larger(world: World) -> None:
    account = world.account()
    account.reserve(plan("a", noise_multiplier=20.0), ACTOR)
    account.reserve(plan("b", noise_multiplier=10.0, partition="holdout"), ACTOR)
    spent = account.spent("credit-de")
    assert spent.epsilon == max(spent.partitions.values()) == spent.partitions["holdout"]


def test_a_made_up_partition_is_no_new_budget(world: World) -> None:
    with pytest.raises(Denied, match="no partition"):
        world.account().reserve(plan("a", partition="train2"), ACTOR)


def test_over_budget_is_denied_and_recorded(world: World) -> None:
    account = world.account()
    account.reserve(PLAN, ACTOR)
    before = account.spent("credit-de")
    with pytest.raises(Denied, match=r"ε would be \d"):
        for number in range(20):
            account.reserve(plan(f"more-{number}"), ACTOR)
    assert account.spent("credit-de").epsilon <= 4.0
    assert account.spent("credit-de").epsilon >= before.epsilon
    assert len(world.events("privacy.refused")) == 1


def test_next_to_no_noise_is_over_any_budget(world: World) -> None:
    with pytest.raises(Denied):
        world.account().reserve(plan("a", noise_multiplier=1e-9), ACTOR)


@pytest.mark.parametrize("changes", [{"dataset": "credit-fr"}, {"dataset": "nothing"}, {"mechanism": "laplace"}])
def test_what_this_region_cannot_account_for_is_denied(world: World, changes: dict[str, object]) -> None:
    with pytest.raises(Denied):
        world.account().reserve(plan("a", **changes), ACTOR)
    assert world.events("privacy.reserved") == []


def test_threads_that_race_for_the_last_of_a_budget_do_not_overspend(world: World) -> None:
    """Each of eight fits alone, two do not fit together; two accounts share the ledger, as in the node."""
    accounts = [world.account(), world.account()]
    barrier = threading.Barrier(8)

    def reserve(number: int) -> bool:
        barrier.wait(10)
        try:
            accounts[number % 2].reserve(plan(f"race-{number}", noise_multiplier=2.5), ACTOR)
        except Denied:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(reserve, range(8))) == 1
    assert accounts[0].spent("credit-de").epsilon <= 4.0


def test_a_restart_forgets_nothing(world: World) -> None:
    world.account().reserve(PLAN, ACTOR)
    world.ledgers["de"].close()
    world.ledgers["de"] = Ledger.open(world.root / "de.db", "de.demo.sov/ledger")
    assert world.account().spent("credit-de").epsilon == ONE
    assert world.account().check(evidence(), "sha256:" + "0" * 64) == []


def test_what_cannot_be_recorded_is_not_reserved(world: World) -> None:
    world.ledgers["de"].close()
    with Ledger.open(world.root / "de.db", "de.demo.sov/ledger", read_only=True) as ledger:
        account = PrivacyAccount(region_config("de"), ledger)
        with pytest.raises(LedgerUnwritable):
            account.reserve(PLAN, ACTOR)
        assert account.spent("credit-de").epsilon == 0


def test_nothing_is_told_of_another_regions_dataset(world: World) -> None:
    with pytest.raises(Denied):
        world.account().spent("credit-fr")
    assert not issubclass(Denied, NotFound)


def test_one_step_belongs_to_one_artifact(world: World) -> None:
    account = world.account()
    account.reserve(PLAN, ACTOR)
    first, second = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    assert account.release(evidence(), first, ACTOR) == ""
    assert account.release(evidence(), first, ACTOR) == ""
    assert "already released" in account.release(evidence(), second, ACTOR)
    assert account.check(evidence(), first) == []
    assert "already released" in account.check(evidence(), second)[0]
    assert account.check(evidence(1), second) == []
    assert len(world.events("privacy.released")) == 1


def test_something_else_in_a_reservations_place_is_corruption(world: World) -> None:
    from sovplatform.border.privacy import _reservation_key

    world.ledgers["de"].append("run.noted", "x", actor="mallory", key=_reservation_key("r"))
    with pytest.raises(LedgerCorrupt):
        world.account().check(evidence(reservation="r"), "sha256:" + "0" * 64)
