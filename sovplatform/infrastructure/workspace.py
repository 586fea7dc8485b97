"""Workspace: where one stack is planned and applied for real; what it keeps between the two, and for later weeks.

`.sov/infrastructure/stacks/NAME/` holds the stack as it was planned, Terraform's own directory, the plan, and the stack's
outputs. Terraform leaves `errored.tfstate` there when a state could not be written to its backend; nothing here removes it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sovplatform.errors import NotFound
from sovplatform.infrastructure.request import STACK_FILE
from sovplatform.private import make_directory, write_atomically
from sovplatform.records import Record

_READ = (".tf", ".tf.json", ".tofu", ".tofu.json", ".tfvars", ".tfvars.json")
"""What Terraform would read besides the stack: an override file or a variable that was not judged."""


class KeptPlan(Record):
    """What is known of the plan that lies here. The journal, not this, says whether it may be applied."""

    plan: str
    stack_file: str
    destroy: bool = False


class Workspace:
    """The directory of one stack."""

    def __init__(self, home: Path, stack: str) -> None:
        self.stack = stack
        self.directory = home / "stacks" / stack
        self.plan = self.directory / "plan.bin"
        self.errored = self.directory / "errored.tfstate"

    def begin(self, synthesised: Path, *, anew: bool) -> None:
        """Take the stack as it was synthesised, and forget the last plan; `anew`, where its state was to rest, too."""
        make_directory(self.directory)
        self.forget()
        if anew:
            (self.directory / ".terraform" / "terraform.tfstate").unlink(missing_ok=True)  # which backend, not a state
        for path in self.directory.iterdir():
            if path.name.endswith(_READ):
                path.unlink()
        write_atomically(self.directory / STACK_FILE, (synthesised / STACK_FILE).read_bytes())

    def forget(self) -> None:
        """Drop the plan: it was applied, or is stale; and the copies of runs that were killed."""
        for path in (self.plan, self.directory / "plan.json", *self.directory.glob("apply-*.bin")):
            path.unlink(missing_ok=True)

    def keep(self, *, destroy: bool) -> KeptPlan:
        """Note which plan this is."""
        self.plan.chmod(0o600)
        kept = KeptPlan(plan=file_digest(self.plan), stack_file=self.stack_file_digest(), destroy=destroy)
        write_atomically(self.directory / "plan.json", kept.canonical())
        return kept

    def kept(self) -> KeptPlan:
        """Raises NotFound when there is no plan."""
        try:
            return KeptPlan.from_json((self.directory / "plan.json").read_bytes())
        except (OSError, ValueError) as err:
            raise NotFound(f"stack {self.stack} is not planned", remedy="run `sovctl plan`, then apply") from err

    def stack_file_digest(self) -> str:
        return file_digest(self.directory / STACK_FILE)

    def private_copy(self) -> Path:
        """The plan under another name: what was hashed is what is applied, whoever writes to the plan meanwhile."""
        copy = self.directory / f"apply-{os.getpid()}.bin"
        write_atomically(copy, self.plan.read_bytes(), mode=0o400)
        return copy

    def keep_outputs(self, outputs: Mapping[str, Any]) -> None:
        """For the weeks that come after. Outputs are never secrets."""
        write_atomically(self.directory / "outputs.json", json.dumps(outputs, sort_keys=True).encode())

    def outputs(self) -> Mapping[str, Any] | None:
        """None when the stack was never applied."""
        try:
            found: Mapping[str, Any] = json.loads((self.directory / "outputs.json").read_bytes())
        except FileNotFoundError:
            return None
        return found

    def drop_outputs(self) -> None:
        (self.directory / "outputs.json").unlink(missing_ok=True)


def file_digest(path: Path) -> str:
    """`sha256:…` of a file.

    Raises:
        NotFound: it is not there.
    """
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except FileNotFoundError as err:
        raise NotFound(f"{path.name} is not there", remedy="run `sovctl plan` again") from err
