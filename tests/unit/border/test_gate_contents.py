"""The gate on an artifact: its manifest, its files and its tensors."""

from __future__ import annotations

import numpy as np
import pytest

from sovplatform.pilot import BorderSpec
from sovplatform.records import Kind
from tests.fixtures.border import ALLOW, RAW, World, denied, evidence

# -- the manifest and the files ------------------------------------------------------------------------------------


def test_a_file_that_was_changed_after_sealing_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    file = folder / "tensors.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    denied(world, crossing, folder, "tensors.safetensors has another digest")


def test_a_file_that_was_changed_after_a_yes_is_refused_on_asking_again(world: World) -> None:
    _, crossing, folder = world.allowed_update()
    (folder / "tensors.safetensors").write_bytes(b"something else")
    again = world.gate().decide(crossing, folder)
    assert not again.decision.allow


def test_an_undeclared_file_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    (folder / "rows.csv").write_text("name,iban\n")
    denied(world, crossing, folder, "1 files are not in its manifest")


@pytest.mark.parametrize(
    "path", ["../secret.safetensors", "/etc/x.safetensors", "a/b.safetensors", ".x.safetensors", "manifest.json", "x"]
)
def test_a_manifest_that_names_odd_paths_is_refused_unread(world: World, path: str) -> None:
    world.reserve()
    crossing, folder = world.update()
    [entry] = crossing.artifact.files
    artifact = crossing.artifact.model_copy(update={"files": (entry.model_copy(update={"path": path}),)})
    denied(world, world.crossing(artifact), folder, "its manifest declares")


def test_a_link_to_a_file_elsewhere_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    file = folder / "tensors.safetensors"
    file.rename(world.root / "elsewhere")
    file.symlink_to(world.root / "elsewhere")
    denied(world, crossing, folder, "is a link")


def test_a_directory_that_is_a_link_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    link = world.root / "link"
    link.symlink_to(folder)
    denied(world, crossing, link, "a link or cannot be read")


def test_a_pipe_in_place_of_a_file_is_refused_without_waiting(world: World) -> None:
    import os

    world.reserve()
    crossing, folder = world.update()
    (folder / "tensors.safetensors").unlink()
    os.mkfifo(folder / "tensors.safetensors")
    denied(world, crossing, folder, "not a plain file")


def test_a_missing_directory_is_a_denial(world: World) -> None:
    world.reserve()
    crossing, _ = world.update()
    denied(world, crossing, world.root / "nowhere", "cannot be read")


# -- what the artifact is ------------------------------------------------------------------------------------------


def test_raw_data_is_refused_even_when_a_rule_lets_it(world: World) -> None:
    folder = world.folder()
    (folder / "rows.csv").write_text("a,b\n1,2\n")
    artifact = world.seal(folder, Kind.dataset, label=RAW)
    signed = denied(world, world.crossing(artifact), folder, "raw data never crosses")
    assert {"data.raw", "label.residency", "inspection.format"} <= set(signed.decision.rules)


def test_a_kind_without_an_export_rule_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    border = BorderSpec(allow=tuple(rule for rule in ALLOW if rule.kind != "update"))
    denied(world, crossing, folder, "no export rule for kind update", border=border)


def test_an_update_over_the_size_limit_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    border = BorderSpec(allow=tuple(rule.model_copy(update={"max_bytes": 100}) for rule in ALLOW))
    denied(world, crossing, folder, "more than the export rule allows", border=border)


def test_a_declared_size_that_is_too_small_does_not_pass_the_limit(world: World) -> None:
    world.reserve()
    crossing, folder = world.update()
    [entry] = crossing.artifact.files
    artifact = crossing.artifact.model_copy(update={"files": (entry.model_copy(update={"size": 1}),)})
    denied(world, world.crossing(artifact), folder, "has another size")


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        (
            {"w": np.ones(20, np.float32), "b": np.zeros(1, np.float32), "x": np.zeros(1, np.float32)},
            "1 tensors are not registered",
        ),
        ({"w": np.ones(20, np.float32)}, "1 tensors of task credit are missing"),
        ({"w": np.ones(21, np.float32), "b": np.zeros(1, np.float32)}, "tensor w is F32[21], registered is F32[20]"),
        ({"w": np.ones(20, np.float64), "b": np.zeros(1, np.float32)}, "tensor w is F64[20]"),
        ({"w": np.full(20, np.nan, np.float32), "b": np.zeros(1, np.float32)}, "not finite"),
        ({"w": np.full(20, np.inf, np.float32), "b": np.zeros(1, np.float32)}, "not finite"),
    ],
)
def test_other_tensors_than_registered_are_smuggling(world: World, tensors: dict[str, np.ndarray], reason: str) -> None:
    world.reserve()
    crossing, folder = world.update(tensors)
    denied(world, crossing, folder, reason)


def test_an_update_for_another_task_is_refused(world: World) -> None:
    world.reserve()
    crossing, folder = world.update(task="churn")
    denied(world, crossing, folder, "another task")


def test_statistics_without_a_registered_shape_are_refused(world: World) -> None:
    world.reserve()
    folder = world.tensors({"h": np.zeros((2, 10), np.float32)})
    artifact = world.seal(folder, Kind.statistics, privacy=evidence())
    denied(world, world.crossing(artifact), folder, "no tensors are registered", statistics=None)


def test_model_parameters_of_another_shape_are_refused(world: World) -> None:
    folder = world.tensors({"w": np.ones(99, np.float32), "b": np.zeros(1, np.float32)})
    artifact = world.seal(folder, Kind.model, source="us")
    denied(world, world.crossing(artifact, "us", "de"), folder, "tensor w is F32[99]")


def test_a_pickle_under_another_name_is_refused(world: World) -> None:
    import pickle

    world.reserve()
    folder = world.folder()
    (folder / "tensors.safetensors").write_bytes(pickle.dumps({"w": [1.0] * 100}))
    denied(world, world.crossing(world.seal(folder, privacy=evidence())), folder, "a pickle")
