"""What must hold between the parts of a pilot, beyond the type of each. The first thing that does not is reported."""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path

from sovplatform.config.jurisdictions import CODES, remedy_for
from sovplatform.errors import Problem
from sovplatform.labels import ANYWHERE
from sovplatform.pilot import Approver, DatasetSpec, Pilot
from sovplatform.records import Kind, Role

Loc = tuple[str | int, ...]
_HIGHEST_ALERT = 200
_ED25519 = "ssh-ed25519"
_SOURCES = ("example", "file")
_LONGEST_NAME = 63
_RESERVED = frozenset({"audit", "auth", "cubbyhole", "identity", "operator", "root", "sys"})
"""Names that no region can have: OpenBao and Vault keep them for themselves as namespaces; `operator` is the journal's."""


def closest(name: str, known: Iterable[str]) -> str:
    """A remedy that names what exists, nearest first."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}known: {', '.join(names)}" if names else f"{hint}there are none yet"


def problems(pilot: Pilot, root: Path, providers: Collection[str] | None) -> Iterator[Problem]:
    """All that is wrong. `root` is the pilot's directory; `providers` the names that plugins offer, None when not known."""
    yield from of_the_infrastructure(pilot, providers)
    yield from of_the_work(pilot, root)


def of_the_infrastructure(pilot: Pilot, providers: Collection[str] | None) -> Iterator[Problem]:
    """What is wrong with the places and with what rests where: enough to plan and price a pilot before there is data."""
    yield from _regions(pilot, providers)
    yield from _datasets(pilot)
    yield from _sizes(pilot)


def _sizes(pilot: Pilot) -> Iterator[Problem]:
    serving, budget = pilot.infrastructure.serving, pilot.infrastructure.budget
    if serving.nodes_min > serving.nodes_max:
        message = f"there are always {serving.nodes_min} nodes that serve, and at most {serving.nodes_max}"
        yield Problem(("infrastructure", "serving", "nodes_min"), message, "make nodes_min no more than nodes_max")
    for index, percentage in enumerate(budget.alerts):
        if not 0 < percentage <= _HIGHEST_ALERT:
            message = f"an alert at {percentage} % of the budget tells nobody anything"
            yield Problem(("infrastructure", "budget", "alerts", index), message, f"give a percentage from 1 to {_HIGHEST_ALERT}")
    if budget.contact and "@" not in budget.contact:
        message = f"'{budget.contact}' is no e-mail address"
        yield Problem(("infrastructure", "budget", "contact"), message, "write NAME@DOMAIN, or leave it out")


def of_the_work(pilot: Pilot, root: Path) -> Iterator[Problem]:
    """What is wrong with the data, the task, the borders and the people: what a pilot needs besides before it runs."""
    for index, dataset in enumerate(pilot.datasets):
        yield from _source(dataset, root, ("datasets", index, "source"))
        yield from _budget(pilot, dataset, ("datasets", index, "budget"))
    yield from _task(pilot)
    yield from _release_names(pilot)
    yield from _border(pilot, root)
    yield from _release(pilot)


