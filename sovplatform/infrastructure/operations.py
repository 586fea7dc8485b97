"""Infrastructure: synthesise, plan, judge, apply and destroy a pilot's stacks.

Nothing is applied but a plan that was judged and is unchanged since: its digest is in the operator's journal, with the verdict.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sovplatform import config
from sovplatform.errors import ConfigError, Denied, SettingError, SovError, Unavailable
from sovplatform.infrastructure import synth
from sovplatform.infrastructure.applying import Applier, Progress, judged_key
from sovplatform.infrastructure.failures import require_written_state, told
from sovplatform.infrastructure.journal import Journal
from sovplatform.infrastructure.outcomes import ApplyReport, PlanReport, StackPlan
from sovplatform.infrastructure.places import places_of
from sovplatform.infrastructure.request import STACK_FILE, Synthesis, SynthStack
from sovplatform.infrastructure.synthesiser import Synthesiser
from sovplatform.infrastructure.terraform import Terraform, find
from sovplatform.infrastructure.workspace import Workspace, file_digest
from sovplatform.pilot import Pilot
from sovplatform.plugins import Plugins
from sovplatform.policy.review import review
from sovplatform.records import Finding
from sovplatform.runreport import WeekReport

if TYPE_CHECKING:
    from sovplatform.infrastructure.estimate import CostEstimate
    from sovplatform.infrastructure.verdicts import Judge

OUT = "infra"
HOME = "infrastructure"
PRICES = "prices"


def _silent(stack: str, doing: str) -> None:
    """Who does not ask for progress gets none."""


@dataclass(frozen=True)
class Choice:
    """Which stacks: of a week, of a region with all its sites (or of one site of it), or all."""

    week: int | None = None
    region: str | None = None

    def of(self, synthesis: Synthesis, pilot: Pilot) -> tuple[SynthStack, ...]:
        """Raises ConfigError when nothing is chosen."""
        places = places_of(pilot, self.region) if self.region else {stack.region.name for stack in synthesis.stacks}
        found = tuple(stack for stack in synthesis.stacks if self.week in (None, stack.week) and stack.region.name in places)
        if not found:
            names = ", ".join(region.name for region in pilot.regions)
            wanted = " of ".join(
                filter(None, (f"week {self.week}" if self.week else "", f"region {self.region}" if self.region else ""))
            )
            raise ConfigError(
                f"there is no stack of {wanted}", remedy=f"weeks are 1 to 4, regions are {names}; a site is REGION-SITE"
            )
        return found


def _refused(region: str, finding: Finding) -> SovError:
    """A place that is not where the pilot says is denied, a setting that is missing is a mistake, and the rest may work later."""
    if finding.setting:
        return SettingError.of(region, finding.setting, f"{finding.check}: {finding.detail}", remedy=finding.remedy)
    kind = Denied if finding.check == "place" else Unavailable
    return kind(f"region {region}: {finding.check}: {finding.detail}", remedy=finding.remedy)


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

    def synth(self, synthesiser: Synthesiser | None = None, *, progress: Progress = _silent) -> Synthesis:
        """Write `infra/STACK/cdk.tf.json` for every region and week, and hold them to the providers' schemas.

        A `synthesiser` that was started before is quicker, and chooses the CDK's library.

        Raises:
            ConfigError: a setting is wrong, or a provider makes what Terraform would not take.
            Unsupported: a region's provider has no Terraform.
            Unavailable: the CDK or its Node is missing.
        """
        from sovplatform.infrastructure.diagnostics import StackInvalid
        from sovplatform.infrastructure.schema import check

        progress("", "synthesising")
        with synthesiser or Synthesiser() as process, config.located(self.out.parent / config.PILOT):
            synthesis = synth.synthesise(self.pilot, self.plugins, self.out, process)
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
        return self._estimate(self.synth(progress=progress))

    def _chosen(self, choice: Choice, synthesis: Synthesis) -> tuple[SynthStack, ...]:
        with config.located(self.out.parent / config.PILOT):
            return choice.of(synthesis, self.pilot)

    def _estimate(self, synthesis: Synthesis) -> CostEstimate:
        from sovplatform.infrastructure.cost import estimate
        from sovplatform.infrastructure.pricing import Prices

        prices = Prices.load(self.out.parent / PRICES)
        return estimate(self.pilot, synthesis, {stack.name: self._stack_file(stack) for stack in synthesis.stacks}, prices=prices)

    def _judge(self, synthesis: Synthesis) -> Judge:
        from sovplatform.infrastructure.cost import policy_input
        from sovplatform.infrastructure.verdicts import Judge

        cost = policy_input(self._estimate(synthesis), self.pilot.infrastructure.budget)
        return Judge(self.pilot, self.out, self._rules, cost)

    # -- planning -------------------------------------------------------------------------------------------------

    def plan_offline(self, choice: Choice = Choice(), progress: Progress = _silent) -> PlanReport:
        """Plan as of an empty cloud, with no credentials and no registry, and judge the plans.

        Raises:
            ConfigError: Terraform is missing or too old, a setting is wrong, or a rule of the pilot's own cannot be asked.
            StackInvalid: Terraform refuses a stack; the message names the construct.
        """
        from sovplatform.infrastructure.offline.plan import plan_offline

        review(self._rules)
        synthesis = self.synth(progress=progress)
        chosen = self._chosen(choice, synthesis)
        judge = self._judge(synthesis)
        progress("", f"planning {len(chosen)} stack{'s' if len(chosen) > 1 else ''}")
        done = count(1)
        plans = plan_offline(
            find(self._terraform),
            {stack.name: self.out / stack.name for stack in chosen},
            progress=lambda name: progress(name, f"planned, {next(done)} of {len(chosen)}"),
            variables={stack.name: {name: item.example for name, item in stack.variables.items()} for stack in chosen},
        )
        progress("", "judging")
        made = [judge.judge(stack, self._stack_file(stack), plans[stack.name].json, plans[stack.name].digest) for stack in chosen]
        return PlanReport(pilot=self.pilot.name, offline=True, stacks=tuple(made))

    def plan(self, choice: Choice = Choice(), *, destroy: bool = False, progress: Progress = _silent) -> PlanReport:
        """Plan against the real clouds, judge the plans, and write the verdicts into the journal.

        A stack whose inputs are not there yet waits for the week that makes them.

        Raises:
            Denied: the place is not where the pilot says, or the credentials are foreign.
            Unavailable: nobody is logged in, or the cloud does not answer.
            Locked: another run holds the lock of a state.
            ConfigError, Unsupported, StackInvalid: as `plan_offline`.
        """
        review(self._rules)
        synthesis = self.synth(progress=progress)
        chosen = self._chosen(choice, synthesis)
        terraform, judge = find(self._terraform), self._judge(synthesis)
        for stack in chosen:
            terraform.require_version(stack.terraform, stack.opentofu, needed_by=f"the state of stack {stack.name}")
        self._check_places(chosen, progress)
        later = self._standing_on(chosen, synthesis) if destroy else {}
        made = [
            self._waiting(stack, later.get(stack.name, ())) or self._plan_one(stack, terraform, judge, destroy, progress)
            for stack in chosen
        ]
        return PlanReport(pilot=self.pilot.name, offline=False, stacks=tuple(made))

    def _standing_on(self, chosen: Sequence[SynthStack], synthesis: Synthesis) -> dict[str, list[str]]:
        """By chosen stack, those that were not chosen, took what it made, and are there: they have to end before it does."""
        names = {stack.name for stack in chosen}
        others = [stack for stack in synthesis.stacks if stack.name not in names and self.journal.stands(stack.name)]
        return {
            name: found
            for name in names
            if (found := [stack.name for stack in others if name in {item.stack for item in stack.variables.values()}])
        }

    def _check_places(self, chosen: Sequence[SynthStack], progress: Progress) -> None:
        """Each region proves where it is before anything is asked of it."""
        for region in {stack.region.name: stack.region for stack in chosen}.values():
            progress(region.name, "checking the place")
            made = self.plugins.make_region(region, self.pilot.name, self.home / "regions" / region.name)
            for finding in made.check_for_infrastructure():
                if not finding.ok:
                    with config.located(self.out.parent / config.PILOT):
                        raise _refused(region.name, finding)

    def _waiting(self, stack: SynthStack, later: Sequence[str]) -> StackPlan | None:
        """A stack that can't be planned yet. An older plan of it is not what is asked for now, and is dropped."""
        from sovplatform.infrastructure.verdicts import described

        _, missing = self._variables(stack)
        if not missing and not later:
            return None
        Workspace(self.home, stack.name).forget()
        return described(stack, waiting=f"apply {', '.join(missing)} first" if missing else f"destroy {', '.join(later)} first")

    def _plan_one(self, stack: SynthStack, terraform: Terraform, judge: Judge, destroy: bool, progress: Progress) -> StackPlan:
        from sovplatform.infrastructure.verdicts import JUDGED, basis

        place = Workspace(self.home, stack.name)
        variables, _ = self._variables(stack)
        require_written_state(stack.name, place.directory, terraform.path)
        note = self.journal.broken_off(stack.name)
        if note:
            progress(stack.name, note)
        place.begin(self.out / stack.name, anew=not self.journal.stands(stack.name))
        progress(stack.name, "planning")
        with told(stack.name, place.directory, terraform.path):
            terraform.init(place.directory)
            terraform.plan(place.directory, place.plan, variables=variables, options=["-destroy"] if destroy else [])
            shown = terraform.show(place.directory, place.plan)
        kept = place.keep(destroy=destroy)
        made = judge.judge(stack, self._stack_file(stack), shown, kept.plan, destroy=destroy)
        verdict = {
            "plan": kept.plan,
            "stack_file": kept.stack_file,
            "judged": file_digest(self.out / stack.name / JUDGED),
            "destroy": destroy,
            "allow": made.allow,
            "rules": sorted({denial.rule for denial in made.denials}),
            "changes": made.changes.model_dump(),
            **basis(self.pilot, self._rules),
        }
        self.journal.record("infrastructure.judged", stack.name, verdict, key=judged_key(stack.name, kept.plan))
        return made.model_copy(update={"note": note})

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

    def _stack_file(self, stack: SynthStack) -> dict[str, Any]:
        body: dict[str, Any] = json.loads((self.out / stack.name / STACK_FILE).read_text())
        return body

    def weeks(self) -> tuple[WeekReport, ...]:
        """What of each week was applied, by the journal: no cloud is asked. Nothing when there are no stacks."""
        from sovplatform.infrastructure.standing import weeks

        return weeks(synth.read(self.out), self.journal) if (self.out / synth.INDEX).is_file() else ()

    # -- applying -------------------------------------------------------------------------------------------------

    def apply(self, choice: Choice = Choice(), progress: Progress = _silent, *, destroy: bool = False) -> ApplyReport:
        """Do what the judged plans say, in the order of the weeks. A plan that changed since it was judged is denied.

        With `destroy`, the plans must be ones to destroy, and the last week ends first; without it, they must not.

        Raises:
            Denied: a plan was not judged, was judged and denied, or was changed; nothing was applied of it.
            NotFound: nothing that was chosen is planned.
            SovError: an apply broke half-way; what was made is in the state, and the journal says so.
        """
        from sovplatform.infrastructure.verdicts import basis

        chosen = self._chosen(choice, synth.read(self.out))
        ready = [(stack, place) for stack in chosen if (place := Workspace(self.home, stack.name)).plan.exists()]
        if not ready:
            raise ConfigError("no stack of that choice is planned", remedy="run `sovctl plan` first, without --offline")
        basis_now = basis(self.pilot, self._rules)
        applier = Applier(self.journal, self.out, find(self._terraform), progress, basis=basis_now, destroy=destroy)
        for stack, place in ready:
            applier.verdict(stack, place, place.plan)
        ready.sort(key=lambda pair: -pair[0].week if destroy else pair[0].week)
        return ApplyReport(pilot=self.pilot.name, stacks=tuple(applier.apply(stack, place) for stack, place in ready))
