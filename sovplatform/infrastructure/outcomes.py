"""What planning and applying a pilot's stacks comes to: frozen records that commands print and programs read."""

from __future__ import annotations

from pydantic import Field

from sovplatform.infrastructure.request import LeftOut
from sovplatform.records import Record


class Changes(Record):
    """How many resources a plan makes, changes, makes anew in place of others, and ends."""

    create: int = Field(ge=0, default=0)
    update: int = Field(ge=0, default=0)
    replace: int = Field(ge=0, default=0)
    delete: int = Field(ge=0, default=0)

    def __str__(self) -> str:
        told = [f"{count} to {what}" for what, count in self.model_dump().items() if count]
        return ", ".join(told) or "no changes"


class Denial(Record):
    """One rule that spoke against one resource, and the construct that the resource comes from."""

    rule: str
    address: str
    construct_path: str
    message: str


class StackPlan(Record):
    """One stack's plan and verdict. `waiting` names what must be applied before it can be planned; it has no verdict then. `note`
    tells of an apply that was broken off before.
    """

    stack: str
    region: str
    week: int
    changes: Changes = Changes()
    allow: bool = False
    denials: tuple[Denial, ...] = ()
    plan_digest: str = ""
    waiting: str = ""
    note: str = ""
    left_out: tuple[LeftOut, ...] = ()


class PlanReport(Record):
    """All plans of one call. `offline` plans were made of an empty cloud, and cannot be applied."""

    pilot: str
    offline: bool
    stacks: tuple[StackPlan, ...]

    @property
    def allow(self) -> bool:
        """Whether every plan that was made may be applied."""
        return all(stack.allow for stack in self.stacks if not stack.waiting)

    @property
    def undone(self) -> tuple[str, ...]:
        """What is left to do, by stack; nothing when all that was asked for is as it is planned."""
        return tuple(
            f"{stack.stack}: {stack.waiting or stack.changes}"
            for stack in self.stacks
            if stack.waiting or stack.changes != Changes()
        )


class StackApplied(Record):
    """One stack after it was applied, or why it was not: `applied`, `destroyed`, or `waiting` for a plan."""

    stack: str
    region: str
    week: int
    state: str
    changes: Changes = Changes()
    seconds: float = 0.0
    detail: str = ""


class ApplyReport(Record):
    """All stacks of one call, in the order in which they were done."""

    pilot: str
    stacks: tuple[StackApplied, ...]