def _repeated(values: Iterable[str], loc: Callable[[int], Loc], what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield Problem(loc(index), f"{what} '{value}' is there twice", "give each its own name")
        seen.add(value)


def _regions(pilot: Pilot, providers: Collection[str] | None) -> Iterator[Problem]:
    yield from _repeated((region.name for region in pilot.regions), lambda i: ("regions", i, "name"), "region")
    for index, region in enumerate(pilot.regions):
        if region.name in _RESERVED:
            message = f"a region cannot be called '{region.name}': the key service or the journal uses that name"
            yield Problem(("regions", index, "name"), message, f"use another name, such as {region.jurisdiction.lower()}-1")
        if region.jurisdiction not in CODES:
            message = f"the jurisdiction '{region.jurisdiction}' of region '{region.name}' does not exist"
            yield Problem(("regions", index, "jurisdiction"), message, remedy_for(region.jurisdiction))
        if providers is not None and region.provider not in providers:
            message = f"region '{region.name}' wants the provider '{region.provider}', which no plugin offers"
            remedy = closest(region.provider, providers) + "; or install the plugin and list it under `plugins`"
            yield Problem(("regions", index, "provider"), message, remedy)
    fabrics = [region for region in pilot.regions if region.role is Role.global_]
    if len(fabrics) != 1:
        message = f"the pattern '{pilot.pattern}' wants exactly one region with role 'global', not {len(fabrics)}"
        yield Problem(("regions",), message, "give one region `role: global`; it trains")
    if not pilot.sovereign:
        yield Problem(("regions",), "no region has the role 'sovereign'", "give the regions that hold raw data `role: sovereign`")
    for index, region in enumerate(pilot.regions):
        if region.role is Role.sovereign and any(region.jurisdiction == fabric.jurisdiction for fabric in fabrics):
            message = f"sovereign region '{region.name}' has the jurisdiction of the global region, {region.jurisdiction}"
            remedy = "put one of them elsewhere: between them there would be no border to guard"
            yield Problem(("regions", index, "jurisdiction"), message, remedy)


def _datasets(pilot: Pilot) -> Iterator[Problem]:
    yield from _repeated((dataset.name for dataset in pilot.datasets), lambda i: ("datasets", i, "name"), "dataset")
    if not pilot.datasets:
        yield Problem(("datasets",), "there are no datasets", "describe what each sovereign region holds under `datasets`")
    for index, dataset in enumerate(pilot.datasets):
        yield from _dataset(pilot, dataset, ("datasets", index))


def _dataset(pilot: Pilot, dataset: DatasetSpec, loc: Loc) -> Iterator[Problem]:
    for code in dataset.label.residency:
        if code != ANYWHERE and code not in CODES:
            message = f"the residency '{code}' of dataset '{dataset.name}' is no jurisdiction"
            yield Problem((*loc, "label", "residency"), message, remedy_for(code))
    names = [region.name for region in pilot.regions]
    if dataset.region not in names:
        message = f"dataset '{dataset.name}' is in region '{dataset.region}', which there is not"
        yield Problem((*loc, "region"), message, closest(dataset.region, names))
        return
    region = pilot.region(dataset.region)
    if region.role is not Role.sovereign:
        message = f"dataset '{dataset.name}' is in region '{region.name}', whose role is '{region.role}'"
        yield Problem((*loc, "region"), message, "keep raw data in a region with `role: sovereign`")
    if not dataset.label.permits(region.jurisdiction):
        message = f"the label of dataset '{dataset.name}' does not permit its own region's jurisdiction, {region.jurisdiction}"
        yield Problem((*loc, "label"), message, f"add {region.jurisdiction} to its residency, or keep it in another region")
    fabrics = (other for other in pilot.regions if other.role is Role.global_)
    if any(dataset.label.permits(fabric.jurisdiction) and ANYWHERE not in dataset.label.residency for fabric in fabrics):
        message = f"the label of dataset '{dataset.name}' permits the jurisdiction of the global region"
        yield Problem((*loc, "label", "residency"), message, "list only jurisdictions where the raw data may rest")


def _source(dataset: DatasetSpec, root: Path, loc: Loc) -> Iterator[Problem]:
    scheme, colon, rest = dataset.source.partition(":")
    if not colon or scheme not in _SOURCES or not rest:
        message = f"the source '{dataset.source}' of dataset '{dataset.name}' cannot be read"
        yield Problem(loc, message, "write example:NAME?part=… or file:PATH.csv")
    elif scheme == "file" and not (root / rest).is_file():
        message = f"the file '{rest}' of dataset '{dataset.name}' does not exist"
        yield Problem(loc, message, "give a path relative to the pilot's directory")


def _budget(pilot: Pilot, dataset: DatasetSpec, loc: Loc) -> Iterator[Problem]:
    for what, spec in (("training", pilot.training), ("evaluation", pilot.evaluation)):
        budget, of = dataset.budget, f"the budget of dataset '{dataset.name}'"
        if spec.epsilon > budget.epsilon:
            message = f"{what} spends ε = {spec.epsilon:g}, over {of}, {budget.epsilon:g}"
            yield Problem((*loc, "epsilon"), message, f"lower {what}.epsilon, or have the data's owner raise the budget")
        if spec.delta > budget.delta:
            message = f"{what} uses δ = {spec.delta:g}, over {of}, {budget.delta:g}"
            yield Problem((*loc, "delta"), message, f"lower {what}.delta, or have the data's owner raise the budget")


def _task(pilot: Pilot) -> Iterator[Problem]:
    task = pilot.task
    entrypoint, colon, attribute = task.entrypoint.partition(":")
    if colon and not (attribute.isidentifier() and all(part.isidentifier() for part in entrypoint.split("."))):
        message = f"the entry point '{task.entrypoint}' is not `module:Class`"
        yield Problem(("task", "entrypoint"), message, "write `tabular`, or module:Class of the code in model/")
    if not colon and entrypoint != "tabular":
        yield Problem(("task", "entrypoint"), f"there is no built-in task '{entrypoint}'", "write `tabular`, or module:Class")
    yield from _repeated((feature.name for feature in task.features), lambda i: ("task", "features", i, "name"), "feature")
    for index, feature in enumerate(task.features):
        loc: Loc = ("task", "features", index)
        if feature.name == task.target.column:
            yield Problem((*loc, "name"), f"feature '{feature.name}' is the target", "remove it from the features")
        if feature.name in task.identifiers:
            yield Problem((*loc, "name"), f"feature '{feature.name}' is an identifier", "identifiers never become features")
        if feature.type == "number" and not feature.min < feature.max:
            yield Problem((*loc, "max"), f"the bounds of feature '{feature.name}' are empty", "make `min` less than `max`")
        if feature.type == "category":
            yield from _repeated(feature.values, partial(_value_of, loc), f"value of feature '{feature.name}'")


def _release_names(pilot: Pilot) -> Iterator[Problem]:
    """A release's name has the task's and its region's in it, and is a name itself."""
    task = pilot.task.name
    for region in (region for region in pilot.regions if region.role is not Role.global_):
        if len(name := f"{task}-local-{region.name}-v9999") > _LONGEST_NAME:
            message = f"the names of task '{task}' and region '{region.name}' are too long together for those of releases"
            over = len(name) - _LONGEST_NAME
            yield Problem(("task", "name"), message, f"shorten one of them, by {over} letter{'s' if over > 1 else ''} or more")


def _value_of(feature: Loc, index: int) -> Loc:
    return (*feature, "values", index)


def _border(pilot: Pilot, root: Path) -> Iterator[Problem]:
    kinds = [kind.value for kind in Kind]
    for index, rule in enumerate(pilot.border.allow):
        loc: Loc = ("border", "allow", index)
        if rule.kind not in kinds:
            yield Problem((*loc, "kind"), f"'{rule.kind}' is no kind of artifact", closest(rule.kind, kinds))
        outward = rule.source is Role.sovereign and rule.destination is not Role.sovereign
        if outward and rule.kind == Kind.dataset:
            message = "a rule lets datasets leave a sovereign region"
            yield Problem((*loc, "kind"), message, "remove the rule: raw data stays; send updates or statistics")
        if outward and rule.kind in (Kind.update, Kind.statistics) and not rule.privacy:
            message = f"a rule lets artifacts of kind '{rule.kind}' leave a sovereign region without evidence of privacy"
            yield Problem(loc, message, "add `privacy: true` to the rule")
    for index, rules in enumerate(pilot.border.rules):
        if not (root / rules).is_dir():
            message = f"the directory '{rules}' with rules does not exist"
            yield Problem(("border", "rules", index), message, "give a directory of .rego files, relative to the pilot")


def _release(pilot: Pilot) -> Iterator[Problem]:
    release = pilot.release
    repository = Path(release.repository)
    if repository.is_absolute() or not repository.parts or not {"..", ".sov", ".git"}.isdisjoint(repository.parts):
        message = f"the repository '{release.repository}' is not inside the pilot"
        yield Problem(("release", "repository"), message, "give a directory relative to pilot.yaml, such as releases")
    approvers = [(("release", "approvers", index), approver) for index, approver in enumerate(release.approvers)]
    names = (approver.name for approver in release.approvers)
    yield from _repeated(names, lambda i: ("release", "approvers", i, "name"), "approver")
    for loc, person in [(("release", "proposer"), release.proposer), *approvers]:
        if not _is_ed25519(person.key):
            message = f"the key of '{person.name}' is not an ed25519 SSH public key"
            yield Problem((*loc, "key"), message, "make one with: ssh-keygen -t ed25519, and paste the line of the .pub file")
    keys = [_blob(approver.key) for approver in release.approvers]
    yield from _repeated(keys, lambda i: ("release", "approvers", i, "key"), "the key")
    unfilled = {approver.name for approver in release.approvers if not _is_ed25519(approver.key)} - {release.proposer.name}
    others = unfilled | {approver.name for approver in release.approvers if not _same(approver, release.proposer)}
    for loc, approver in approvers:
        if approver.name not in {release.proposer.name, *unfilled} and _same(approver, release.proposer):
            message = f"approver '{approver.name}' has the key of the proposer"
            yield Problem((*loc, "key"), message, "give every person a key of their own")
    if not others:
        message = f"the proposer '{release.proposer.name}' is the only approver"
        yield Problem(("release", "approvers"), message, "add somebody else: nobody approves their own release")
    elif release.approvals > len(others):
        message = f"{release.approvals} approvals are wanted, but only {len(others)} people other than the proposer may approve"
        yield Problem(("release", "approvals"), message, "lower `approvals`, or add approvers")


def _same(one: Approver, other: Approver) -> bool:
    return one.name == other.name or _blob(one.key) == _blob(other.key)


def _blob(key: str) -> str:
    return " ".join(key.split()[:2])


def _is_ed25519(key: str) -> bool:
    """The key's blob is its type and 32 bytes, each with its length (RFC 4253, section 6.6; RFC 8709)."""
    parts = key.split()
    if "\n" in key.strip() or len(parts) < 2 or parts[0] != _ED25519:
        return False
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except binascii.Error:
        return False
    return len(blob) == 51 and blob.startswith(b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20")
