"""Model directories built with onnx, signed and approved for real, and a KServe server to serve them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sovplatform.approvals import generate_key, sign_release
from sovplatform.artifacts import seal
from sovplatform.backends.kserve import KServeServer
from sovplatform.labels import PUBLIC
from sovplatform.pilot import Approver, CategoryFeature, NumberFeature, Target, TaskSpec
from sovplatform.records import EndpointStatus, KeyPurpose, Kind, Release, ServedModel, ServingState, now
from sovplatform.signing import sign_model
from sovplatform.testing.memory import MemoryKeyStore

FEATURES = (
    NumberFeature(name="amount", type="number", min=0, max=1000),
    NumberFeature(name="age", type="number", min=18, max=99),
    CategoryFeature(name="home", type="category", values=("rent", "owner")),
)
TASK = TaskSpec(name="credit", target=Target(column="status", positive="bad"), features=FEATURES)


def write_model(directory: Path, bias: float, broken: bool = False) -> None:
    """Sigmoid of bias + amount / 1000 (0 when missing) + 1 for people who rent; `broken` has no such output."""
    from onnx import TensorProto, checker, helper, save

    constants = {"bias": bias, "thousand": 1000.0, "zero": 0.0, "nought": 0.0}
    nodes = [
        *(
            helper.make_node("Constant", [], [name], value=helper.make_tensor(name, TensorProto.FLOAT, [1], [value]))
            for name, value in constants.items()
        ),
        helper.make_node("Constant", [], ["rent"], value=helper.make_tensor("rent", TensorProto.STRING, [1], [b"rent"])),
        helper.make_node("IsNaN", ["amount"], ["missing"]),
        helper.make_node("Where", ["missing", "zero", "amount"], ["known"]),
        helper.make_node("Div", ["known", "thousand"], ["scaled"]),
        helper.make_node("IsNaN", ["age"], ["ageless"]),
        helper.make_node("Where", ["ageless", "nought", "nought"], ["ignored"]),
        helper.make_node("Equal", ["home", "rent"], ["rents"]),
        helper.make_node("Cast", ["rents"], ["renting"], to=TensorProto.FLOAT),
        helper.make_node("Sum", ["scaled", "renting", "bias", "ignored"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["score" if broken else "probability"]),
    ]
    inputs = [
        helper.make_tensor_value_info("amount", TensorProto.FLOAT, ["N", 1]),
        helper.make_tensor_value_info("age", TensorProto.FLOAT, ["N", 1]),
        helper.make_tensor_value_info("home", TensorProto.STRING, ["N", 1]),
    ]
    output = helper.make_tensor_value_info("score" if broken else "probability", TensorProto.FLOAT, ["N", 1])
    graph = helper.make_graph(nodes, "credit", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    checker.check_model(model)
    directory.mkdir(parents=True)
    save(model, str(directory / "model.onnx"))
    (directory / "task.json").write_bytes(TASK.canonical())


@dataclass
class Workshop:
    """Makes releases that are in order; tests then break them."""

    root: Path
    keystore: MemoryKeyStore = field(default_factory=lambda: MemoryKeyStore("de", "DE"))
    people: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keystore.create("models", KeyPurpose.sign)
        self.people = {name: generate_key(self.root / "keys" / name, name) for name in ("anna", "otto")}

    @property
    def key(self) -> str:
        return self.keystore.facts("models").public_keys["1"]

    def release(self, version: int, bias: float = 0.0, broken: bool = False) -> ServedModel:
        directory = self.root / f"models-{version}"
        write_model(directory, bias, broken)
        artifact = seal(directory, kind=Kind.model, name="credit", label=PUBLIC, producer="spiffe://de.demo.sov/job/release")
        return self.sign(directory, version, artifact.digest)

    def sign(self, directory: Path, version: int, artifact: str) -> ServedModel:
        bundle = self.root / f"bundle-{version}.json"
        bundle.write_text(sign_model(directory, self.keystore, "models"))
        release = Release(
            id=f"credit-{version}",
            region="de",
            model="credit",
            version=version,
            artifact=artifact,
            proposer="paul",
            proposed_at=now(),
            canary_percent=20,
        )
        return self.approve(ServedModel(release=release, directory=str(directory), signature=str(bundle), key=self.key))

    def approve(self, served: ServedModel, by: str = "anna", ttl_hours: float = 1) -> ServedModel:
        approver = Approver(name=by, key=self.people[by])
        approval = sign_release(served.release, approver, self.root / "keys" / by, ttl_hours)
        return served.model_copy(update={"approvals": (approval,)})

    def state(self, stable: ServedModel | None, canary: ServedModel | None = None, percent: int = 0) -> ServingState:
        return ServingState(name="credit", stable=stable, canary=canary, percent=percent, approvers=self.people)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KServeServer]:
    server = KServeServer(tmp_path / "serving")
    yield server
    server.stop_all()


Until = Callable[[Callable[[], object]], object]


@pytest.fixture
def until() -> Until:
    """Wait, at most half a minute, for a condition, and return its truth."""

    def wait(holds: Callable[[], object]) -> object:
        deadline, pause = time.monotonic() + 30, threading.Event()
        while not (found := holds()):
            assert time.monotonic() < deadline, "waited in vain"
            pause.wait(0.01)
        return found

    return wait


@pytest.fixture
def settle(until: Until) -> Callable[[KServeServer, ServingState], EndpointStatus]:
    """Apply a state, and return the status once a process that runs has acted on it."""

    def apply(server: KServeServer, state: ServingState) -> EndpointStatus:
        server.apply(state)
        wanted = ServingState.from_json((server.home / state.name / "state.json").read_bytes()).generation

        def settled() -> object:
            status = server.status(state.name)
            return status.observed == wanted and (status.ready or status.refused) and status

        found = until(settled)
        assert isinstance(found, EndpointStatus)
        return found

    return apply
