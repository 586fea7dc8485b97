"""The gate's bars: an update of 1 MB with all core checks, and a model of 1 GB against hashing it once."""

from __future__ import annotations

import hashlib
import statistics
import struct
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from sovplatform import artifacts
from sovplatform.border.gate import Gate
from sovplatform.border.privacy import PrivacyAccount
from sovplatform.errors import SovError
from sovplatform.interfaces import KeyStore
from sovplatform.labels import Label, Sensitivity
from sovplatform.ledger import Ledger
from sovplatform.pilot import Approver, BorderSpec, DatasetSpec, ExportRule, PrivacyBudget, RegionConfig
from sovplatform.policy.engine import PolicyEngine
from sovplatform.records import (
    Crossing,
    KeyPurpose,
    Kind,
    PrivacyEvidence,
    PrivacyPlan,
    RegionSpec,
    RegionTrust,
    Role,
    ShapeContract,
    TensorSpec,
    Trust,
)
from sovplatform.testing.memory import MemoryKeyStore

REGIONS = (
    RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider="onprem"),
    RegionSpec(name="us", jurisdiction="US", role=Role.global_, provider="onprem"),
)
FREE = Label(residency=("*",), sensitivity=Sensitivity.internal)
RAW = Label(residency=("DE",), sensitivity=Sensitivity.restricted)
PLAN = PrivacyPlan(
    reservation="bench/train",
    dataset="bench",
    partition="train",
    clip_norm=1.0,
    noise_multiplier=50.0,
    sampling_rate=1.0,
    steps=200,
    delta=1e-5,
)
UPDATES = 41


def main(model_bytes: int = 1 << 30) -> list[dict[str, Any]]:
    """Measure, print one line for each bar, and return the results."""
    with tempfile.TemporaryDirectory(prefix="sov-bench-") as scratch:
        home = Path(scratch)
        policy = PolicyEngine()
        results = [_update(home / "update", policy), _model(home / "model", policy, model_bytes)]
    for result in results:
        verdict = "ok" if result["ok"] else "MISSED"
        print(f"{result['name']}  {result['value']:.3g}{result['unit']}  bar ≤ {result['bar']}{result['unit']}  {verdict}")
    return results


def _result(name: str, value: float, unit: str, bar: float) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "bar": bar, "ok": value <= bar}


class _Border:
    """One region's gate with everything it needs. `signer` holds the key of its decisions."""

    def __init__(self, home: Path, policy: PolicyEngine, signer: KeyStore, own: RegionSpec, numbers: int) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.own = own
        self.producer = MemoryKeyStore(own.name, own.jurisdiction)
        contract = ShapeContract(task="bench", tensors={"w": TensorSpec(dtype="F32", shape=(numbers,))})
        self.config = _config(own, contract)
        signer.create("decisions", KeyPurpose.sign)
        keys = {
            "artifacts": next(iter(self.producer.create("artifacts", KeyPurpose.sign).public_keys.values())),
            "decisions": next(iter(signer.facts("decisions").public_keys.values())),
        }
        trust = Trust(pilot="bench", regions={spec.name: _trust(spec, keys) for spec in REGIONS})
        self.ledger = Ledger.open(home / "ledger.db", f"{own.name}.bench.sov/ledger")
        self.gate = Gate(self.config, lambda: trust, ledger=self.ledger, keystore=signer, policy=policy)

    def crossing(self, folder: Path, kind: Kind, step: int | None = None) -> Crossing:
        evidence = None
        if step is not None:
            evidence = PrivacyEvidence(**PLAN.model_dump(exclude={"steps", "delta"}), step=step)
        producer = f"spiffe://{self.own.name}.bench.sov/job/train"
        artifact = artifacts.seal(folder, kind=kind, name="bench", label=FREE, producer=producer, task="bench", privacy=evidence)
        destination = next(spec.name for spec in REGIONS if spec != self.own)
        signature = self.producer.sign("artifacts", artifact.digest.encode())
        return Crossing(artifact=artifact, signature=signature, source=self.own.name, destination=destination, purpose="training")

    def decide(self, crossing: Crossing, folder: Path) -> float:
        """Seconds that an allowing decision takes."""
        started = time.perf_counter()
        signed = self.gate.decide(crossing, folder)
        seconds = time.perf_counter() - started
        if not signed.decision.allow:
            raise RuntimeError(f"the gate denied the benchmark's artifact: {signed.decision.reasons}")
        return seconds


