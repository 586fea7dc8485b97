"""The Merkle functions against RFC 6962's definitions, written out naively, and the Certificate Transparency vectors."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovplatform.ledger import merkle

VECTOR_LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")] + [
    bytes.fromhex("606162636465666768696a6b6c6d6e6f")
]
VECTOR_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
VECTOR_INCLUSION = [
    (0, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]),
    (5, 8, ["bc1a0643", "ca854ea1", "d37ee418"]),
    (2, 3, ["fac54203"]),
    (1, 5, ["6e340b9c", "5f083f0a", "bc1a0643"]),
]
VECTOR_CONSISTENCY = [
    (1, 1, []),
    (1, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]),
    (6, 8, ["0ebc5d34", "ca854ea1", "d37ee418"]),
    (2, 5, ["5f083f0a", "bc1a0643"]),
]


def naive_split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def naive_root(data: list[bytes]) -> bytes:
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = naive_split(len(data))
    return sha256(b"\x01" + naive_root(data[:k]) + naive_root(data[k:])).digest()


def naive_path(m: int, data: list[bytes]) -> list[bytes]:
    if len(data) == 1:
        return []
    k = naive_split(len(data))
    if m < k:
        return [*naive_path(m, data[:k]), naive_root(data[k:])]
    return [*naive_path(m - k, data[k:]), naive_root(data[:k])]


def naive_subproof(m: int, data: list[bytes], whole: bool) -> list[bytes]:
    if m == len(data):
        return [] if whole else [naive_root(data)]
    k = naive_split(len(data))
    if m <= k:
        return [*naive_subproof(m, data[:k], whole), naive_root(data[k:])]
    return [*naive_subproof(m - k, data[k:], False), naive_root(data[:k])]


class Tree:
    """Stores the nodes as the ledger does: each with the last leaf below it."""

    def __init__(self, data: list[bytes]) -> None:
        frontier = merkle.Frontier()
        self.chains = [frontier.push(merkle.leaf_hash(item)) for item in data]
        self.frontier = frontier

    def node(self, level: int, number: int) -> bytes:
        return self.chains[((number + 1) << level) - 1][32 * level : 32 * level + 32]


leaves = st.lists(st.binary(max_size=8), max_size=70)
some_leaves = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_published_vectors(size: int) -> None:
    assert merkle.root(map(merkle.leaf_hash, VECTOR_LEAVES[:size])).hex() == VECTOR_ROOTS[size]


@pytest.mark.parametrize(("index", "size", "proof"), VECTOR_INCLUSION)
def test_inclusion_proofs_are_those_of_the_published_vectors(index: int, size: int, proof: list[str]) -> None:
    assert [step.hex()[:8] for step in merkle.inclusion_path(index, size, Tree(VECTOR_LEAVES).node)] == proof


@pytest.mark.parametrize(("old", "new", "proof"), VECTOR_CONSISTENCY)
def test_consistency_proofs_are_those_of_the_published_vectors(old: int, new: int, proof: list[str]) -> None:
    assert [step.hex()[:8] for step in merkle.consistency_path(old, new, Tree(VECTOR_LEAVES).node)] == proof


@given(leaves)
def test_root_is_the_rfc_s_definition(data: list[bytes]) -> None:
    tree = Tree(data)
    assert tree.frontier.root() == merkle.root(map(merkle.leaf_hash, data)) == naive_root(data)
    assert merkle.Frontier.read(len(data), tree.node).peaks == tree.frontier.peaks


@given(some_leaves, st.data())
def test_inclusion_proof_is_the_rfc_s_and_verifies(data: list[bytes], draw: st.DataObject) -> None:
    size = draw.draw(st.integers(1, len(data)))
    index = draw.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_path(index, size, Tree(data).node)
    assert proof == naive_path(index, data[:size])
    assert merkle.verify_inclusion(index, size, merkle.leaf_hash(data[index]), proof, naive_root(data[:size]))


@given(some_leaves, st.data())
def test_consistency_proof_is_the_rfc_s_and_verifies(data: list[bytes], draw: st.DataObject) -> None:
    new = draw.draw(st.integers(1, len(data)))
    old = draw.draw(st.integers(0, new))
    proof = merkle.consistency_path(old, new, Tree(data).node)
    assert proof == (naive_subproof(old, data[:new], True) if old else [])
    assert merkle.verify_consistency(old, new, naive_root(data[:old]), naive_root(data[:new]), proof)


@given(some_leaves, st.data())
def test_an_inclusion_proof_proves_nothing_else(data: list[bytes], draw: st.DataObject) -> None:
    size = len(data)
    index = draw.draw(st.integers(0, size - 1))
    leaf, root = merkle.leaf_hash(data[index]), naive_root(data)
    proof = merkle.inclusion_path(index, size, Tree(data).node)
    assert not merkle.verify_inclusion(index, size, merkle.leaf_hash(data[index] + b"!"), proof, root)
    assert not merkle.verify_inclusion(index, size, leaf, [*proof, leaf], root)
    assert not merkle.verify_inclusion(index, size, leaf, proof, sha256(root).digest())
    assert not merkle.verify_inclusion(size, size, leaf, proof, root)
    assert not merkle.verify_inclusion(-1, size, leaf, proof, root)
    if proof:
        assert not merkle.verify_inclusion(index, size, leaf, proof[:-1], root)
        position = draw.draw(st.integers(0, len(proof) - 1))
        wrong = [sha256(step).digest() if at == position else step for at, step in enumerate(proof)]
        assert not merkle.verify_inclusion(index, size, leaf, wrong, root)


@given(some_leaves, st.data())
def test_a_changed_past_has_no_consistency_proof(data: list[bytes], draw: st.DataObject) -> None:
    new = len(data)
    old = draw.draw(st.integers(1, new))
    changed = draw.draw(st.integers(0, old - 1))
    past = [item + b"!" if at == changed else item for at, item in enumerate(data[:old])]
    proof = merkle.consistency_path(old, new, Tree(data).node)
    assert not merkle.verify_consistency(old, new, naive_root(past), naive_root(data), proof)
    assert not merkle.verify_consistency(old, new, naive_root(data[:old]), naive_root([*past, *data[old:]]), proof)
    assert not merkle.verify_consistency(old, new, naive_root(data[:old]), naive_root(data), [*proof, proof[0] if proof else b""])
    assert not merkle.verify_consistency(new + 1, new, naive_root(data), naive_root(data), proof)


def test_a_consistency_proof_without_steps_proves_only_sameness() -> None:
    roots = [naive_root(VECTOR_LEAVES[:size]) for size in range(9)]
    assert merkle.verify_consistency(3, 3, roots[3], roots[3], [])
    assert not merkle.verify_consistency(3, 4, roots[3], roots[4], [])
    assert not merkle.verify_consistency(4, 5, roots[4], roots[5], [])
    assert not merkle.verify_consistency(0, 4, roots[1], roots[4], [])
