"""The Merkle tree of RFC 6962 (the same as RFC 9162's): pure functions over SHA-256 hashes, and the frontier.

A node is named by its level (0 for leaves) and its number within the level: node (l, k) covers the leaves from
k·2^l up to (k+1)·2^l. Only complete nodes have names; they never change as the tree grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

NodeReader = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry: SHA-256 of 0x00 and the data."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 of 0x01 and its two children."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The peaks of a growing tree: the roots of its complete subtrees, the largest first; one for each 1 bit of `size`.

    It is all that appending needs, so an append costs O(log n) hashes at most and two on average.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)

    @classmethod
    def read(cls, size: int, node: NodeReader) -> Frontier:
        """The frontier of a stored tree."""
        levels = [level for level in range(size.bit_length()) if size >> level & 1]
        return cls(size, [node(level, (size >> level) - 1) for level in reversed(levels)])

    def copy(self) -> Frontier:
        return Frontier(self.size, self.peaks)

    def push(self, leaf: bytes) -> bytes:
        """Add a leaf hash; return it and the nodes that it completed, from level 0 up, joined."""
        chain = node = leaf
        rest = self.size
        while rest & 1:
            node = sha256(b"\x01" + self.peaks.pop() + node).digest()
            chain += node
            rest >>= 1
        self.peaks.append(node)
        self.size += 1
        return chain

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        if not self.peaks:
            return EMPTY_ROOT
        result = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            result = node_hash(peak, result)
        return result


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.push(leaf)
    return frontier.root()


def inclusion_path(index: int, size: int, node: NodeReader) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962, section 2.1.1, for 0 ≤ index < size."""
    return _path(index, 0, size, node)


def consistency_path(old: int, new: int, node: NodeReader) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962, section 2.1.2, for 0 ≤ old ≤ new; from the empty tree there is nothing to prove."""
    if old in (0, new):
        return []
    return _subproof(old, 0, new, node, whole=True)


def subtree_root(start: int, stop: int, node: NodeReader) -> bytes:
    """MTH(D[start:stop]), where `start` is a multiple of the power of two at or above the span."""
    span = stop - start
    level = span.bit_length() - 1
    if span == 1 << level:
        return node(level, start >> level)
    middle = start + _split(span)
    return node_hash(subtree_root(start, middle, node), subtree_root(middle, stop, node))


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """True when the proof leads from the leaf hash at `index` to the root of that size (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    number, last, result = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            result = node_hash(step, result)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            result = node_hash(result, step)
        number, last = number >> 1, last >> 1
    return last == 0 and result == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """True when the tree of size `new` continues the one of size `old` (RFC 9162, section 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if old == new:
        return not proof and old_root == new_root
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    if not steps:
        return False
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            second = node_hash(second, step)
        number, last = number >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(span: int) -> int:
    """The largest power of two below `span`."""
    return 1 << ((span - 1).bit_length() - 1)


def _path(index: int, start: int, stop: int, node: NodeReader) -> list[bytes]:
    if stop - start == 1:
        return []
    middle = start + _split(stop - start)
    if index < middle:
        return [*_path(index, start, middle, node), subtree_root(middle, stop, node)]
    return [*_path(index, middle, stop, node), subtree_root(start, middle, node)]


def _subproof(old: int, start: int, stop: int, node: NodeReader, *, whole: bool) -> list[bytes]:
    if old == stop:
        return [] if whole else [subtree_root(start, stop, node)]
    middle = start + _split(stop - start)
    if old <= middle:
        return [*_subproof(old, start, middle, node, whole=whole), subtree_root(middle, stop, node)]
    return [*_subproof(old, middle, stop, node, whole=False), subtree_root(start, middle, node)]