def _config(own: RegionSpec, contract: ShapeContract) -> RegionConfig:
    person = Approver(name="ann", key="ssh-ed25519 AAAA ann")
    budget = PrivacyBudget(epsilon=8.0, delta=1e-5)
    data = DatasetSpec(name="bench", region=own.name, source="file:bench.csv", label=RAW, budget=budget)
    rules = (
        ExportRule(kind="update", source=Role.sovereign, destination=Role.global_, max_bytes=4 << 20, privacy=True),
        ExportRule(kind="model", source=Role.global_, destination=Role.sovereign, max_bytes=4 << 30),
    )
    return RegionConfig(
        pilot="bench",
        region=own,
        peers=tuple(spec for spec in REGIONS if spec != own),
        contract=contract,
        datasets=(data,) if own.role is Role.sovereign else (),
        border=BorderSpec(allow=rules),
        approvers=(person,),
        proposer=person,
    )


def _trust(spec: RegionSpec, keys: dict[str, str]) -> RegionTrust:
    domain = f"{spec.name}.bench.sov"
    return RegionTrust(
        region=spec.name, jurisdiction=spec.jurisdiction, role=spec.role, trust_domain=domain, bundle="", keys=keys
    )


def _update(home: Path, policy: PolicyEngine) -> dict[str, Any]:
    """Median over many updates of 1 MB, each one a step of a reserved plan; decisions signed by OpenBao where it can be had."""
    home.mkdir(parents=True)
    server, signer, where = _signer(home / "openbao")
    try:
        numbers = (1 << 20) // 4
        border = _Border(home / "de", policy, signer, REGIONS[0], numbers)
        PrivacyAccount(border.config, border.ledger).reserve(PLAN, "bench")
        generator, times = np.random.default_rng(1), []
        for step in range(UPDATES):
            folder = home / f"update-{step}"
            folder.mkdir()
            save_file({"w": generator.standard_normal(numbers, dtype=np.float32)}, folder / "tensors.safetensors")
            times.append(border.decide(border.crossing(folder, Kind.update, step), folder))
        border.ledger.close()
    finally:
        if server is not None:
            server.stop()
    return _result(f"gate.update_1mb (signed by {where})", statistics.median(times[1:]) * 1000, " ms", 20)


def _model(home: Path, policy: PolicyEngine, size: int, rounds: int = 3) -> dict[str, Any]:
    """Deciding on a large model over hashing it, the two taken in turns."""
    numbers = size // 4
    border = _Border(home, policy, MemoryKeyStore("us", "US"), REGIONS[1], numbers)
    folder = home / "artifact"
    folder.mkdir()
    path = folder / "tensors.safetensors"
    _write_model(path, numbers)
    crossing = border.crossing(folder, Kind.model)
    hashing, deciding = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")
        hashing.append(time.perf_counter() - started)
        deciding.append(border.decide(crossing, folder))
    border.ledger.close()
    return _result("gate.model_1gb", min(deciding) / min(hashing), " of hashing once", 1.3)


def _write_model(path: Path, numbers: int) -> None:
    """One tensor, written in pieces so that it need not fit into memory."""
    header = f'{{"w":{{"dtype":"F32","shape":[{numbers}],"data_offsets":[0,{4 * numbers}]}}}}'.encode()
    header += b" " * (-len(header) % 8)
    piece = np.random.default_rng(2).standard_normal(1 << 20, dtype=np.float32).tobytes()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        left = 4 * numbers
        while left:
            left -= file.write(piece[: min(left, len(piece))])


def _signer(home: Path) -> tuple[Any, KeyStore, str]:
    """A KeyStore on a real OpenBao, with the border's own rights; where there is none, keys in memory."""
    from sovplatform.backends.openbao import OpenBaoServer
    from sovplatform.backends.openbao_config import AUDIENCE
    from sovplatform.backends.spiffe.issuer import Issuer
    from sovplatform.backends.vault import VaultKeyStore
    from sovplatform.backends.vault_api import VaultApi
    from sovplatform.backends.vault_login import AppRoleLogin, JwtLogin
    from sovplatform.backends.vault_region import VaultRegion, role_of, trust_domain

    server = OpenBaoServer(home)
    try:
        server.start()
    except SovError as err:
        print(f"gate: no OpenBao ({err.message}); keys are in memory")
        return None, MemoryKeyStore("de", "DE"), "keys in memory"
    address = server.address()
    region = VaultRegion(address, "de", server.operator())
    region.provision(REGIONS[0], "bench")
    region.admit_workload_api(home / "workload-api.login")
    login = AppRoleLogin.from_file(address, namespace="de", file=home / "workload-api.login")
    issuer = Issuer(VaultApi(address, namespace="de", token=login), trust_domain("de", "bench"))
    token = JwtLogin(address, namespace="de", role=role_of("/border"), jwt=partial(issuer.jwt, "/border", [AUDIENCE]))
    keystore = VaultKeyStore(address.url, namespace="de", region="de", jurisdiction="DE", token=token, ca_file=address.ca_file)
    return server, keystore, "OpenBao"


if __name__ == "__main__":
    main()
