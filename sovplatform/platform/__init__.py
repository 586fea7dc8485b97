"""Platform: open a pilot and run it. The facade for programs; `sovctl` is one of them.

platform = Platform.open(Path("demo"))
report = platform.run()
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sovplatform import config
from sovplatform.config.checks import closest
from sovplatform.errors import ConfigError, Denied, NotFound, Unavailable, Unknown
from sovplatform.interfaces import Region
from sovplatform.ledger import Entry
from sovplatform.patterns import sigt
from sovplatform.pilot import Pilot
from sovplatform.platform import approving, auditing, doctor, reports
from sovplatform.platform.approving import ReleaseView
from sovplatform.platform.lock import held
from sovplatform.plugins import Plugins
from sovplatform.records import EndpointStatus, Finding, RegionStatus, Trust
from sovplatform.releases import ReleaseRepository
from sovplatform.runreport import LedgerReport, RunReport, StageReport
from sovplatform.stages import rollout
from sovplatform.stages.context import Progress, StageContext
from sovplatform.stages.release import missing
from sovplatform.summary import Summary

if TYPE_CHECKING:
    from sovplatform.infrastructure.operations import Infrastructure

__all__ = ["Platform", "ReleaseView"]

PATTERNS = {"sigt": sigt}
STATE = ".sov"


def _silent(report: StageReport) -> None:
    """Who does not ask for progress gets none."""


class Platform:
    """One pilot in one directory. Methods that change something hold the pilot's lock; two at once is `Locked`."""

    def __init__(self, pilot: Pilot, root: Path, plugins: Plugins) -> None:
        self.pilot = pilot
        self.root = root
        self.plugins = plugins
        self.state = root / STATE

    @classmethod
    def open(cls, directory: Path, *, infrastructure: bool = False) -> Platform:
        """Read `pilot.yaml` in `directory`, and load the plugins that it lists. Starts nothing.

        With `infrastructure`, what concerns data and people alone may still be missing: the pilot can be planned, not run.

        Raises:
            ConfigError: the file is wrong; the message names line and remedy.
            PluginError: a listed plugin does not load.
        """
        root = directory.resolve()
        pilot = config.load(
            root / "pilot.yaml",
            providers=lambda names: Plugins.load(tuple(names)).providers(),
            complaints=lambda pilot: Plugins.load(pilot.plugins).complaints(pilot),
            for_infrastructure=infrastructure,
        )
        return cls(pilot, root, Plugins.load(pilot.plugins))

    @cached_property
    def regions(self) -> Mapping[str, Region]:
        home = self.state / "regions"
        return {spec.name: self.plugins.make_region(spec, self.pilot.name, home / spec.name) for spec in self.pilot.regions}

    @property
    def summary(self) -> Summary:
        return Summary(self.pilot.name, self.pilot.regions, self.state / "regions")

    # -- the pilot's life -----------------------------------------------------------------------------------------

    def doctor(self) -> Sequence[Finding]:
        """Whether this machine and every region can do what the pilot asks. Starts nothing."""
        terraform = config.settings().terraform
        return [
            *doctor.regions(self.regions),
            *doctor.infrastructure(self.pilot, self.plugins, self.regions, terraform),
            doctor.rules(self.root, self._rules()),
            doctor.writers(self.root),
        ]

    def _rules(self) -> list[Path]:
        return [*(self.root / directory for directory in self.pilot.border.rules), *self.plugins.rules()]

    def up(self, progress: Progress = _silent) -> RunReport:
        """Start the regions and introduce them to each other."""
        return self.run(until="provision", progress=progress)

    def down(self, progress: Progress = _silent) -> None:
        """Stop the regions. What they keep stays; `up` or `run` goes on from there.

        Raises:
            Locked: a run is under way.
        """
        with self.locked("down"):
            StageContext.each(self.pilot.regions, lambda spec: self.regions[spec.name].stop())

    def run(self, *, until: str | None = None, approve_with: Path | None = None, progress: Progress = _silent) -> RunReport:
        """Run the pattern's stages, from where the last run came to, up to and including `until`.

        `approve_with` is an approver's SSH key, for demonstrations and tests: with it the run does not stop for people.

        Raises:
            ConfigError: no such stage, or a rule of the pilot's own that cannot be asked.
            Denied: a gate, a budget, a signature or an approval said no.
            Locked: another run is under way.
        """
        from sovplatform.policy.review import review

        pattern = PATTERNS[self.pilot.pattern]
        last = until or pattern.STAGES[-1]
        if last not in pattern.STAGES:
            raise ConfigError(f"there is no stage {last}", remedy=f"use one of: {', '.join(pattern.STAGES)}")
        review(self._rules())  # else every gate denies everything, and does not know of which file
        with self.locked("run"):
            context = self._context(progress)
            outcome = pattern.run(context, last)
            if approve_with is not None and outcome.released is not None and outcome.released.waiting:
                for release_id in outcome.released.waiting:
                    approving.approve(context, self.repository, release_id, approve_with)
                outcome = pattern.run(context, last)
            if outcome.deployment is not None:
                context.seal()  # or a report that follows at once would call the newest entries unsealed
            report = reports.of_run(context, outcome, whole=last == pattern.STAGES[-1])
            report = report.model_copy(update={"regions": self._statuses(), **self._from_ledgers()})
            reports.keep(self.state, report)
            return report

    def status(self) -> RunReport:
        """How the regions are now, with what the last run came to and what the ledgers tell."""
        never = RunReport(pilot=self.pilot.name, pattern=self.pilot.pattern, run="", state="never run")
        last = reports.kept(self.state) or never
        weeks = self.infrastructure.weeks()
        return last.model_copy(update={"regions": self._statuses(), **self._from_ledgers(), "infrastructure": weeks})

    def require_region(self, name: str) -> None:
        """Raises Unknown when the pilot has no region of that name."""
        if name not in self.regions:
            raise Unknown(f"there is no region {name}", remedy=closest(name, self.regions))

    def predict(self, rows: Sequence[Mapping[str, object]], region: str | None = None) -> Sequence[Mapping[str, object]]:
        """Ask a region's endpoint; without `region` the first sovereign one. Only the task's features are sent.

        Raises:
            Unknown: no such region.
            ConfigError: the rows do not fit the model.
            Unavailable: nothing is served there.
        """
        name = region or self.pilot.sovereign[0].name
        self.require_region(name)
        features = [feature.name for feature in self.pilot.task.features]
        instances = [{column: row[column] for column in features if column in row} for row in rows]
        answer = self.regions[name].server().predict(self.pilot.task.name, {"instances": instances})
        predictions = answer.get("predictions")
        if not isinstance(predictions, list):
            raise Unavailable(f"region {name} answered without predictions", remedy="see `sovctl status`")
        return [item if isinstance(item, dict) else {"probability": item} for item in predictions]

    # -- infrastructure -------------------------------------------------------------------------------------------

    @cached_property
    def infrastructure(self) -> Infrastructure:
        """The pilot's Terraform. What it changes is done under the pilot's lock; see `locked`."""
        from sovplatform.infrastructure.operations import Infrastructure

        settings = config.settings()
        return Infrastructure(
            self.pilot,
            self.root,
            self.state,
            self.plugins,
            terraform=settings.terraform,
            rules=[directory for directory in self._rules() if directory.is_dir()],
        )

    # -- releases -------------------------------------------------------------------------------------------------

    @cached_property
    def repository(self) -> ReleaseRepository:
        return ReleaseRepository(self.root / self.pilot.release.repository)

    def releases(self) -> Sequence[ReleaseView]:
        """All releases, oldest first."""
        context = self._context(_silent)
        return [approving.view(context, self.repository, release) for release in self.repository.releases()]

    def approve(self, release_id: str, key_file: Path) -> ReleaseView:
        """Approve with an approver's SSH key. The one who proposed cannot.

        Raises:
            Unknown: no such release.
            Denied: the key is not an approver's, or the proposer's own.
        """
        context = self._context(_silent)
        with self.locked("approve"), approving.refusals_recorded(context, self.repository, release_id):
            approving.approve(context, self.repository, release_id, key_file)
        return approving.view(context, self.repository, self.repository.release(release_id))

    def promote(self, release_id: str) -> EndpointStatus:
        """Give an approved release all requests of its region.

        Raises:
            Unknown: no such release.
            Denied: it is not approved, or the region refused it.
        """
        context = self._context(_silent)
        with self.locked("promote"), approving.refusals_recorded(context, self.repository, release_id):
            release = self.repository.release(release_id)
            reasons = missing(context, self.repository, release)
            if reasons:
                raise Denied(f"release {release_id} is not approved", reasons=reasons, remedy="have it approved by somebody else")
            return rollout.promote(context, self.repository, release, actor=self.pilot.release.proposer.name)

    def rollback(self, region: str) -> EndpointStatus:
        """Withdraw the region's canary or, without one, go back to the release before.

        Raises:
            NotFound: there is none before.
            Unknown: no such region.
        """
        self.require_region(region)
        with self.locked("rollback"):
            return rollout.rollback(self._context(_silent), self.repository, region, actor=self.pilot.release.proposer.name)

    # -- audit ----------------------------------------------------------------------------------------------------

    def audit_log(self, region: str | None = None) -> Iterator[tuple[str, Entry]]:
        """The ledgers' entries, each with its region, and those of the operator's journal. Needs no server."""
        known = [*(spec.name for spec in self.pilot.regions), self.infrastructure.journal.region]
        if region is not None and region not in known:
            raise Unknown(f"there is no region {region}", remedy=closest(region, known))
        yield from self.summary.entries(region)
        if region in (None, self.infrastructure.journal.region):
            yield from ((self.infrastructure.journal.region, entry) for entry in self.infrastructure.journal.entries())

    def audit_verify(self) -> Sequence[LedgerReport]:
        """Verify the ledgers against the pinned keys, and the operator's journal against its own. Needs no server.

        Raises:
            NotFound: the pilot was never up, so no keys are pinned, and nothing of its infrastructure was judged.
        """
        journal = self.infrastructure.journal.verify()
        if journal is not None and not self._was_up():
            return (journal,)
        return (*self.summary.verify(self._trust()), *([journal] if journal else []))

    def audit_report(self, out: Path) -> Path:
        """Write an HTML and a Markdown report into `out`, with the bundle that proves it, and return the page.

        Raises:
            NotFound: the pilot was never up, and nothing of its infrastructure was judged.
        """
        operator = self.infrastructure.journal.ledger()
        if operator is not None and not self._was_up():
            return auditing.write({}, Trust(pilot=self.pilot.name, regions={}), operator, out)
        return auditing.write(self.summary.paths(), self._trust(), operator, out)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _context(self, progress: Progress) -> StageContext:
        return StageContext(self.pilot, self.root, self.state, self.regions, progress)

    def locked(self, what: str) -> AbstractContextManager[None]:
        """Hold the pilot's lock while `what` is done.

        Raises:
            Locked: another command holds it; the message names that.
        """
        return held(self.state, what)

    def _was_up(self) -> bool:
        return (self.state / "trust.json").exists()

    def _trust(self) -> Trust:
        try:
            return Trust.from_json((self.state / "trust.json").read_bytes())
        except FileNotFoundError as err:
            raise NotFound(
                f"pilot {self.pilot.name} was never up", remedy="run `sovctl up`, or `sovctl plan` for its infrastructure"
            ) from err

    def _statuses(self) -> tuple[RegionStatus, ...]:
        return tuple(StageContext.each(self.pilot.regions, lambda spec: self.regions[spec.name].status()))

    def _from_ledgers(self) -> dict[str, object]:
        return reports.from_ledgers(self.summary, self.audit_verify)
