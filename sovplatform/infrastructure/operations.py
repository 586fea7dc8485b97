"""Infrastructure: synthesise, plan, judge, apply and destroy a pilot's stacks.

Nothing is applied but a plan that was judged and is unchanged since: its digest is in the operator's journal, with the verdict.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sovplatform.errors import ConfigError, Denied, SovError
from sovplatform.infrastructure import synth
from sovplatform.infrastructure.failures import told
from sovplatform.infrastructure.journal import Journal
from sovplatform.infrastructure.outcomes import ApplyReport, Changes, Denial, PlanReport, StackApplied, StackPlan
from sovplatform.infrastructure.request import Synthesis, SynthStack
from sovplatform.infrastructure.terraform import STACK_FILE, Terraform, find
from sovplatform.infrastructure.workspace import Workspace, file_digest
from sovplatform.pilot import Pilot
from sovplatform.plugins import Plugins
from sovplatform.policy.engine import PolicyEngine

if TYPE_CHECKING:
    from sovplatform.infrastructure.cost import CostEstimate

OUT = "infra"
HOME = "infrastructure"
PRICES = "prices"
JUDGED = "judged.json"

Progress = Callable[[str, str], None]
"""Is told a stack's name, or nothing, and what is being done."""


def _silent(stack: str, doing: str) -> None:
    """Who does not ask for progress gets none."""


@dataclass(frozen=True)
class Choice:
    """Which stacks: of a week, of a region (or of one site of it), or all."""

    week: int | None = None
    region: str | None = None

    def of(self, synthesis: Synthesis) -> tuple[SynthStack, ...]:
        """Raises ConfigError when nothing is chosen."""
        found = tuple(stack for stack in synthesis.stacks if self._takes(stack))
        if not found:
            names = ", ".join(dict.fromkeys(stack.region.name for stack in synthesis.stacks))
            raise ConfigError("there is no stack of that week and region", remedy=f"weeks are 1 to 4, regions are {names}")
        return found

    def _takes(self, stack: SynthStack) -> bool:
        return self.week in (None, stack.week) and self.region in (None, stack.region.name)


