"""Plan stacks with the real Terraform and no cloud: nothing is read, nothing is written outside a private directory."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sovplatform.errors import NotFound
from sovplatform.infrastructure.diagnostics import StackInvalid, StacksInvalid
from sovplatform.infrastructure.offline.server import serving
from sovplatform.infrastructure.process import Children
from sovplatform.infrastructure.request import STACK_FILE
from sovplatform.infrastructure.schema import Problem, check
from sovplatform.infrastructure.terraform import Terraform
from sovplatform.records import canonical, digest_of

Progress = Callable[[str], None]
"""Is called with a stack's name when its plan is made; from any thread, one call at a time."""

_KEPT_SETTINGS = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
_NO_REFRESH = ("-refresh=false", "-lock=false", "-compact-warnings")
_SECONDS = 300
_NOT_OFFLINE = ("backend", "cloud", "required_version")
"""What concerns where the state rests, and no plan."""


@dataclass(frozen=True)
class PlanFile:
    """A stack's plan as `terraform show -json` tells it. Two plans of one stack that say the same have one digest."""

    stack: str
    json: Mapping[str, Any]
    digest: str


def plan_offline(
    terraform: Terraform,
    stacks: Mapping[str, Path],
    *,
    workers: int = 2,
    progress: Progress | None = None,
    variables: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, PlanFile]:
    """Plan every stack as new, against providers that only plan.

    Args:
        stacks: the directory of each stack, which holds its `cdk.tf.json`; it is not written to.
        workers: how many Terraform processes run at once.
        progress: is told the name of each stack that is planned.
        variables: by stack, placeholders for its input variables.

    Raises:
        NotFound: a stack is not synthesised, or uses a provider that there is no schema of.
        StackInvalid: a stack is wrong; each problem names its construct. It is StacksInvalid when several break the contract.
        Unavailable: Terraform took too long.
    """
    terraform = replace(terraform, children=Children())  # of this call alone: when it fails, all of them are ended
    bodies = {name: _read(name, directory) for name, directory in stacks.items()}
    _check(bodies)
    at_once = min(workers, len(bodies)) * (1 + max(map(_configurations, bodies.values()), default=0))
    with (
        tempfile.TemporaryDirectory(prefix="sov-plan-") as private,
        serving(_providers(bodies.values()), at_once=at_once) as found,
    ):
        home = Path(private)
        kept = {key: os.environ[key] for key in _KEPT_SETTINGS if key in os.environ}
        environment = {**kept, "HOME": private, **found}

        def one(name: str) -> PlanFile:
            copy = _copy(bodies[name], home / "stacks" / name)
            given = (variables or {}).get(name, {})
            terraform.plan(copy, copy / "plan", variables=given, options=_NO_REFRESH, environment=environment, seconds=_SECONDS)
            shown = terraform.show(copy, copy / "plan", environment=environment)
            return PlanFile(name, shown, _digest(shown))

        return _each(one, bodies, workers, progress, terraform)


def _each(
    one: Callable[[str], PlanFile], names: Iterable[str], workers: int, progress: Progress | None, terraform: Terraform
) -> dict[str, PlanFile]:
    plans = {}
    with ThreadPoolExecutor(workers, thread_name_prefix="plan") as pool:
        try:
            for plan in pool.map(one, names):
                plans[plan.stack] = plan
                if progress is not None:
                    progress(plan.stack)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            terraform.children.end_all()
            raise
    return plans


def _read(name: str, directory: Path) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads((directory / STACK_FILE).read_text())
    except OSError as err:
        raise NotFound(f"the stack '{name}' is not synthesised: {err}", remedy="run: sovctl synth") from err
    except ValueError as err:
        raise StackInvalid(name, [Problem(STACK_FILE, "", f"is not JSON: {err}")]) from err
    return body


def _check(bodies: Mapping[str, Mapping[str, Any]]) -> None:
    """All stacks are looked at before any is refused, so that one run tells everything."""
    wrong = {name: problems for name, body in bodies.items() if (problems := check(body))}
    if len(wrong) > 1:
        raise StacksInvalid(wrong)
    for name, problems in wrong.items():
        raise StackInvalid(name, problems)


def _copy(body: Mapping[str, Any], directory: Path) -> Path:
    """The stack without its backend, so that Terraform looks for no state: plans are made as of an empty cloud."""
    settings = body.get("terraform", {})
    bare = [{key: value for key, value in one.items() if key not in _NOT_OFFLINE} for one in _list(settings)]
    directory.mkdir(parents=True)
    (directory / STACK_FILE).write_text(json.dumps({**body, "terraform": bare}, indent=1))
    return directory


def _providers(bodies: Iterable[Mapping[str, Any]]) -> set[str]:
    """The providers that stacks use, by the names that the schema files have."""
    names: set[str] = set()
    for body in bodies:
        for settings in _list(body.get("terraform", {})):
            for name, told in settings.get("required_providers", {}).items():
                source = told.get("source", name) if isinstance(told, Mapping) else name
                names.add(source.rpartition("/")[2])
        names |= {kind.partition("_")[0] for table in ("resource", "data") for kind in body.get(table, {})}
    return names - {"terraform"}


def _configurations(body: Mapping[str, Any]) -> int:
    """How often a stack configures one provider, at most: Terraform starts it once for each, and once more for its schema."""
    return max([len(_list(told)) for told in body.get("provider", {}).values()], default=1)


def _digest(plan: Mapping[str, Any]) -> str:
    """Over all but the time; Terraform tells the relevant attributes in any order."""
    said = {key: value for key, value in plan.items() if key != "timestamp"}
    said["relevant_attributes"] = sorted(plan.get("relevant_attributes", ()), key=canonical)
    return digest_of(canonical(said))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
