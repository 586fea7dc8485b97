"""The one error tree. Every error says what happened, to which named thing, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_DENIED = 3


def one_line(text: str) -> str:
    """The text with what is no plain character spelt out: a name may hold line breaks and a terminal's commands."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class SovError(Exception):
    """Something failed. `remedy` is one imperative sentence; `exit_code` is what a command ends with."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = one_line(message)
        self.remedy = one_line(remedy)

    def __str__(self) -> str:
        return f"{self.message} — {self.remedy}" if self.remedy else self.message


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file: the path of keys and indexes that leads there, what it is, and what to do about it.

    `file` and `line` are known once somebody who has the file has looked.
    """

    loc: tuple[str | int, ...]
    message: str
    remedy: str
    file: str = ""
    line: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", one_line(self.message))

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " if self.file else ""
        return f"{where}{self.message} — {self.remedy}" if self.remedy else f"{where}{self.message}"


class ConfigError(SovError):
    """The user's input is wrong: a file, an option, a setting. Nothing was written.

    `problems` are all that are known, the first of which is the message; empty when the message is all there is.
    """

    exit_code = EXIT_USAGE

    def __init__(self, message: str, *, remedy: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.problems = tuple(problems)


class SettingError(ConfigError):
    """How a provider says that settings of a region are wrong. A problem's `loc` begins below `settings`: `("account",)`.

    Whoever has `pilot.yaml` adds file and line, so a provider need not know of them.
    """

    def __init__(self, region: str, problems: Sequence[Problem]) -> None:
        first = problems[0]
        message = f"region {region}: {first.message}{and_more(len(problems) - 1)}"
        super().__init__(message, remedy=first.remedy, problems=problems)
        self.region = region

    @classmethod
    def of(cls, region: str, setting: str, message: str, *, remedy: str) -> SettingError:
        """One setting is wrong."""
        return cls(region, [Problem((setting,), message, remedy)])


class LackingError(SettingError):
    """How a provider says that a region does not have what the pilot asks of all: a GPU, say.

    A problem's `loc` begins at the top of `pilot.yaml`: `("infrastructure", "training", "gpu")`.
    """


def and_more(count: int) -> str:
    """What a message ends with when it tells the first of several."""
    return f" (and {count} more)" if count else ""


class PluginError(ConfigError):
    """A listed plugin is missing, broken, or takes a name that is taken."""


class NotFound(SovError):
    """The named thing does not exist."""


class Unknown(NotFound, ConfigError):
    """What the user named, such as a release or a region, does not exist."""

    exit_code = EXIT_USAGE


class Conflict(SovError):
    """The named thing exists already, with another content: versions and entries are immutable."""


class Locked(SovError):
    """Somebody else is doing this now."""


class Unavailable(SovError):
    """A service that is needed does not answer. Trying again later may work."""


class JobFailed(SovError):
    """A job inside a region ended with an error; the message names the job and where its log is."""


class Unsupported(SovError):
    """An answer, not an accident: this provider does not do that, and here is why."""

    def __init__(self, feature: str, *, reason: str, remedy: str = "") -> None:
        super().__init__(f"unsupported: {feature} ({reason})", remedy=remedy)
        self.feature = feature
        self.reason = reason


class Denied(SovError):
    """Policy, gate, identity or signature said no. `reasons` are what the auditor will read."""

    exit_code = EXIT_DENIED

    def __init__(self, message: str, *, reasons: Sequence[str] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.reasons = tuple(map(one_line, reasons))

    def __str__(self) -> str:
        body = f"{self.message}: {'; '.join(self.reasons)}" if self.reasons else self.message
        return f"{body} — {self.remedy}" if self.remedy else body


class SignatureInvalid(Denied):
    """A signature is missing, was made by another key, or covers other bytes."""


class IdentityRefused(Denied):
    """The caller's SVID is wrong, expired, or from a trust domain that is not federated."""


class LedgerCorrupt(SovError):
    """The ledger does not verify: an entry was changed, dropped, reordered or truncated."""


class LedgerUnwritable(SovError):
    """The ledger cannot record (disk full, read-only). What cannot be recorded does not happen."""
