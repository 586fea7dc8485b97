"""The readers: strict to the last byte, whatever pieces the bytes come in."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from sovplatform.border.formats import reader_for
from sovplatform.records import Kind, TensorSpec
from tests.fixtures.border import World


def read(
    data: bytes, suffix: str = ".safetensors", kind: Kind = Kind.update, piece: int = 1 << 20
) -> tuple[str, dict[str, TensorSpec]]:
    reader = reader_for(suffix, kind, len(data))
    assert reader is not None
    for start in range(0, len(data), piece):
        reader.feed(memoryview(data)[start : start + piece])
    return reader.finish(), dict(reader.tensors)


def spelt(header: object, body: bytes = b"", *, text: str | None = None) -> bytes:
    raw = (text if text is not None else json.dumps(header, separators=(",", ":"))).encode()
    return struct.pack("<Q", len(raw)) + raw + body


def entry(begin: int, end: int, dtype: str = "F32", shape: tuple[int, ...] | None = None) -> dict[str, object]:
    return {"dtype": dtype, "shape": list(shape or ((end - begin) // 4,)), "data_offsets": [begin, end]}


# -- safetensors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 3, 7, 64, 1 << 20])
def test_a_good_file_is_read_in_any_pieces(piece: int) -> None:
    data = save({"w": np.arange(33, dtype=np.float32), "h": np.ones((2, 3), np.float16), "i": np.arange(5)})
    flaw, tensors = read(data, piece=piece)
    assert flaw == ""
    assert tensors["h"] == TensorSpec(dtype="F16", shape=(2, 3))
    assert set(tensors) == {"w", "h", "i"}


@pytest.mark.parametrize("piece", [1, 5, 1 << 20])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_found_in_any_pieces(piece: int, dtype: type, value: float) -> None:
    weights = np.zeros(50, dtype)
    weights[37] = value
    flaw, _ = read(save({"a": np.zeros(3, np.int8), "w": weights}), piece=piece)
    assert flaw == "it holds numbers that are not finite"


def test_a_bfloat16_that_is_not_finite_is_found() -> None:
    good = spelt({"w": entry(0, 4, "BF16", (2,))}, b"\x80\x3f\x80\x3f")
    bad = spelt({"w": entry(0, 4, "BF16", (2,))}, b"\x80\x3f\x80\x7f")
    assert read(good)[0] == ""
    assert "not finite" in read(bad)[0]


def test_numbers_that_cannot_be_checked_are_refused() -> None:
    assert "cannot be checked" in read(spelt({"w": entry(0, 4, "F8_E4M3", (4,))}, b"\0" * 4))[0]


def test_a_models_numbers_are_not_looked_at() -> None:
    assert read(save({"w": np.full(3, np.nan, np.float32)}), kind=Kind.model)[0] == ""


GOOD = {"a": entry(0, 4), "b": entry(4, 8)}


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"", "ends before its header"),
        (b"\x08", "ends before its header"),
        (struct.pack("<Q", 1 << 60) + b"{}", "header would have"),
        (struct.pack("<Q", 300_000) + b" " * 300_000, "header would have"),
        (spelt(GOOD, b"\0" * 8 + b"smuggled"), "account for every byte"),
        (spelt(GOOD, b"\0" * 7), "account for every byte"),
        (spelt({"a": entry(0, 4), "b": entry(8, 12)}, b"\0" * 12), "overlap or leave a gap"),
        (spelt({"a": entry(0, 8), "b": entry(4, 12)}, b"\0" * 12), "overlap or leave a gap"),
        (spelt({"a": entry(4, 8)}, b"\0" * 8), "overlap or leave a gap"),
        (spelt({"a": entry(0, 4, shape=(2,))}, b"\0" * 4), "not those of its shape"),
        (spelt({"a": entry(0, 4, "Q4", (1,))}, b"\0" * 4), "malformed"),
        (spelt({"a": {**entry(0, 4), "note": "x"}}, b"\0" * 4), "other keys"),
        (spelt({"a": {**entry(0, 4), "shape": [-1]}}, b"\0" * 4), "malformed"),
        (spelt({"a": {**entry(0, 4), "shape": [True]}}, b"\0" * 4), "malformed"),
        (spelt({"a": {**entry(0, 4), "shape": [1.0]}}, b"\0" * 4), "malformed"),
        (spelt({"a": 1}), "other keys"),
        (spelt({"__metadata__": {"note": "DE89370400440532013000"}, **GOOD}, b"\0" * 8), "metadata holds more"),
        (spelt({"__metadata__": {"format": "DE89370400440532013000"}, **GOOD}, b"\0" * 8), "metadata holds more"),
        (spelt(None, text='{"a":1,"a":2}'), "comes twice"),
        (spelt(None, text='{"a":NaN}'), "no JSON"),
        (spelt(None, text="[]"), "not a JSON object"),
        (spelt(None, text="{" * 5000), "not JSON"),
        (spelt(None, text="[" * 100_000), "not JSON"),
        (spelt(None, b"\0" * 8, text=json.dumps(GOOD)), "one compact spelling"),
        (spelt(None, b"\0" * 8, text=json.dumps(GOOD, separators=(",", ":")) + " " * 64), "padded"),
        (spelt(None, b"\0" * 8, text=" " + json.dumps(GOOD, separators=(",", ":"))), "padded"),
        (spelt(None, b"\0" * 8, text=json.dumps(GOOD, separators=(",", ":")).replace("a", "\\u0061", 1)), "spelling"),
    ],
)
def test_a_malformed_safetensors_file_is_refused(data: bytes, flaw: str) -> None:
    assert flaw in read(data)[0]


def test_the_formats_name_may_be_in_the_metadata() -> None:
    data = save({"w": np.zeros(2, np.float32)}, metadata={"format": "pt"})
    assert read(data)[0] == ""


# -- ONNX ----------------------------------------------------------------------------------------------------------


def model(*, raw: bool = True, **changes: object) -> onnx.ModelProto:
    weights = numpy_helper.from_array(np.arange(600, dtype=np.float32).reshape(20, 30), "w")
    if not raw:
        weights = helper.make_tensor("w", TensorProto.FLOAT, (20, 30), list(range(600)))
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones(30, np.float32)))
    nodes = [constant, helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "c"], ["y"])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 20])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 30])]
    return helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, [weights]), **changes)


def read_onnx(data: bytes, piece: int = 1 << 20) -> str:
    return read(data, ".onnx", Kind.model, piece)[0]


@pytest.mark.parametrize("piece", [1, 11, 1 << 20])
@pytest.mark.parametrize("raw", [True, False])
def test_a_good_model_is_read_in_any_pieces(piece: int, raw: bool) -> None:
    assert read_onnx(model(raw=raw).SerializeToString(), piece) == ""


@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_a_tensor_kept_outside_the_file_is_refused(piece: int, tmp_path: Path) -> None:
    onnx.save_model(model(), tmp_path / "m.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    assert "outside the file" in read_onnx((tmp_path / "m.onnx").read_bytes(), piece)


def _hidden_in_an_attribute(made: onnx.ModelProto) -> None:
    tensor = made.graph.node[0].attribute[0].t
    tensor.external_data.add(key="location", value="/etc/passwd")


def _hidden_in_a_subgraph(made: onnx.ModelProto) -> None:
    inner = model().graph
    inner.initializer[0].data_location = TensorProto.EXTERNAL
    made.graph.node.append(helper.make_node("If", ["x"], ["z"], then_branch=inner))


def _hidden_in_a_function(made: onnx.ModelProto) -> None:
    node = made.graph.node[0]
    changed = onnx.NodeProto()
    changed.CopyFrom(node)
    changed.attribute[0].t.data_location = TensorProto.EXTERNAL
    made.functions.append(helper.make_function("d", "f", [], [], [changed], [helper.make_opsetid("", 18)]))


@pytest.mark.parametrize("hide", [_hidden_in_an_attribute, _hidden_in_a_subgraph, _hidden_in_a_function])
def test_it_is_found_wherever_it_hides(hide: Callable[[onnx.ModelProto], None]) -> None:
    made = model()
    hide(made)
    assert "outside the file" in read_onnx(made.SerializeToString())


def test_free_text_has_a_limit() -> None:
    made = model()
    made.metadata_props.add(key="rows", value="DE89370400440532013000;" * 4000)
    assert "free text" in read_onnx(made.SerializeToString())


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"", "no graph"),
        (model().SerializeToString() + b"\x9a\x06\x04rows", "field 99, which ONNX has not"),
        (model().SerializeToString()[:-1], "longer than what they are in"),
        (b"\xff" * 40, "not protobuf"),
        (b"\x80\x04\x95\x10" + b"\0" * 40, "which ONNX has not"),
        (b"PK\x03\x04" + b"\0" * 40, "which ONNX has not"),
        (b"\x08", "ends within a field"),
        (b"\x3a\x05\x0a\x09abc", "do not nest"),
    ],
)
def test_what_is_no_onnx_is_refused(data: bytes, flaw: str) -> None:
    assert flaw in read_onnx(data)


def test_messages_do_not_nest_for_ever() -> None:
    data = b""
    for _ in range(100):  # graph > node > attribute > graph …
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            data = tag + helper_varint(len(data)) + data
    assert "do not nest" in read_onnx(b"\x3a" + helper_varint(len(data)) + data)


def helper_varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


# -- JSON ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b'{"a": 1}', ""),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": {"b": 1, "b": 2}}', "twice"),
        (b'{"a": Infinity}', "no JSON"),
        (b"\xff", "UTF-8"),
        (b"[1]", "not a JSON object"),
        (b'{"a": "' + b"x" * (1 << 20) + b'"}', "more than"),
    ],
)
def test_json_is_read_strictly(data: bytes, flaw: str) -> None:
    found = read(data, ".json", Kind.model)[0]
    assert (flaw in found) if flaw else found == ""


# -- which formats for which kind ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".pkl", ".pt", ".bin", ".npz", ".joblib", ".onnx", ".json", ".csv", "", ".SAFETENSORS"])
def test_an_update_is_safetensors_only(suffix: str) -> None:
    assert reader_for(suffix, Kind.update, 10) is None


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx", ".json", ".csv"])
def test_no_format_lets_a_dataset_cross(suffix: str) -> None:
    assert reader_for(suffix, Kind.dataset, 10) is None


def test_a_release_with_model_and_task_passes_the_gate(world: World) -> None:
    folder = world.folder()
    onnx.save_model(model(), folder / "model.onnx")
    (folder / "task.json").write_text('{"name": "credit"}')
    artifact = world.seal(folder, Kind.model, source="us", name="credit")
    signed = world.gate("us").decide(world.crossing(artifact, "us", "de", "release"), folder)
    assert signed.decision.allow, signed.decision.reasons


def test_a_model_without_a_model_file_is_refused(world: World) -> None:
    folder = world.folder()
    (folder / "task.json").write_text("{}")
    artifact = world.seal(folder, Kind.model, source="us")
    signed = world.gate("us").decide(world.crossing(artifact, "us", "de"), folder)
    assert "format: a model without a model file" in signed.decision.reasons
