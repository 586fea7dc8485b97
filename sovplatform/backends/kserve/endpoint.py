"""One endpoint on disk: desired state, observed status, pinned trust, port. Written atomically, read by both sides."""

from __future__ import annotations

import json
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from sovplatform.backends.kserve.trust import ServingTrust
from sovplatform.errors import ConfigError, SovError
from sovplatform.private import write_atomically
from sovplatform.records import EndpointStatus, Record, ServingState

R = TypeVar("R", bound=Record)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Endpoint:
    """The directory `serving/NAME/` of one endpoint."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state_file = home / "state.json"
        self.trust_file = home / "trust.json"
        self.log = home / "log"
        self.pid_file = home / "runtime.pid"
        self.lock = home / "lock"
        self.private = home / "private"
        self._status = home / "status.json"
        self._served = home / "served.json"
        self._accepted = home / "accepted.json"
        self._port = home / "port"

    @classmethod
    def named(cls, serving: Path, name: str) -> Endpoint:
        """The endpoint `name` below a region's `serving/`. A name that is no name is a ConfigError."""
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{name!r} is no endpoint's name", remedy="use lower-case letters, digits and hyphens")
        return cls(serving / name)

    @property
    def name(self) -> str:
        return self.home.name

    def state(self) -> ServingState | None:
        """What shall be served; None before the first `apply`."""
        return _read(self.state_file, ServingState)

    def write_state(self, state: ServingState) -> None:
        write_atomically(self.state_file, state.canonical())

    def trust(self) -> ServingTrust | None:
        """What the region has pinned; None when nothing."""
        return _read(self.trust_file, ServingTrust)

    def write_trust(self, trust: ServingTrust) -> None:
        write_atomically(self.trust_file, trust.canonical())

    def status(self) -> EndpointStatus:
        """What the runtime observed last."""
        try:
            known = _read(self._status, EndpointStatus)
        except SovError:
            known = None
        return known or EndpointStatus(name=self.name, ready=False, url=self.url())

    def write_status(self, status: EndpointStatus) -> None:
        write_atomically(self._status, status.canonical())

    def served(self) -> ServingState | None:
        """The last state that was served as desired: what a restart falls back to when the newest is refused."""
        try:
            return _read(self._served, ServingState)
        except SovError:
            return None

    def write_served(self, state: ServingState) -> None:
        write_atomically(self._served, state.canonical())

    def accepted_at(self, release: str) -> datetime | None:
        """When the release of that digest was first accepted, while its approvals were in force."""
        moment = self._acceptances().get(release)
        return datetime.fromisoformat(moment) if moment else None

    def accept(self, release: str, moment: datetime) -> None:
        known = self._acceptances()
        if release not in known:
            write_atomically(self._accepted, json.dumps({**known, release: moment.isoformat()}).encode())

    def port(self) -> int:
        """The port the endpoint had last; 0 when none."""
        try:
            return int(self._port.read_text())
        except (OSError, ValueError):
            return 0

    def write_port(self, port: int) -> None:
        write_atomically(self._port, str(port).encode())

    def url(self) -> str:
        return f"http://127.0.0.1:{port}" if (port := self.port()) else ""

    def remove(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    def _acceptances(self) -> dict[str, str]:
        try:
            found = json.loads(self._accepted.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _read(path: Path, kind: type[R]) -> R | None:
    try:
        return kind.from_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as err:
        raise SovError(f"{path.name} of endpoint {path.parent.name} cannot be read", remedy="apply the state again") from err
