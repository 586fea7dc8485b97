"""Border: the gate, the acceptance and the privacy account of one region, under the rules that it has pinned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sovplatform.border.acceptance import POLICY as ACCEPTANCE
from sovplatform.border.acceptance import Acceptance
from sovplatform.border.channel import Sender
from sovplatform.border.gate import POLICY as GATE
from sovplatform.border.gate import Gate
from sovplatform.border.privacy import PrivacyAccount
from sovplatform.errors import ConfigError
from sovplatform.interfaces import KeyStore
from sovplatform.ledger import Ledger
from sovplatform.node.crossings import Inbound, Outbound
from sovplatform.pilot import RegionConfig
from sovplatform.plugins import Plugins
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import PrivacyPlan, PrivacySpent, Trust


class Border:
    def __init__(
        self,
        home: Path,
        config: RegionConfig,
        *,
        trust: Callable[[], Trust],
        ledger: Ledger,
        keystore: KeyStore,
        actor: str,
        checkpoint: Callable[[], str],
        sender: Callable[[str], Sender],
    ) -> None:
        self._config = config
        self._trust = trust
        plugins = Plugins.load(config.plugins)
        rules = [*(Path(rule) for rule in config.rules), *plugins.rules()]
        policy = PolicyEngine(rules, packages=(GATE, ACCEPTANCE))
        self.account = PrivacyAccount(config, ledger)
        gate = Gate(config, trust, ledger=ledger, keystore=keystore, policy=policy, inspectors=plugins.inspectors())
        acceptance = Acceptance(config, trust, ledger=ledger, policy=policy)
        largest = max((rule.max_bytes for rule in config.border.allow), default=0)
        self.inbound = Inbound(home, acceptance=acceptance, ledger=ledger, actor=actor, checkpoint=checkpoint, largest=largest)
        self.outbound = Outbound(
            home,
            config.region.name,
            gate=gate,
            ledger=ledger,
            actor=actor,
            channel_of=self.channel_of,
            sender=sender,
        )

    def channel_of(self, region: str) -> str:
        """Where a peer's channel is.

        Raises:
            ConfigError: there is no such peer.
        """
        peer = self._trust().regions.get(region)
        if peer is None or not peer.channel or region == self._config.region.name:
            raise ConfigError(f"no channel to region {region} is known", remedy="run `sovctl up`")
        return peer.channel

    def send(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.outbound.send(Path(str(body["directory"])), str(body["destination"]), str(body["purpose"]))
        return {}

    def receive(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        found = self.inbound.wait(body)
        return {"directory": str(found) if found else ""}

    def reserve(self, plan: PrivacyPlan, actor: str) -> PrivacySpent:
        return self.account.reserve(plan, actor)

    def spent(self) -> tuple[PrivacySpent, ...]:
        return tuple(self.account.spent(data.name) for data in self._config.datasets)

    def close(self) -> None:
        self.outbound.close()
