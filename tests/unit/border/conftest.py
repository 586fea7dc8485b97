"""Two regions with real keys, real ledgers and the built-in rules: `de` (sovereign) and `us` (global)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from sovplatform import artifacts
from sovplatform.border.acceptance import Acceptance
from sovplatform.border.gate import Gate
from sovplatform.border.inspection import Inspector
from sovplatform.border.privacy import PrivacyAccount
from sovplatform.labels import Label, Sensitivity
from sovplatform.ledger import Ledger
from sovplatform.pilot import Approver, BorderSpec, DatasetSpec, ExportRule, PrivacyBudget, RegionConfig
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import (
    Artifact,
    Crossing,
    KeyPurpose,
    Kind,
    PrivacyEvidence,
    PrivacyPlan,
    RegionSpec,
    RegionTrust,
    Role,
    ShapeContract,
    SignedDecision,
    TensorSpec,
    Trust,
    now,
)
from sovplatform.testing.memory import MemoryKeyStore

RAW = Label(residency=("DE",), sensitivity=Sensitivity.restricted)
FREE = Label(residency=("*",), sensitivity=Sensitivity.internal)
PEER = "spiffe://de.demo.sov/border"
REGIONS = (
    RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider="memory"),
    RegionSpec(name="fr", jurisdiction="FR", role=Role.sovereign, provider="memory"),
    RegionSpec(name="us", jurisdiction="US", role=Role.global_, provider="memory"),
)
CONTRACT = ShapeContract(
    task="credit", tensors={"w": TensorSpec(dtype="F32", shape=(20,)), "b": TensorSpec(dtype="F32", shape=(1,))}
)
STATISTICS = ShapeContract(task="credit", tensors={"h": TensorSpec(dtype="F32", shape=(2, 10))})
PLAN = PrivacyPlan(
    reservation="run/credit-de/train",
    dataset="credit-de",
    partition="train",
    clip_norm=1.0,
    noise_multiplier=8.0,
    sampling_rate=1.0,
    steps=4,
    delta=1e-5,
)
WEIGHTS: dict[str, np.ndarray] = {"w": np.ones(20, np.float32), "b": np.zeros(1, np.float32)}


def _rule(kind: str, source: Role, destination: Role, max_bytes: int = 4 << 20, *, privacy: bool = False) -> ExportRule:
    return ExportRule(kind=kind, source=source, destination=destination, max_bytes=max_bytes, privacy=privacy)


ALLOW = (
    _rule("update", Role.sovereign, Role.global_, privacy=True),
    _rule("statistics", Role.sovereign, Role.global_, 1 << 20, privacy=True),
    _rule("model", Role.global_, Role.sovereign, 64 << 20),
    _rule("model", Role.sovereign, Role.global_, 64 << 20),
    _rule("report", Role.sovereign, Role.global_, 1 << 20),
    _rule("dataset", Role.sovereign, Role.global_, 1 << 30),
)


def region_config(name: str, **changes: Any) -> RegionConfig:
    spec = next(spec for spec in REGIONS if spec.name == name)
    person = Approver(name="ann", key="ssh-ed25519 AAAA ann")
    data = DatasetSpec(
        name=f"credit-{name}", region=name, source="file:x.csv", label=RAW, budget=PrivacyBudget(epsilon=4.0, delta=1e-5)
    )
    fields: dict[str, Any] = {
        "pilot": "demo",
        "region": spec,
        "peers": tuple(peer for peer in REGIONS if peer.name != name),
        "contract": CONTRACT,
        "statistics": STATISTICS,
        "datasets": (data,) if spec.role is Role.sovereign else (),
        "border": BorderSpec(allow=ALLOW),
        "approvers": (person,),
        "proposer": person,
    }
    return RegionConfig(**{**fields, **changes})


@dataclass
class World:
    """What the tests act on. `at` is the time on every region's clock."""

    root: Path
    policy: PolicyEngine
    ledgers: dict[str, Ledger]
    keystores: dict[str, MemoryKeyStore]
    trust: Trust
    at: datetime = field(default_factory=now)
    made: int = 0

    def clock(self) -> datetime:
        return self.at

    def gate(
        self, name: str = "de", *, inspectors: Sequence[Inspector] = (), policy: PolicyEngine | None = None, **changes: Any
    ) -> Gate:
        return Gate(
            region_config(name, **changes),
            lambda: self.trust,
            ledger=self.ledgers[name],
            keystore=self.keystores[name],
            policy=policy or self.policy,
            inspectors=inspectors,
            clock=self.clock,
        )

    def acceptance(self, name: str = "us", *, policy: PolicyEngine | None = None, **changes: Any) -> Acceptance:
        return Acceptance(
            region_config(name, **changes),
            lambda: self.trust,
            ledger=self.ledgers[name],
            policy=policy or self.policy,
            clock=self.clock,
        )

    def account(self, name: str = "de", **changes: Any) -> PrivacyAccount:
        return PrivacyAccount(region_config(name, **changes), self.ledgers[name])

    def events(self, event: str, name: str = "de") -> list[Mapping[str, Any]]:
        return [entry.details for entry in self.ledgers[name].entries(event=event)]

    def folder(self) -> Path:
        self.made += 1
        folder = self.root / f"artifact-{self.made}"
        folder.mkdir()
        return folder

    def tensors(self, tensors: Mapping[str, np.ndarray] = WEIGHTS) -> Path:
        folder = self.folder()
        save_file(dict(tensors), folder / "tensors.safetensors")
        return folder

    def seal(self, folder: Path, kind: Kind = Kind.update, *, source: str = "de", **changes: Any) -> Artifact:
        fields: dict[str, Any] = {
            "name": "credit-de",
            "label": FREE,
            "producer": f"spiffe://{source}.demo.sov/job/train",
            "task": "credit",
            "run": "run-1",
            "round": 0,
        }
        return artifacts.seal(folder, kind=kind, **{**fields, **changes})

    def crossing(self, artifact: Artifact, source: str = "de", destination: str = "us", purpose: str = "training") -> Crossing:
        signature = self.keystores[source].sign("artifacts", artifact.digest.encode())
        return Crossing(artifact=artifact, signature=signature, source=source, destination=destination, purpose=purpose)

    def reserve(self, plan: PrivacyPlan = PLAN) -> None:
        self.account().reserve(plan, "spiffe://de.demo.sov/job/train")

    def update(self, tensors: Mapping[str, np.ndarray] = WEIGHTS, step: int = 0, **changes: Any) -> tuple[Crossing, Path]:
        """A good update: signed, in shape, with evidence of a reserved step."""
        folder = self.tensors(tensors)
        return self.crossing(self.seal(folder, **{"privacy": evidence(step), **changes})), folder

    def allowed_update(self, **changes: Any) -> tuple[SignedDecision, Crossing, Path]:
        self.reserve()
        crossing, folder = self.update(**changes)
        signed = self.gate().decide(crossing, folder)
        assert signed.decision.allow, signed.decision.reasons
        return signed, crossing, folder

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def evidence(step: int = 0, **changes: Any) -> PrivacyEvidence:
    fields = PLAN.model_dump(exclude={"steps", "delta"})
    return PrivacyEvidence(**{**fields, "step": step, **changes})


@pytest.fixture(scope="session")
def policy() -> PolicyEngine:
    return PolicyEngine()


@pytest.fixture
def world(tmp_path: Path, policy: PolicyEngine) -> Iterator[World]:
    keystores, regions = {}, {}
    for spec in REGIONS:
        keystore = keystores[spec.name] = MemoryKeyStore(spec.name, spec.jurisdiction)
        keys = {name: keystore.create(name, KeyPurpose.sign).public_keys["1"] for name in ("decisions", "artifacts")}
        regions[spec.name] = RegionTrust(
            region=spec.name,
            jurisdiction=spec.jurisdiction,
            role=spec.role,
            trust_domain=f"{spec.name}.demo.sov",
            bundle="",
            keys=keys,
        )
    ledgers = {spec.name: Ledger.open(tmp_path / f"{spec.name}.db", f"{spec.name}.demo.sov/ledger") for spec in REGIONS}
    yield World(tmp_path, policy, ledgers, keystores, Trust(pilot="demo", regions=regions))
    for ledger in ledgers.values():
        ledger.close()
