"""What every Server must do."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from sovplatform.approvals import generate_key, sign_release
from sovplatform.artifacts import seal
from sovplatform.errors import ConfigError, Denied, NotFound, Unavailable, Unsupported
from sovplatform.interfaces import KeyStore, Server
from sovplatform.labels import PUBLIC
from sovplatform.pilot import Approver, NumberFeature, Target, TaskSpec
from sovplatform.records import EndpointStatus, KeyPurpose, Kind, Release, ServedModel, ServingState, now
from sovplatform.signing import sign_model
from sovplatform.testing.conformance.waiting import missing, until
from sovplatform.testing.memory.keystore import MemoryKeyStore

TASK = TaskSpec(
    name="conformance",
    target=Target(column="y", positive="1"),
    features=(NumberFeature(type="number", name="a", min=0, max=1), NumberFeature(type="number", name="b", min=0, max=1)),
)


class Signing(NamedTuple):
    """The key that the server believes: a KeyStore and the name of a key that may sign models."""

    keystore: KeyStore
    key: str


class Approving(NamedTuple):
    """The approver that the server believes, and the file of their private SSH key."""

    approver: Approver
    file: Path


Serve = Callable[..., ServedModel]


class ServerConformance:
    """Must override: the fixture `server` (any scope; endpoints of random names are made in it).

    May override: `signing` and `approving`, for a server that believes its region's own key and approvers only;
    `model_directory`, for one that serves other models, with `instances` that fit it; the method `deliver`, for one that looks
    for models in a place of its own; `region`, the region's name;
    `seconds`, how long a model may take until it answers; `full_rights = False` when the identity under test may be denied
    signing models: what needs a signature is then skipped.
    """

    region = "conformance"
    seconds = 60.0
    full_rights = True

    @pytest.fixture
    def server(self) -> Server:
        raise missing("server")

    @pytest.fixture
    def signing(self) -> Signing:
        keystore = MemoryKeyStore(self.region, "DE")
        keystore.create("models", KeyPurpose.sign)
        return Signing(keystore, "models")

    @pytest.fixture
    def approving(self, tmp_path: Path) -> Approving:
        line = generate_key(tmp_path / "approver", "conformance")
        return Approving(Approver(name="conformance-approver", key=line), tmp_path / "approver")

    @pytest.fixture
    def model_directory(self, tmp_path: Path) -> Callable[[str], Path]:
        """Makes a model's directory; no two models have the same bytes."""
        from sovplatform.tasks.loading import load_task

        task = load_task(TASK)

        def make(name: str) -> Path:
            directory = tmp_path / name
            directory.mkdir()
            shift = uuid.uuid4().int / 2**128
            task.export({key: (value + shift).astype("float32") for key, value in task.initial().items()}, directory)
            return directory

        return make

    @pytest.fixture
    def instances(self) -> Sequence[object]:
        return [{"a": 0.25, "b": 0.5}, {"a": 1.0, "b": 0.0}]

    def deliver(self, model: ServedModel) -> ServedModel:
        """Bring a model's files and signature to where the server looks for them, and say where that is."""
        return model

    @pytest.fixture
    def serve(self, model_directory: Callable[[str], Path], signing: Signing, approving: Approving, tmp_path: Path) -> Serve:
        """Makes a model that is signed and approved; `signed` and `approved` leave one of the two out."""

        def make(name: str, *, signed: bool = True, approved: bool = True) -> ServedModel:
            directory, bundle = model_directory(name), tmp_path / f"{name}.sigstore.json"
            artifact = seal(directory, kind=Kind.model, name=name, label=PUBLIC, producer="spiffe://conformance/job/release")
            try:
                bundle.write_text(sign_model(directory, signing.keystore, signing.key) if signed else "{}")
                facts = signing.keystore.facts(signing.key)
            except (Denied, NotFound) as err:
                if self.full_rights:
                    raise
                pytest.skip(f"this identity may not sign models: {err.message}")
            release = Release(
                id=f"{name}-{uuid.uuid4().hex[:8]}",
                region=self.region,
                model="conformance",
                version=1,
                artifact=artifact.digest,
                proposer="conformance-proposer",
                proposed_at=now(),
                canary_percent=0,
            )
            model = ServedModel(
                release=release,
                directory=str(directory),
                signature=str(bundle),
                key=facts.public_keys[str(facts.version)],
                approvals=(sign_release(release, approving.approver, approving.file, 1),) if approved else (),
            )
            return self.deliver(model)

        return make

    @pytest.fixture
    def endpoint(self, server: Server, approving: Approving) -> Iterator[_Endpoint]:
        """An endpoint of a new name, which is removed afterwards."""
        endpoint = _Endpoint(server, {approving.approver.name: approving.approver.key}, self.seconds)
        yield endpoint
        server.remove(endpoint.name)

    def test_a_signed_and_approved_model_is_served(self, endpoint: _Endpoint, serve: Serve, instances: Sequence[object]) -> None:
        model = serve("good")
        status = endpoint.show(stable=model)
        answer = endpoint.server.predict(endpoint.name, {"instances": list(instances)})
        assert (status.name, status.stable, status.canary, status.refused) == (endpoint.name, model.release.id, "", "")
        assert status.url
        predictions = answer["predictions"]
        assert isinstance(predictions, list)
        assert len(predictions) == len(instances)

    def test_a_model_without_a_signature_is_refused(self, endpoint: _Endpoint, serve: Serve) -> None:
        assert endpoint.refuse(stable=serve("unsigned", signed=False)).ready is False

    def test_a_model_changed_after_it_was_signed_is_refused(self, endpoint: _Endpoint, serve: Serve) -> None:
        model = serve("changed")
        with (Path(model.directory) / "model.onnx").open("ab") as file:
            file.write(b"\0")
        assert endpoint.refuse(stable=model).ready is False

    def test_a_model_that_nobody_approved_is_refused(self, endpoint: _Endpoint, serve: Serve) -> None:
        assert endpoint.refuse(stable=serve("unapproved", approved=False)).ready is False

    def test_a_refused_model_does_not_answer(self, endpoint: _Endpoint, serve: Serve, instances: Sequence[object]) -> None:
        endpoint.refuse(stable=serve("unapproved", approved=False))
        with pytest.raises(Unavailable):
            endpoint.server.predict(endpoint.name, {"instances": list(instances)})

    def test_a_bad_release_leaves_the_last_good_model_serving(
        self, endpoint: _Endpoint, serve: Serve, instances: Sequence[object]
    ) -> None:
        good = serve("good")
        endpoint.show(stable=good)
        before = endpoint.server.predict(endpoint.name, {"instances": list(instances)})["predictions"]
        status = endpoint.refuse(stable=serve("bad", signed=False))
        assert status.ready
        assert status.stable == good.release.id
        assert endpoint.server.predict(endpoint.name, {"instances": list(instances)})["predictions"] == before

    def test_applying_a_state_twice_has_no_second_effect(self, endpoint: _Endpoint, serve: Serve) -> None:
        first = endpoint.show(stable=serve("good"))
        endpoint.server.apply(endpoint.state)
        assert endpoint.settled() == first

    def test_a_canary_is_shown_promoted_and_rolled_back_or_unsupported(
        self, endpoint: _Endpoint, serve: Serve, instances: Sequence[object]
    ) -> None:
        old, new = serve("old"), serve("new")
        endpoint.show(stable=old)
        try:
            status = endpoint.show(stable=old, canary=new, percent=50)
        except Unsupported as err:
            assert err.reason
            return
        assert (status.stable, status.canary, status.percent) == (old.release.id, new.release.id, 50)
        for _ in range(10):
            assert endpoint.server.predict(endpoint.name, {"instances": list(instances)})["predictions"]
        promoted = endpoint.show(stable=new)
        assert (promoted.stable, promoted.canary, promoted.percent) == (new.release.id, "", 0)
        assert endpoint.show(stable=old).stable == old.release.id

    def test_instances_that_do_not_fit_are_the_callers_mistake(self, endpoint: _Endpoint, serve: Serve) -> None:
        endpoint.show(stable=serve("good"))
        for payload in ({}, {"instances": "text"}, {"instances": [{"no_such_column": 1}]}):
            with pytest.raises(ConfigError):
                endpoint.server.predict(endpoint.name, payload)

    def test_metrics_are_prometheus_text(self, endpoint: _Endpoint, serve: Serve, instances: Sequence[object]) -> None:
        endpoint.show(stable=serve("good"))
        endpoint.server.predict(endpoint.name, {"instances": list(instances)})
        lines = endpoint.server.metrics(endpoint.name).splitlines()
        assert any(line.startswith("# TYPE ") for line in lines)
        assert all(line.rpartition(" ")[2] for line in lines if line and not line.startswith("#"))

    def test_an_endpoint_that_is_removed_is_gone(self, endpoint: _Endpoint, serve: Serve) -> None:
        endpoint.show(stable=serve("good"))
        endpoint.server.remove(endpoint.name)
        with pytest.raises(NotFound):
            endpoint.server.status(endpoint.name)

    def test_an_endpoint_that_is_not_there_is_not_found_and_removing_it_is_no_error(self, server: Server) -> None:
        with pytest.raises(NotFound):
            server.status("conformance-none")
        with pytest.raises(NotFound):
            server.predict("conformance-none", {"instances": [{}]})
        with pytest.raises(NotFound):
            server.metrics("conformance-none")
        server.remove("conformance-none")


