"""What a cloud or a state's backend says no with, as an error of ours: what happened, to which stack, and what to do."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sovplatform.errors import ConfigError, Denied, Locked, SovError, Unavailable
from sovplatform.infrastructure.diagnostics import PROTECTED, StackInvalid, TerraformFailed

_LOCK = re.compile(r"acquiring the state lock", re.I)
_MOVED = re.compile(r"Backend (?:configuration (?:block )?(?:has )?changed|initialization required)|init -reconfigure", re.I)
_LOCK_ID = re.compile(r"\bID:\s+(\S+)")
_ANSWERS: tuple[tuple[re.Pattern[str], type[SovError], str, str], ...] = (
    (
        re.compile(r"ExpiredToken|token (?:has|is) expired|credentials .*expired|invalid_grant", re.I),
        Unavailable,
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
        Unavailable,
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


_UNPROTECT = (
    "choose others with --week and --region; or, where the region's provider has that setting, set `protect: false`, "
    "then `sovctl plan`, `sovctl apply`, and `sovctl destroy` again"
)
_GO_ON = "`sovctl plan` and `sovctl apply` go on from there"


def require_written_state(stack: str, directory: Path, command: str) -> None:
    """Nothing is done to a stack whose last state is not where it belongs: what it made would be made again.

    Raises:
        TerraformFailed: `errored.tfstate` is there; the remedy says what brings it to its place.
    """
    if (directory / "errored.tfstate").exists():
        raise _unwritten(f"stack {stack} is left as it is", directory, command)


@contextmanager
def told(stack: str, directory: Path, command: str, *, applying: bool = False) -> Iterator[None]:
    """Raise Terraform's failures as what they are. `command` is the Terraform that remedies name.

    Raises:
        Locked: another run holds the state's lock.
        Denied: the cloud says that the credentials may not; or the plan would end what is protected.
        Unavailable: there are no credentials, or none that are valid still; the state's store is not there, or does not answer.
        TerraformFailed: anything else, with what became of the state.
    """
    try:
        yield
    except (TerraformFailed, StackInvalid) as err:
        translated = _protected(stack, err) or _translated(stack, directory, command, err, applying)
        if translated is err:
            raise
        raise translated from err


def _protected(stack: str, err: TerraformFailed | StackInvalid) -> Denied | None:
    kept = [f"{one.address}, made by {one.construct}" for one in err.problems if one.message == PROTECTED]
    return Denied(f"the plan of stack {stack} would end what is protected", reasons=kept, remedy=_UNPROTECT) if kept else None


def _translated(stack: str, directory: Path, command: str, err: TerraformFailed | StackInvalid, applying: bool) -> SovError:
    """A state that could not be written counts before its cause: whoever sees to the cause alone makes everything twice."""
    if (directory / "errored.tfstate").exists():
        return _unwritten(err.message, directory, command)
    text = " ".join([err.message, *(problem.message for problem in err.problems)])
    holder = _LOCK_ID.search(text) if _LOCK.search(text) else None
    if holder:
        force = f"{_in(directory, command)} force-unlock {holder[1]}"
        return Locked(
            f"the state of stack {stack} is locked by another run", remedy=f"wait until it has ended; if nobody runs: {force}"
        )
    if _MOVED.search(text):
        move = f"put them back, or move it: {_in(directory, command)} init -migrate-state"
        return ConfigError(f"the state of stack {stack} rests in another place than its settings say", remedy=move)
    for pattern, kind, message, remedy in _ANSWERS:
        if pattern.search(text):
            more = f"; what was made is in the state, and {_GO_ON}" if applying else ""
            return kind(message.format(stack=stack, said=err.message), remedy=remedy + more)
    if isinstance(err, StackInvalid):
        return err
    return TerraformFailed(err.message, err.problems, remedy=f"mend it, then {_GO_ON}")


def _unwritten(message: str, directory: Path, command: str) -> TerraformFailed:
    push = f"{_in(directory, command)} state push errored.tfstate && rm {shlex.quote(str(directory / 'errored.tfstate'))}"
    told = f"{message}; what was made is not in its state, which could not be written and lies in {directory}"
    return TerraformFailed(told, remedy=f"when the store can be written to: {push}; then `sovctl plan`")


def _in(directory: Path, command: str) -> str:
    return f"{shlex.quote(command)} -chdir={shlex.quote(str(directory))}"
