"""What Terraform says is wrong, with the construct that it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sovplatform.errors import SovError
from sovplatform.infrastructure.schema import Problem, construct_of

_ADDRESS = re.compile(r"^(data\.)?(\w+)\.([\w-]+)(?:\[[^]]*\])?$")
_PROTECTED = re.compile(r"\bResource (\S+) has lifecycle\.prevent_destroy set")
_SHOWN = 5
_KINDS = frozenset({"Incorrect attribute value type", "Extraneous JSON object property", "Failed to install provider"})


PROTECTED = "it is protected from being destroyed"
"""What a problem says of a resource that the plan would end, against its `prevent_destroy`."""


class StackInvalid(SovError):
    """A stack is wrong: Terraform, or its schema contract, does not accept it. `problems` are all of them."""

    def __init__(self, stack: str, problems: Sequence[Problem], *, remedy: str = "") -> None:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        told = "; ".join(map(str, problems[:_SHOWN])) + more
        super().__init__(f"the stack '{stack}' is wrong: {told}", remedy=remedy or "correct the construct, and synthesise again")
        self.stack = stack
        self.problems = tuple(problems)


class StacksInvalid(StackInvalid):
    """Several stacks are wrong. The message tells the first problem of each; `stacks` has all, `problems` all in a row."""

    def __init__(self, stacks: Mapping[str, Sequence[Problem]]) -> None:
        super().__init__(", ".join(stacks), [problem for problems in stacks.values() for problem in problems])
        self.stacks = {name: tuple(problems) for name, problems in stacks.items()}
        told = [f"'{name}': {problems[0]}{_more(len(problems) - 1)}" for name, problems in stacks.items()]
        self.message = f"{len(stacks)} stacks are wrong: {'; '.join(told)}"


def _more(count: int) -> str:
    return f" (and {count} more)" if count else ""


class TerraformFailed(SovError):
    """Terraform did not do what it was asked; `problems` are its own words."""

    def __init__(self, message: str, problems: Sequence[Problem] = (), *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.problems = tuple(problems)


def problems_in(events: Sequence[Mapping[str, Any]], stack: Mapping[str, Any]) -> list[Problem]:
    """The errors among Terraform's `-json` events; what it tells twice, once."""
    diagnostics = [event["diagnostic"] for event in events if event.get("type") == "diagnostic"]
    return list(dict.fromkeys(_problem(diagnostic, stack) for diagnostic in diagnostics if diagnostic.get("severity") == "error"))


def _problem(diagnostic: Mapping[str, Any], stack: Mapping[str, Any]) -> Problem:
    summary, detail = diagnostic.get("summary", ""), " ".join(diagnostic.get("detail", "").split())
    if summary.startswith("Cycle: "):
        members = summary.removeprefix("Cycle: ").split(", ")
        return Problem(members[0], "", f"these need each other: {', '.join(_named(stack, member) for member in members)}")
    if protected := _PROTECTED.search(detail):
        return Problem(protected[1], "", PROTECTED, construct(stack, protected[1]))
    snippet = diagnostic.get("snippet") or {}
    address, path = _place(
        str(diagnostic.get("address") or ""), str(snippet.get("context") or ""), str(snippet.get("code") or "")
    )
    message = f"{summary}: {detail}" if summary and detail and not _says(detail, summary) else detail or summary
    return Problem(address, path, message, construct(stack, address))


def _says(detail: str, summary: str) -> bool:
    """Terraform's own summaries only name the kind of mistake; a provider's may hold the cloud's answer."""
    return summary in detail or summary in _KINDS or summary.startswith(("Invalid", "Unsupported", "Missing", "Reference"))


def _place(address: str, context: str, code: str) -> tuple[str, str]:
    """The address and the attribute's path of a diagnostic. Terraform tells the block (`resource.TYPE.NAME.BLOCK`) and a line."""
    steps = context.removeprefix("resource.").split(".") if context else []
    own = 3 if steps[:1] == ["data"] else 2
    key = re.match(r'\s*"([\w-]+)":', code)
    inner = [*steps[own:], *([key[1]] if key and len(steps) >= own else [])]
    return address or ".".join(steps[:own]) or "the stack", ".".join(dict.fromkeys(inner))


def construct(stack: Mapping[str, Any], address: str) -> str:
    """The path of the construct that made what has this address, or nothing."""
    match = _ADDRESS.match(address)
    if match is None:
        return ""
    return construct_of(stack.get("data" if match[1] else "resource", {}).get(match[2], {}).get(match[3]))


def _named(stack: Mapping[str, Any], address: str) -> str:
    made_by = construct(stack, address)
    return f"{address} (made by {made_by})" if made_by else address
