"""What is at rest is sealed: no plaintext on disk, and whatever is done to the files, nothing wrong comes out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sovplatform.backends import store as module
from sovplatform.backends.store import EncryptedStore
from sovplatform.errors import ConfigError, Denied, NotFound, SignatureInvalid
from sovplatform.labels import Label, Sensitivity
from sovplatform.records import KeyPurpose
from sovplatform.testing.memory.keystore import MemoryKeyStore

LABEL = Label(residency=("DE",), sensitivity=Sensitivity.restricted)
SECRET = b"Erika Mustermann,DE89370400440532013000\n" * 50


def keystore(region: str = "de") -> MemoryKeyStore:
    keys = MemoryKeyStore(region, "DE")
    keys.create("data", KeyPurpose.wrap)
    return keys


@pytest.fixture
def store(tmp_path: Path) -> EncryptedStore:
    return EncryptedStore(tmp_path / "store", keystore())


def test_bytes_come_back_with_their_label(store: EncryptedStore) -> None:
    store.put("raw", SECRET, LABEL)
    assert store.get("raw") == SECRET
    assert store.label("raw") == LABEL
    assert store.names() == ("raw",)


def test_arrays_come_back(store: EncryptedStore) -> None:
    arrays = {"x": np.arange(12, dtype=np.float32).reshape(3, 4).T, "y": np.zeros(0, np.float32)}
    store.put("prepared", arrays, LABEL)
    found = store.arrays("prepared")
    assert found.keys() == arrays.keys()
    for name, value in arrays.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)


def test_bytes_are_not_taken_for_arrays(store: EncryptedStore) -> None:
    store.put("raw", SECRET, LABEL)
    with pytest.raises(ConfigError, match="raw"):
        store.arrays("raw")


def test_another_process_with_the_key_reads_it(tmp_path: Path) -> None:
    keys = keystore()
    EncryptedStore(tmp_path, keys).put("raw", SECRET, LABEL)
    keys.rotate("data")
    assert EncryptedStore(tmp_path, keys).get("raw") == SECRET


def test_nothing_plain_is_on_the_disk_and_nothing_but_the_object(store: EncryptedStore) -> None:
    store.put("raw", SECRET, LABEL)
    files = [path for path in store.root.rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["raw.sealed"]
    assert all(b"Erika" not in path.read_bytes() and b"DE8937" not in path.read_bytes() for path in files)
    assert store.root.stat().st_mode & 0o077 == 0


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_changed_bit_goes_unnoticed(store: EncryptedStore, data: st.DataObject) -> None:
    store.put("raw", SECRET[:200], LABEL)
    path = store.root / "raw.sealed"
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(content))
    with pytest.raises(Denied):
        store.get("raw")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_cut_goes_unnoticed(store: EncryptedStore, data: st.DataObject) -> None:
    store.put("raw", SECRET[:200], LABEL)
    path = store.root / "raw.sealed"
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(Denied):
        store.get("raw")


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 32, 48])
def test_segments_are_neither_dropped_nor_swapped_nor_repeated(
    store: EncryptedStore, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(module, "SEGMENT", 16)
    content = bytes(range(size))
    store.put("raw", content, LABEL)
    assert store.get("raw") == content
    path = store.root / "raw.sealed"
    sealed = path.read_bytes()
    step, segments = 16 + module.TAG, max(1, -(-size // 16))
    head = len(sealed) - size - segments * module.TAG
    parts = [sealed[head + step * i : head + step * (i + 1)] for i in range(segments)]
    for wrong in (parts[:-1], parts[1:], parts[::-1], [*parts, parts[-1]], [*parts[:-1], parts[-1] + b"x"]):
        if wrong != parts:
            path.write_bytes(sealed[:head] + b"".join(wrong))
            with pytest.raises(SignatureInvalid):
                store.get("raw")


def test_two_objects_cannot_be_swapped(store: EncryptedStore) -> None:
    store.put("a", b"one", LABEL)
    store.put("b", b"two", LABEL)
    (store.root / "a.sealed").rename(store.root / "c.sealed")
    (store.root / "b.sealed").rename(store.root / "a.sealed")
    with pytest.raises(SignatureInvalid, match="another object"):
        store.get("a")


def test_a_header_of_another_object_does_not_open_it(store: EncryptedStore) -> None:
    """Renaming inside the header too: the KeyStore's context is the name and the label."""
    store.put("aa", b"one", LABEL)
    store.put("bb", b"two", LABEL)
    forged = (store.root / "bb.sealed").read_bytes().replace(b'"name":"bb"', b'"name":"aa"')
    (store.root / "aa.sealed").write_bytes(forged)
    with pytest.raises(Denied):
        store.get("aa")


def test_a_lowered_label_does_not_open(store: EncryptedStore) -> None:
    store.put("raw", SECRET, LABEL)
    path = store.root / "raw.sealed"
    path.write_bytes(path.read_bytes().replace(b'"restricted"', b'"internal"').replace(b'"DE"', b'"US"'))
    with pytest.raises(Denied):
        store.get("raw")


def test_another_regions_key_does_not_open(tmp_path: Path) -> None:
    EncryptedStore(tmp_path, keystore("de")).put("raw", SECRET, LABEL)
    with pytest.raises(Denied):
        EncryptedStore(tmp_path, keystore("fr")).get("raw")


def test_equal_objects_are_sealed_differently(store: EncryptedStore) -> None:
    store.put("raw", SECRET, LABEL)
    first = (store.root / "raw.sealed").read_bytes()
    store.put("raw", SECRET, LABEL)
    assert (store.root / "raw.sealed").read_bytes()[-64:] != first[-64:]


@pytest.mark.parametrize("name", ["../raw", "", "a/b", ".hidden", "A", "x" * 200, "raw\n"])
def test_a_name_cannot_leave_the_store(store: EncryptedStore, name: str) -> None:
    with pytest.raises(ConfigError):
        store.put(name, b"", LABEL)
    with pytest.raises(ConfigError):
        store.get(name)


def test_what_is_not_there_is_not_found(store: EncryptedStore) -> None:
    assert store.names() == ()
    with pytest.raises(NotFound, match="raw"):
        store.get("raw")
