"""What a region's border does for the control plane and for the region's own jobs: one method per operation.

The node decides by the caller's attested identity which of these it may use; see `sovplatform.node.operations`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue

from sovplatform.errors import ConfigError, Unavailable
from sovplatform.records import Kind, PrivacyPlan, PrivacySpent
from sovplatform.wire import OperationClient

_LONG_POLL_SECONDS = 20.0


class BorderClient:
    """The border of one region, at a `unix:PATH` address."""

    def __init__(self, address: str, *, region: str) -> None:
        scheme, _, path = address.partition(":")
        if scheme != "unix":
            raise ConfigError(f"the border of region {region} is at {address}", remedy="a border's address is unix:PATH")
        self.region = region
        self._client = OperationClient(Path(path), who=f"region {region}")

    # -- for jobs --

    def send(self, directory: Path, destination: str, purpose: str) -> None:
        """Take the signed artifact in `directory` over the border; returns when the destination has accepted it.

        Raises:
            Denied: the gate or the destination refused.
            Unavailable: the destination cannot be reached.
        """
        body = {"directory": str(directory), "destination": destination, "purpose": purpose}
        self._client.call("send", body, timeout=600)

    def receive(self, *, source: str, kind: Kind, name: str, run: str, round: int | None, timeout: float) -> Path:
        """Wait for an accepted artifact, and return its directory.

        Raises:
            Unavailable: it did not come within `timeout` seconds.
        """
        body = {"source": source, "kind": kind.value, "name": name, "run": run, "round": round}
        waited = 0.0
        while waited < timeout:
            step = min(_LONG_POLL_SECONDS, timeout - waited)
            answer = self._client.call("receive", {**body, "timeout": step}, timeout=step + 30)
            if answer["directory"]:
                return Path(answer["directory"])
            waited += step
        raise Unavailable(
            f"{kind.value} {name} of round {round} did not come from {source} to {self.region} within {timeout:.0f} s",
            remedy=f"see `sovctl status` and the log of the job in region {source}",
        )

    def reserve(self, plan: PrivacyPlan) -> PrivacySpent:
        """Charge a plan to its dataset's budget. Raises Denied when it is over."""
        return PrivacySpent.model_validate(self._client.call("reserve", plan.model_dump(mode="json")))

    # -- for the control plane --

    def record(self, event: str, subject: str, details: Mapping[str, JsonValue] = {}, *, key: str | None = None) -> int:
        """Append to the region's ledger and return the entry's index; one `key` is recorded once."""
        body = {"event": event, "subject": subject, "details": dict(details), "key": key}
        return int(self._client.call("record", body)["index"])

    def spent(self) -> tuple[PrivacySpent, ...]:
        """What has been spent of every dataset of the region."""
        return tuple(PrivacySpent.model_validate(item) for item in self._client.call("spent")["datasets"])

    def checkpoint(self) -> str:
        """Seal the ledger, and return the signed checkpoint."""
        return str(self._client.call("checkpoint")["note"])

    def witness(self, region: str, checkpoint: str) -> None:
        """Keep another region's checkpoint, so that it cannot take back what it has said."""
        self._client.call("witness", {"region": region, "checkpoint": checkpoint})

    def entries(self, start: int = 0) -> Iterator[Mapping[str, JsonValue]]:
        """The ledger's entries from `start`, oldest first."""
        while True:
            page = self._client.call("entries", {"start": start})["entries"]
            yield from page
            if not page:
                return
            start = int(page[-1]["index"]) + 1
