"""Inspectors: one that fails, lies or hangs can only be a reason against."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from sovplatform.border.inspection import Inspection, Subject, inspect_all, readable
from sovplatform.errors import Unavailable
from tests.fixtures.border import World


class Custom:
    """An inspector of somebody else's."""

    def __init__(self, act: Callable[[Subject], object], name: str = "custom") -> None:
        self.name = name
        self._act = act

    def inspect(self, subject: Subject) -> Inspection:
        return self._act(subject)  # type: ignore[return-value]


def fail(subject: Subject) -> Inspection:
    raise RuntimeError("the secret is 42")


def unavailable(subject: Subject) -> Inspection:
    raise Unavailable("the scanner does not answer")


def leave(subject: Subject) -> Inspection:
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda _: Inspection(("a name was found",)), "custom: a name was found"),
        (fail, "custom: could not be checked: RuntimeError"),
        (unavailable, "custom: could not be checked: the scanner does not answer"),
        (leave, "custom: could not be checked: SystemExit"),
        (lambda _: None, "custom: it gave no inspection"),
        (lambda _: True, "custom: it gave no inspection"),
    ],
)
def test_whatever_a_further_inspector_does_other_than_say_nothing_against_it_is_a_denial(
    world: World, act: Callable[[Subject], object], reason: str
) -> None:
    world.reserve()
    crossing, folder = world.update()
    signed = world.gate(inspectors=[Custom(act)]).decide(crossing, folder)
    assert signed.decision.reasons == (reason,)
    assert signed.decision.rules == ("inspection.custom",)
    assert world.events("privacy.released") == []


def test_a_further_inspector_with_nothing_against_it_changes_nothing(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    signed = world.gate(inspectors=[Custom(lambda _: Inspection(facts={"pages": 3}))]).decide(crossing, folder)
    assert signed.decision.allow
    assert signed.decision.evidence["inspected"]["custom"] is True


@pytest.mark.parametrize("name", ["signature", "privacy", "files"])
def test_a_further_inspector_cannot_speak_in_a_built_in_ones_name(world: World, name: str) -> None:
    crossing, folder = world.update()
    impostor = Custom(lambda _: Inspection(facts={"accounted": True}), name)
    signed = world.gate(inspectors=[impostor]).decide(crossing, folder)
    assert not signed.decision.allow
    assert f"two inspectors are called {name}" in "; ".join(signed.decision.reasons)


def test_one_that_hangs_is_left_behind_and_the_others_are_heard(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    release = threading.Event()
    inspectors = [
        Custom(lambda _: Inspection(), "first"),
        Custom(lambda _: Inspection((str(release.wait(30)),)), "stuck"),
        Custom(lambda _: Inspection(("no",)), "last"),
    ]
    found = inspect_all(inspectors, world.gate()._subject(crossing, folder), timeout=0.2)
    release.set()
    assert found == {
        "first": Inspection(),
        "stuck": Inspection(("did not answer within 0.2 s",)),
        "last": Inspection(("no",)),
    }


def test_a_reason_is_made_plain_before_the_rules_see_it() -> None:
    assert readable('a"b\\c\nd\u202e') == "a'b/c?d?"
    assert len(readable("x" * 10_000)) == 300