class _Endpoint:
    """One endpoint of a server under test: applies states of rising generation, and waits until they were acted on."""

    def __init__(self, server: Server, approvers: dict[str, str], seconds: float) -> None:
        self.server = server
        self.name = f"conformance-{uuid.uuid4().hex[:8]}"
        self.seconds = seconds
        self.state = ServingState(name=self.name, approvers=approvers)

    def show(self, **slots: object) -> EndpointStatus:
        """Apply a state that must come to be served."""
        status = self._apply(slots)
        assert status.ready, status.refused
        assert not status.refused
        return status

    def refuse(self, **slots: object) -> EndpointStatus:
        """Apply a state that must be refused, with a reason."""
        status = self._apply(slots)
        assert status.refused, "it was not refused"
        return status

    def settled(self) -> EndpointStatus:
        """The status once the newest state was acted on."""

        def acted_on() -> bool:
            status = self.server.status(self.name)
            return status.observed == self.state.generation and (status.ready or bool(status.refused))

        until(acted_on, self.seconds, f"acting on generation {self.state.generation}")
        return self.server.status(self.name)

    def _apply(self, slots: dict[str, object]) -> EndpointStatus:
        fresh = {"stable": None, "canary": None, "percent": 0, "generation": self.state.generation + 1}
        self.state = self.state.model_copy(update={**fresh, **slots})
        self.server.apply(self.state)
        return self.settled()
