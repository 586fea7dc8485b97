"""What a cloud or a state's backend says no with, as an error of ours: what happened, to which stack, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sovplatform.errors import Denied, Locked, SovError, Unavailable
from sovplatform.infrastructure.diagnostics import StackInvalid, TerraformFailed

_LOCK = re.compile(r"state lock|ConditionalCheckFailed|PreconditionFailed", re.I)
_LOCK_ID = re.compile(r"\bID:\s+(\S+)")
_ANSWERS: tuple[tuple[re.Pattern[str], type[SovError], str, str], ...] = (
    (
        re.compile(r"ExpiredToken|token (?:has|is) expired|credentials .*expired|invalid_grant", re.I),
        Denied,
        "the credentials for stack {stack} have expired",
        "log in again, then run this again",
    ),
    (
        re.compile(r"NoSuchBucket|bucket .*(?:does not|doesn't) exist", re.I),
        Unavailable,
        "the store for the state of stack {stack} is not there",
        "make it, as docs/infrastructure tells, then run this again",
    ),
    (
        re.compile(r"No valid credential sources|could not find default credentials|no credentials", re.I),
        Denied,
        "there are no credentials for stack {stack}",
        "log in to the region's account or project",
    ),
    (
        re.compile(r"AccessDenied|Unauthorized|InvalidClientTokenId|SignatureDoesNotMatch|PERMISSION_DENIED|\b403\b", re.I),
        Denied,
        "the credentials may not do what stack {stack} needs: {said}",
        "give the deploying identity the rights that docs/infrastructure lists",
    ),
    (
        re.compile(r"no such host|connection refused|i/o timeout|deadline exceeded", re.I),
        Unavailable,
        "a service that stack {stack} needs does not answer: {said}",
        "look at the network, then run this again",
    ),
)
"""What the words of clouds and backends come to; the first that fits counts."""


@contextmanager
def told(stack: str, directory: Path) -> Iterator[None]:
    """Raise Terraform's failures as what they are.

    Raises:
        Locked: another run holds the state's lock.
        Denied: the credentials are expired, foreign or missing.
        Unavailable: the state's store is not there, or does not answer.
        TerraformFailed: anything else, with what became of the state.
    """
    try:
        yield
    except (TerraformFailed, StackInvalid) as err:
        translated = _translated(stack, directory, err)
        if translated is err:
            raise
        raise translated from err


def _translated(stack: str, directory: Path, err: TerraformFailed | StackInvalid) -> SovError:
    text = " ".join([err.message, *(problem.message for problem in err.problems)])
    if _LOCK.search(text):
        found = _LOCK_ID.search(text)
        force = f"; if nobody runs: terraform -chdir={directory} force-unlock {found[1]}" if found else ""
        return Locked(f"the state of stack {stack} is locked by another run", remedy=f"wait until it has ended{force}")
    for pattern, kind, message, remedy in _ANSWERS:
        if pattern.search(text):
            return kind(message.format(stack=stack, said=err.message), remedy=remedy)
    if isinstance(err, StackInvalid):
        return err
    if (directory / "errored.tfstate").exists():
        remedy = f"terraform -chdir={directory} state push errored.tfstate, then `sovctl plan`"
        return TerraformFailed(f"{err.message}; the state could not be written and lies in {directory}", remedy=remedy)
    return TerraformFailed(err.message, err.problems, remedy="mend it, then `sovctl plan` and `sovctl apply` go on from there")
