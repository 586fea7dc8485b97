"""What the runtime refuses to load, by its reconciler in this process: the same code, without HTTP."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sovplatform.approvals import generate_key
from sovplatform.artifacts import load
from sovplatform.backends.kserve import ServingTrust
from sovplatform.backends.kserve.endpoint import Endpoint
from sovplatform.backends.kserve.reconciler import Reconciler
from sovplatform.records import KeyPurpose, now


class Window:
    """Shows what the reconciler would have served."""

    def __init__(self):
        self.stable = self.canary = None
        self.percent = 0

    def show(self, stable, canary, percent):
        self.stable, self.canary, self.percent = stable, canary, percent

    @property
    def releases(self):
        return tuple(model.release if model else "" for model in (self.stable, self.canary))


class Runtime:
    def __init__(self, home: Path):
        self.endpoint = Endpoint(home / "credit")
        self.endpoint.private.mkdir(parents=True)
        self.window = Window()
        self.reconciler = Reconciler(self.endpoint, self.window)
        self.generation = 0

    def apply(self, state):
        self.generation += 1
        self.endpoint.write_state(state.model_copy(update={"generation": self.generation}))
        self.reconciler.reconcile()
        return self.endpoint.status()

    def restart(self):
        self.window = Window()
        self.reconciler = Reconciler(self.endpoint, self.window)
        self.reconciler.reconcile()
        return self.endpoint.status()


@pytest.fixture
def runtime(tmp_path):
    return Runtime(tmp_path / "serving")


@pytest.fixture
def serving(runtime, workshop):
    """A runtime that serves release 1."""
    status = runtime.apply(workshop.state(workshop.release(1)))
    assert (status.stable, status.refused) == ("credit-1", "")
    return runtime


def changed_byte(workshop, served):
    path = Path(served.directory) / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    return served


def hidden_file(workshop, served):
    (Path(served.directory) / ".git").mkdir()
    (Path(served.directory) / ".git" / "model.onnx").write_text("x")
    return served


def linked_file(workshop, served):
    (Path(served.directory) / "weights").symlink_to("/etc/hostname")
    return served


def no_signature(workshop, served):
    Path(served.signature).unlink()
    return served


def anothers_key(workshop, served):
    workshop.keystore.rotate("models")
    return served.model_copy(update={"key": workshop.keystore.facts("models").public_keys["2"]})


def no_approval(workshop, served):
    return served.model_copy(update={"approvals": ()})


def expired_approval(workshop, served):
    return workshop.approve(served, ttl_hours=-1)


def anothers_approval(workshop, served):
    other = workshop.approve(served.model_copy(update={"release": served.release.model_copy(update={"id": "other"})}))
    return served.model_copy(update={"approvals": other.approvals})


def own_approval(workshop, served):
    release = served.release.model_copy(update={"proposer": "anna"})
    return served.model_copy(update={"release": release})


def another_artifact(workshop, served):
    return workshop.sign(Path(served.directory), 2, "sha256:" + "0" * 64)


def no_directory(workshop, served):
    shutil.rmtree(served.directory)
    return served


def no_onnx(workshop, served):
    directory = Path(served.directory)
    (directory / "model.onnx").write_bytes(b"not a model")
    return reseal(workshop, directory)


def another_task(workshop, served):
    directory = Path(served.directory)
    task = (directory / "task.json").read_text().replace('"age"', '"income"')
    (directory / "task.json").write_text(task)
    return reseal(workshop, directory)


def reseal(workshop, directory):
    from sovplatform.artifacts import seal

    old, _ = load(directory)
    artifact = seal(directory, kind=old.kind, name=old.name, label=old.label, producer=old.producer)
    return workshop.sign(directory, 2, artifact.digest)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (changed_byte, "differs: model.onnx"),
        (hidden_file, "differs: .git/model.onnx"),
        (linked_file, "not a plain file"),
        (no_signature, "no signature"),
        (anothers_key, "another key"),
        (no_approval, "0 of 1 approvals"),
        (expired_approval, "expired"),
        (anothers_approval, "covers something else"),
        (own_approval, "of their own"),
        (another_artifact, "not the released artifact"),
        (no_directory, "cannot be read"),
        (no_onnx, "cannot be loaded"),
        (another_task, "does not fit its task: age, income"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_release_is_refused_and_the_good_one_stays(serving, workshop, harm, reason):
    bad = harm(workshop, workshop.release(2))
    one = serving.endpoint.state().stable
    for state in (workshop.state(bad), workshop.state(one, bad, 20)):
        status = serving.apply(state)
        assert reason in status.refused
        assert "\n" not in status.refused
        assert (status.ready, status.stable, status.canary, status.percent) == (True, "credit-1", "", 0)
        assert status.observed == serving.generation
        assert serving.window.releases == ("credit-1", "")
    assert len(list(serving.endpoint.private.iterdir())) == 1, "copies of refused models are removed"


def test_a_model_that_does_not_answer_is_refused(serving, workshop):
    assert "does not answer" in serving.apply(workshop.state(workshop.release(2, broken=True))).refused


def test_what_is_verified_is_what_is_loaded(serving, workshop):
    """The copy is served, so that changing the directory afterwards changes nothing, whenever that happens."""
    two = workshop.release(2)
    assert serving.apply(workshop.state(two)).refused == ""
    assert not serving.window.stable.admitted.directory.is_relative_to(two.directory)
    changed_byte(workshop, two)
    assert serving.apply(workshop.state(two, percent=1)).refused == "", "it is loaded already, and not read again"


def test_promotion_loads_nothing_anew(serving, workshop):
    one, two = serving.endpoint.state().stable, workshop.release(2)
    serving.apply(workshop.state(one, two, 20))
    canary = serving.window.canary
    serving.apply(workshop.state(two))
    assert serving.window.stable is canary
    assert len(list(serving.endpoint.private.iterdir())) == 1


def test_nothing_to_serve_is_a_state_too(serving, workshop):
    assert not serving.apply(workshop.state(None)).ready
    assert serving.window.releases == ("", "")


def test_after_a_restart_the_last_good_model_is_served_while_the_newest_is_refused(serving, workshop):
    serving.apply(workshop.state(no_approval(workshop, workshop.release(2))))
    status = serving.restart()
    assert (status.ready, status.stable) == (True, "credit-1")
    assert "0 of 1 approvals" in status.refused


def test_a_restart_verifies_again(serving, workshop):
    changed_byte(workshop, serving.endpoint.state().stable)
    status = serving.restart()
    assert (status.ready, status.stable) == (False, "")
    assert "differs: model.onnx" in status.refused


def test_an_approval_that_expired_after_the_release_was_served_lets_it_restart_and_roll_back(serving, workshop):
    brief = workshop.approve(workshop.release(2), ttl_hours=1 / 3600)
    assert serving.apply(workshop.state(brief)).refused == ""
    expiry = brief.approvals[0].expires_at
    waiting = __import__("threading").Event()
    while now() <= expiry:
        waiting.wait(0.05)
    assert serving.restart().stable == "credit-2"
    third = expired_approval(workshop, workshop.release(3))
    assert "expired" in serving.apply(workshop.state(third)).refused


def test_the_pinned_trust_counts_and_not_the_states(serving, workshop, tmp_path):
    stranger = generate_key(tmp_path / "stranger", "")
    pinned = ServingTrust(keys=(workshop.key,), approvers={"eve": stranger}, region="de")
    serving.endpoint.write_trust(pinned)
    assert "not a listed approver" in serving.apply(workshop.state(workshop.release(2))).refused
    serving.endpoint.write_trust(pinned.model_copy(update={"approvers": workshop.people, "needed": 2}))
    assert "1 of 2 approvals" in serving.apply(workshop.state(workshop.release(3))).refused
    serving.endpoint.write_trust(pinned.model_copy(update={"approvers": workshop.people, "region": "fr"}))
    assert "for region de" in serving.apply(workshop.state(workshop.release(4))).refused
    other = workshop.keystore.create("other", KeyPurpose.sign).public_keys["1"]
    serving.endpoint.write_trust(pinned.model_copy(update={"approvers": workshop.people, "keys": (other,)}))
    assert "not pinned" in serving.apply(workshop.state(workshop.release(5))).refused
    serving.endpoint.write_trust(pinned.model_copy(update={"approvers": workshop.people}))
    assert serving.apply(workshop.state(workshop.release(6))).stable == "credit-6"


def test_an_unreadable_state_leaves_all_as_it_was(serving):
    serving.endpoint.state_file.write_text("{")
    serving.reconciler.reconcile()
    status = serving.endpoint.status()
    assert "state.json" in status.refused
    assert status.stable == "credit-1"