class Infrastructure:
    """The infrastructure of one pilot. `root` is the pilot's directory, `state` its private one."""

    def __init__(
        self, pilot: Pilot, root: Path, state: Path, plugins: Plugins, *, terraform: str = "", rules: Sequence[Path] = ()
    ) -> None:
        self.pilot = pilot
        self.out = root / OUT
        self.home = state / HOME
        self.plugins = plugins
        self.journal = Journal(self.home, pilot.name)
        self._terraform = terraform
        self._rules = rules

    def synth(self, *, library: Literal["cdktf", "cdktn"] = "cdktf", progress: Progress = _silent) -> Synthesis:
        """Write `infra/STACK/cdk.tf.json` for every region and week, and hold them to the providers' schemas.

        Raises:
            ConfigError: a setting is wrong, or a provider makes what Terraform would not take.
            Unsupported: a region's provider has no Terraform.
            Unavailable: the CDK or its Node is missing.
        """
        from sovplatform.infrastructure.diagnostics import StackInvalid
        from sovplatform.infrastructure.schema import check

        progress("", "synthesising")
        synthesis = synth.synthesise(self.pilot, self.plugins, self.out, library=library)
        for stack in synthesis.stacks:
            if problems := check(self._stack_file(stack)):
                raise StackInvalid(stack.name, problems)
        return synthesis

    def cost(self, *, progress: Progress = _silent) -> CostEstimate:
        """What a month of it costs, by the price tables; those in the pilot's `prices/` take the place of ours.

        Raises:
            ConfigError: a price table there is none, or as `synth`.
            Unsupported, Unavailable: as `synth`.
        """
        from sovplatform.infrastructure.cost import estimate
        from sovplatform.infrastructure.pricing import Prices

        prices = Prices.load(self.out.parent / PRICES)
        synthesis = self.synth(progress=progress)
        return estimate(self.pilot, synthesis, {stack.name: self._stack_file(stack) for stack in synthesis.stacks}, prices=prices)

    # -- planning -------------------------------------------------------------------------------------------------

    def plan_offline(self, choice: Choice = Choice(), progress: Progress = _silent) -> PlanReport:
        """Plan as of an empty cloud, with no credentials and no registry, and judge the plans.

        Raises:
            ConfigError: Terraform is missing or too old, or a setting is wrong.
            StackInvalid: Terraform refuses a stack; the message names the construct.
        """
        from sovplatform.infrastructure.judgement import judging
        from sovplatform.infrastructure.offline.plan import plan_offline

        synthesis = self.synth(progress=progress)
        chosen = choice.of(synthesis)
        engine = judging(self._rules)
        plans = plan_offline(
            find(self._terraform),
            {stack.name: self.out / stack.name for stack in chosen},
            progress=lambda name: progress(name, "planned"),
            variables={stack.name: {name: item.example for name, item in stack.variables.items()} for stack in chosen},
        )
        made = [self._judged(stack, plans[stack.name].json, plans[stack.name].digest, engine) for stack in chosen]
        return PlanReport(pilot=self.pilot.name, offline=True, stacks=tuple(made))

    def plan(self, choice: Choice = Choice(), *, destroy: bool = False, progress: Progress = _silent) -> PlanReport:
        """Plan against the real clouds, judge the plans, and write the verdicts into the journal.

        A stack whose inputs are not there yet waits for the week that makes them.

        Raises:
            Denied: the place is not where the pilot says, or the credentials are foreign or expired.
            Locked: another run holds the lock of a state.
            ConfigError, Unsupported, StackInvalid: as `plan_offline`.
        """
        from sovplatform.infrastructure.judgement import judging

        synthesis = self.synth(progress=progress)
        chosen = choice.of(synthesis)
        terraform, engine = find(self._terraform), judging(self._rules)
        for stack in chosen:
            terraform.require_version(stack.terraform, stack.opentofu, needed_by=f"the state of stack {stack.name}")
        self._check_places(chosen, progress)
        made = [self._plan_one(stack, terraform, engine, destroy, progress) for stack in chosen]
        return PlanReport(pilot=self.pilot.name, offline=False, stacks=tuple(made))

    def _check_places(self, chosen: Sequence[SynthStack], progress: Progress) -> None:
        """Each region proves where it is before anything is asked of it."""
        for region in {stack.region.name: stack.region for stack in chosen}.values():
            progress(region.name, "checking the place")
            for finding in self.plugins.make_region(region, self.pilot.name, self.home / "regions" / region.name).check():
                if not finding.ok:
                    raise Denied(f"region {region.name}: {finding.check}: {finding.detail}", remedy=finding.remedy)

    def _plan_one(
        self, stack: SynthStack, terraform: Terraform, engine: PolicyEngine, destroy: bool, progress: Progress
    ) -> StackPlan:
        variables, missing = self._variables(stack)
        if missing:
            return _described(stack, waiting=f"apply {', '.join(missing)} first")
        place = Workspace(self.home, stack.name)
        place.begin(self.out / stack.name)
        progress(stack.name, "planning")
        with told(stack.name, place.directory):
            terraform.init(place.directory)
            terraform.plan(place.directory, place.plan, variables=variables, options=["-destroy"] if destroy else [])
            shown = terraform.show(place.directory, place.plan)
        kept = place.keep(destroy=destroy)
        made = self._judged(stack, shown, kept.plan, engine, destroy=destroy)
        verdict = {
            "plan": kept.plan,
            "stack_file": kept.stack_file,
            "destroy": destroy,
            "allow": made.allow,
            "rules": sorted({denial.rule for denial in made.denials}),
            "changes": made.changes.model_dump(),
        }
        self.journal.record("infrastructure.judged", stack.name, verdict, key=_judged_key(stack.name, kept.plan))
        return made

    def _variables(self, stack: SynthStack) -> tuple[dict[str, Any], list[str]]:
        """The values of a stack's inputs, and the stacks whose outputs are not there yet."""
        values: dict[str, Any] = {}
        missing: dict[str, None] = {}
        for name, variable in stack.variables.items():
            outputs = Workspace(self.home, variable.stack).outputs()
            if outputs is None or variable.output not in outputs:
                missing[variable.stack] = None
            else:
                values[name] = outputs[variable.output]
        return values, list(missing)

    def _judged(
        self, stack: SynthStack, plan: Mapping[str, Any], digest: str, engine: PolicyEngine, *, destroy: bool = False
    ) -> StackPlan:
        from sovplatform.infrastructure.judgement import document, judge_document

        given = document(plan, stack, self._stack_file(stack), self.pilot, destroy=destroy)
        (self.out / stack.name / JUDGED).write_text(json.dumps(given, indent=1, sort_keys=True) + "\n")
        judgement = judge_document(given, stack.name, digest, engine)
        denials = tuple(
            Denial(rule=item.rule, address=item.address, construct_path=item.construct_path, message=item.message)
            for item in judgement.denials
        )
        return _described(stack, changes=_changes(plan), allow=judgement.allow, denials=denials, plan_digest=digest)

    def _stack_file(self, stack: SynthStack) -> dict[str, Any]:
        body: dict[str, Any] = json.loads((self.out / stack.name / STACK_FILE).read_text())
        return body

    # -- applying -------------------------------------------------------------------------------------------------

    def apply(self, choice: Choice = Choice(), progress: Progress = _silent) -> ApplyReport:
        """Do what the judged plans say, in the order of the weeks. A plan that changed since it was judged is denied.

        Raises:
            Denied: a plan was not judged, was judged and denied, or was changed; nothing was applied of it.
            NotFound: nothing that was chosen is planned.
            SovError: an apply broke half-way; what was made is in the state, and the journal says so.
        """
        chosen = choice.of(synth.read(self.out))
        ready = [(stack, place) for stack in chosen if (place := Workspace(self.home, stack.name)).plan.exists()]
        if not ready:
            raise ConfigError("no stack of that choice is planned", remedy="run `sovctl plan` first")
        for stack, place in ready:
            self._must_be_judged(stack, place)
        ready.sort(key=lambda pair: -pair[0].week if pair[1].kept().destroy else pair[0].week)
        terraform = find(self._terraform)
        return ApplyReport(
            pilot=self.pilot.name, stacks=tuple(self._apply_one(stack, place, terraform, progress) for stack, place in ready)
        )

    def _must_be_judged(self, stack: SynthStack, place: Workspace) -> None:
        kept = place.kept()
        digest = file_digest(place.plan)
        verdict = self.journal.find(_judged_key(stack.name, digest))
        reasons = []
        if verdict is None:
            reasons.append("the plan is not the one that was judged" if digest != kept.plan else "the plan was never judged")
        elif verdict.details.get("allow") is not True:
            reasons.append(f"policy denied the plan: {', '.join(map(str, _list(verdict.details.get('rules'))))}")
        elif verdict.details.get("stack_file") != file_digest(self.out / stack.name / STACK_FILE):
            reasons.append("the stack was synthesised anew since it was planned")
        if reasons:
            details = {"plan": digest, "reasons": reasons}
            self.journal.record("infrastructure.refused", stack.name, details)
            raise Denied(f"stack {stack.name} is not applied", reasons=reasons, remedy="run `sovctl plan` again")

    def _apply_one(self, stack: SynthStack, place: Workspace, terraform: Terraform, progress: Progress) -> StackApplied:
        began = time.monotonic()
        kept = place.kept()
        copy = place.private_copy()
        what = "destroy" if kept.destroy else "apply"
        try:
            if file_digest(copy) != kept.plan:
                raise Denied(f"stack {stack.name} is not applied", reasons=["the plan changed meanwhile"], remedy="plan again")
            self.journal.record(f"infrastructure.{what}.began", stack.name, {"plan": kept.plan})
            progress(stack.name, f"{what}ing" if what == "apply" else "destroying")
            with told(stack.name, place.directory):
                terraform.apply(place.directory, copy, on_event=lambda event: _tell(stack.name, event, progress))
                outputs = terraform.output(place.directory)
        except SovError as err:
            self.journal.record(f"infrastructure.{what}.broke", stack.name, {"plan": kept.plan, "message": err.message[:500]})
            place.forget()
            raise
        finally:
            copy.unlink(missing_ok=True)
        place.drop_outputs() if kept.destroy else place.keep_outputs(outputs)
        place.forget()
        self.journal.record(f"infrastructure.{what}.done", stack.name, {"plan": kept.plan})
        state = "destroyed" if kept.destroy else "applied"
        return StackApplied(
            stack=stack.name, region=stack.region.name, week=stack.week, state=state, seconds=time.monotonic() - began
        )


def _described(stack: SynthStack, **known: Any) -> StackPlan:
    return StackPlan(stack=stack.name, region=stack.region.name, week=stack.week, left_out=stack.left_out, **known)


def _judged_key(stack: str, digest: str) -> str:
    return f"judged/{stack}/{digest}"


def _changes(plan: Mapping[str, Any]) -> Changes:
    count = dict.fromkeys(Changes.model_fields, 0)
    for item in plan.get("resource_changes", ()):
        actions = item["change"]["actions"]
        what = "replace" if len(actions) > 1 else actions[0]
        if what in count:
            count[what] += 1
    return Changes(**count)


def _tell(stack: str, event: Mapping[str, Any], progress: Progress) -> None:
    if event.get("type") in ("apply_start", "apply_complete"):
        progress(stack, str(event.get("@message", "")))


def _list(value: object) -> Iterator[object]:
    yield from value if isinstance(value, list | tuple) else ()
