"""Terraform or OpenTofu: which there is, what it can, and its commands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sovplatform.errors import ConfigError, Unsupported
from sovplatform.infrastructure.diagnostics import StackInvalid, TerraformFailed, problems_in
from sovplatform.infrastructure.process import Children, Ended
from sovplatform.infrastructure.request import STACK_FILE

OLDEST = {"Terraform": (1, 9), "OpenTofu": (1, 8)}
_COMMANDS = ("terraform", "tofu")
_DIRECTING = ("TF_CLI_ARGS", "TF_VAR_", "TF_DATA_DIR", "TF_WORKSPACE", "TF_REATTACH_PROVIDERS", "TF_PLUGIN_CACHE_MAY_")
"""Settings that change what is done, and not only how: `-backend-config` would move the state past what was judged."""
_QUICK_SECONDS = 120
_LONG_SECONDS = 2 * 60 * 60

Environment = Mapping[str, str]
OnEvent = Callable[[Mapping[str, Any]], None]
"""Is called with every event of Terraform's `-json` output, in the thread of the caller."""


@dataclass(frozen=True)
class Terraform:
    """The command that was found."""

    path: str
    product: str
    version: tuple[int, ...]
    children: Children = field(default_factory=lambda: Children(grace_seconds=60), compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.product} {'.'.join(map(str, self.version))}"

    def require_version(self, terraform: str, opentofu: str, *, needed_by: str) -> None:
        """Raises Unsupported when it is older than what is given for its product, such as `1.14`."""
        wanted = terraform if self.product == "Terraform" else opentofu
        if self.version < tuple(int(part) for part in wanted.split(".")):
            since = f"Terraform ≥ {terraform} or OpenTofu ≥ {opentofu}"
            remedy = f"install {since}, or name it with SOVCTL_TERRAFORM; `sovctl plan --offline` works with {self}"
            raise Unsupported(needed_by, reason=f"it needs {since}, and this is {self}", remedy=remedy)

    def init(self, stack: Path, *, environment: Environment | None = None, on_event: OnEvent | None = None) -> None:
        self._do(stack, ["init", "-json", "-input=false", "-no-color"], environment, on_event, _QUICK_SECONDS * 5)

    def validate(self, stack: Path, *, environment: Environment | None = None) -> None:
        """Raises StackInvalid when it is."""
        ended = self.run(stack, ["validate", "-json", "-no-color"], environment=environment, seconds=_QUICK_SECONDS)
        told = _json(ended.output).get("diagnostics", [])
        self._raise_for(ended, stack, "validate", [{"type": "diagnostic", "diagnostic": diagnostic} for diagnostic in told])

    def plan(
        self,
        stack: Path,
        out: Path,
        *,
        variables: Mapping[str, Any] | None = None,
        options: Sequence[str] = (),
        environment: Environment | None = None,
        on_event: OnEvent | None = None,
        seconds: float = _LONG_SECONDS,
    ) -> None:
        """Write a plan to `out`. `options` are Terraform's own, such as `-destroy`.

        Raises:
            StackInvalid: the stack is wrong; each problem names its construct.
            Unavailable: it took longer than `seconds`.
        """
        given = [
            f"-var={name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in (variables or {}).items()
        ]
        command = ["plan", "-json", "-input=false", "-no-color", f"-out={out}", *options, *given]
        self._do(stack, command, environment, on_event, seconds)

    def show(self, stack: Path, plan: Path, *, environment: Environment | None = None) -> dict[str, Any]:
        """A plan as JSON."""
        ended = self.run(stack, ["show", "-json", "-no-color", str(plan)], environment=environment, seconds=_QUICK_SECONDS)
        self._raise_for(ended, stack, "show", [])
        return _json(ended.output)

    def apply(self, stack: Path, plan: Path, *, environment: Environment | None = None, on_event: OnEvent | None = None) -> None:
        """Do what a plan says, and nothing else. A plan that was made with `-destroy` destroys.

        It goes on when this process is killed, for then it still writes its state and drops its lock.
        """
        command = ["apply", "-json", "-input=false", "-no-color", str(plan)]
        self._do(stack, command, environment, on_event, _LONG_SECONDS, outlives=True)

    def output(self, stack: Path, *, environment: Environment | None = None) -> dict[str, Any]:
        """The values of a stack's outputs."""
        ended = self.run(stack, ["output", "-json", "-no-color"], environment=environment, seconds=_QUICK_SECONDS)
        self._raise_for(ended, stack, "output", [])
        return {name: told["value"] for name, told in _json(ended.output).items()}

    def run(
        self,
        stack: Path,
        arguments: Sequence[str],
        *,
        environment: Environment | None = None,
        seconds: float,
        on_line: Callable[[str], None] | None = None,
        outlives: bool = False,
    ) -> Ended:
        """Run any of its commands in a stack's directory. `environment` replaces this process's own."""
        given = _undirected(os.environ) if environment is None else environment
        chosen = {**given, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        command = [self.path, *arguments]
        return self.children.run(
            command, directory=stack, environment=chosen, seconds=seconds, on_line=on_line, outlives=outlives
        )

    def _do(
        self,
        stack: Path,
        command: Sequence[str],
        environment: Environment | None,
        on_event: OnEvent | None,
        seconds: float,
        *,
        outlives: bool = False,
    ) -> None:
        events: list[Mapping[str, Any]] = []

        def take(line: str) -> None:
            event = _json(line)
            if event.get("type") == "diagnostic":
                events.append(event)
            if on_event is not None and event:
                on_event(event)

        ended = self.run(stack, command, environment=environment, seconds=seconds, on_line=take, outlives=outlives)
        self._raise_for(ended, stack, command[0], events)

    def _raise_for(self, ended: Ended, stack: Path, command: str, events: Sequence[Mapping[str, Any]]) -> None:
        if ended.code == 0:
            return
        problems = problems_in(events, _json((stack / STACK_FILE).read_text()) if (stack / STACK_FILE).is_file() else {})
        if problems and command in ("validate", "plan"):
            raise StackInvalid(stack.name, problems)
        told = "; ".join(map(str, problems)) or " ".join((ended.errors or ended.output).split())[-500:]
        raise TerraformFailed(f"`{Path(self.path).name} {command}` failed for the stack '{stack.name}': {told}", problems)


def find(setting: str = "") -> Terraform:
    """The command that `setting` names (`SOVCTL_TERRAFORM`), or the first of terraform and tofu on the path.

    Raises:
        ConfigError: there is none, it cannot be run, or it is too old.
    """
    remedy = f"install {_since(OLDEST)}, or name it with SOVCTL_TERRAFORM"
    path = next(filter(None, map(shutil.which, [setting] if setting else _COMMANDS)), None)
    if path is None:
        named = (
            f"'{setting}', which SOVCTL_TERRAFORM names, is no command"
            if setting
            else "neither terraform nor tofu is on the path"
        )
        raise ConfigError(named, remedy=remedy)
    if not setting and not Path(path).is_absolute():
        told_where = f"the path leads to {path}, which is whatever lies in the directory that you are in"
        raise ConfigError(told_where, remedy="take relative places out of PATH, or name the command with SOVCTL_TERRAFORM")
    path = str(Path(path).absolute())  # it is run in the stack's directory
    try:
        product, version = _told_version(path)
    except (OSError, subprocess.TimeoutExpired) as err:
        raise ConfigError(f"{path} cannot be run: {err}", remedy=remedy) from err
    if not version:
        raise ConfigError(f"{path} is neither Terraform nor OpenTofu: it does not tell its version", remedy=remedy)
    found = Terraform(path, product, version)
    if found.version < OLDEST[found.product]:
        raise ConfigError(f"{path} is {found}, which is too old", remedy=remedy)
    return found


def _told_version(path: str) -> tuple[str, tuple[int, ...]]:
    """Which product it is, and of which version: none when it does not tell. A wrapper may pass on `-json` alone."""
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1"}

    def said(*options: str) -> str:
        command = [path, "version", *options]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_QUICK_SECONDS, env=environment, check=False
        ).stdout

    match = re.search(r"^(Terraform|OpenTofu) v(\d+)\.(\d+)\.(\d+)", said(), re.M)
    if match is not None:
        return match[1], tuple(int(part) for part in match.groups()[1:])
    version = re.match(r"(\d+)\.(\d+)\.(\d+)", str(_json(said("-json")).get("terraform_version", "")))
    product = "OpenTofu" if Path(path).name == "tofu" else "Terraform"
    return product, tuple(int(part) for part in version.groups()) if version else ()


def _undirected(environment: Environment) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(_DIRECTING)}


def _since(versions: Mapping[str, tuple[int, ...]]) -> str:
    return " or ".join(f"{name} ≥ {'.'.join(map(str, version))}" for name, version in versions.items() if version)


def _json(text: str) -> dict[str, Any]:
    """A JSON object, or an empty one when the text is none: Terraform writes a few lines that are not."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
