"""Applying: what the journal says was judged and allowed, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sovplatform.errors import Denied, SovError
from sovplatform.infrastructure.failures import require_written_state, told
from sovplatform.infrastructure.journal import Journal
from sovplatform.infrastructure.outcomes import StackApplied
from sovplatform.infrastructure.request import STACK_FILE, SynthStack
from sovplatform.infrastructure.terraform import Terraform
from sovplatform.infrastructure.workspace import Workspace, file_digest
from sovplatform.ledger import Entry

Progress = Callable[[str, str], None]
"""Is told a stack's name, or nothing, and what is being done."""


_LONGEST_MESSAGE = 500


class Applier:
    """Applies judged plans, one stack after another. `out` has the stacks as they are synthesised now, `basis` tells the pilot
    and the rules by which a plan would be judged now; it takes plans to `destroy`, or else none of those.
    """

    def __init__(
        self,
        journal: Journal,
        out: Path,
        terraform: Terraform,
        progress: Progress,
        *,
        basis: Mapping[str, str],
        destroy: bool = False,
    ) -> None:
        self._journal = journal
        self._out = out
        self._terraform = terraform
        self._progress = progress
        self._basis = basis
        self._what = "destroy" if destroy else "apply"

    def verdict(self, stack: SynthStack, place: Workspace, plan: Path) -> Entry:
        """The entry that says the plan was judged and allowed.

        Raises:
            Denied: it was not, or something changed since; that is recorded.
            LedgerCorrupt: the journal is not to be believed.
            TerraformFailed: the stack's last state could not be written, and is not in its place yet.
        """
        require_written_state(stack.name, place.directory, self._terraform.path)
        digest = file_digest(plan)
        entry = self._journal.find(judged_key(stack.name, digest))
        reasons = []
        if entry is None:
            reasons.append(
                "the plan is not the one that was judged" if digest != place.kept().plan else "the plan was never judged"
            )
        else:
            reasons += self._against(stack, digest, entry)
        if entry is None or reasons:
            self._journal.record("infrastructure.refused", stack.name, {"plan": digest, "reasons": reasons})
            raise Denied(f"stack {stack.name} is not applied", reasons=reasons, remedy="run `sovctl plan` again")
        return entry

    def _against(self, stack: SynthStack, digest: str, entry: Entry) -> Iterator[str]:
        """What speaks against a plan that was judged."""
        judged = entry.details
        if judged.get("allow") is not True:
            yield f"policy denied the plan: {', '.join(map(str, _list(judged.get('rules'))))}"
        if (planned := "destroy" if judged.get("destroy") is True else "apply") != self._what:
            yield f"the plan is one to {planned}, and not to {self._what}"
        if judged.get("stack_file") != file_digest(self._out / stack.name / STACK_FILE):
            yield "the stack was synthesised anew since it was planned"
        for name, now in self._basis.items():
            if judged.get(name) != now:
                yield f"{name} changed since the plan was judged"
        if self._journal.find(_begun_key(stack.name, digest)):
            yield "an apply of this plan began before, so that it is used up"

    def apply(self, stack: SynthStack, place: Workspace) -> StackApplied:
        """Do what the plan says. It is copied first and judged by the copy, so that nobody can change it in between.

        Raises:
            Denied, LedgerCorrupt: as `verdict`; nothing was done.
            SovError: it broke half-way; the journal says so, and what was made is in the state.
        """
        began = time.monotonic()
        copy = place.private_copy()
        try:
            entry = self.verdict(stack, place, copy)
            self._do(stack, place, copy, {"plan": entry.details["plan"]}, self._what)
        finally:
            copy.unlink(missing_ok=True)
        state = "destroyed" if self._what == "destroy" else "applied"
        return StackApplied(
            stack=stack.name, region=stack.region.name, week=stack.week, state=state, seconds=time.monotonic() - began
        )

    def _do(self, stack: SynthStack, place: Workspace, plan: Path, details: Mapping[str, Any], what: str) -> None:
        begun = _begun_key(stack.name, str(details["plan"]))
        self._journal.record(f"infrastructure.{what}.began", stack.name, details, key=begun)
        self._progress(stack.name, "destroying" if what == "destroy" else "applying")
        try:
            with told(stack.name, place.directory, self._terraform.path, applying=True):
                self._terraform.apply(place.directory, plan, on_event=lambda event: _tell(stack.name, event, self._progress))
                outputs = self._terraform.output(place.directory)
        except (SovError, KeyboardInterrupt) as err:
            message = err.message[:_LONGEST_MESSAGE] if isinstance(err, SovError) else "it was interrupted"
            self._journal.record(f"infrastructure.{what}.broke", stack.name, {**details, "message": message})
            place.forget()
            raise
        place.drop_outputs() if what == "destroy" else place.keep_outputs(outputs)
        place.forget()
        self._journal.record(f"infrastructure.{what}.done", stack.name, details)


def judged_key(stack: str, digest: str) -> str:
    """Under what the verdict on a plan is found in the journal."""
    return f"judged/{stack}/{digest}"


def _begun_key(stack: str, digest: str) -> str:
    return f"begun/{stack}/{digest}"


def _tell(stack: str, event: Mapping[str, Any], progress: Progress) -> None:
    if event.get("type") in ("apply_start", "apply_complete"):
        progress(stack, str(event.get("@message", "")))


def _list(value: object) -> Iterator[object]:
    yield from value if isinstance(value, list | tuple) else ()
