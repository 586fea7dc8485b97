"""The ledger's bars: durable appends, the cost of an append by length, verification."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sovplatform.ledger import Ledger
from sovplatform.ledger.merkle import leaf_hash
from sovplatform.ledger.verify import verify
from sovplatform.ledger.writer import Append, Writer

ORIGIN = "de.bench.sov/ledger"
ACTOR = "spiffe://de.bench.sov/border"
DIGEST = "sha256:" + "5" * 64
DETAILS = {
    "decision": "d-000001",
    "kind": "update",
    "artifact": DIGEST,
    "destination": "global",
    "source": "de",
    "size": 12_345,
    "purpose": "training",
    "reasons": [],
    "evidence": {"epsilon": 1.25, "rules": ["kind", "label", "size"]},
}


def main(long: int = 200_000) -> list[dict[str, Any]]:
    """Measure, print one line for each bar, and return the results."""
    with tempfile.TemporaryDirectory(prefix="sov-bench-") as scratch:
        home = Path(scratch)
        results = [_appends(home / "append.db"), _threads(home / "threads.db")]
        results += _length(home / "length.db", long)
    for result in results:
        sign = "≥" if result["at_least"] else "≤"
        verdict = "ok" if result["ok"] else "MISSED"
        unit = result["unit"]
        print(f"{result['name']}  {result['value']:.6g}{unit}  bar {sign} {result['bar']}{unit}  {verdict}")
    return results


def _result(name: str, value: float, unit: str, bar: float, *, at_least: bool = True) -> dict[str, Any]:
    ok = value >= bar if at_least else value <= bar
    return {"name": name, "value": value, "unit": unit, "bar": bar, "ok": ok, "at_least": at_least}


def _appends(path: Path, count: int = 4_000) -> dict[str, Any]:
    """One thread, one append after the other, each with a key, each on the disk when it returns."""
    with Ledger.open(path, ORIGIN) as ledger:
        started = time.perf_counter()
        for number in range(count):
            ledger.append("gate.allowed", DIGEST, actor=ACTOR, details=DETAILS, key=f"gate/{number}")
        return _result("ledger.append", round(count / (time.perf_counter() - started)), "/s", 2_000)


def _threads(path: Path, threads: int = 8, each: int = 500) -> dict[str, Any]:
    with Ledger.open(path, ORIGIN) as ledger:

        def work(name: int) -> None:
            for number in range(each):
                ledger.append("gate.allowed", DIGEST, actor=ACTOR, details=DETAILS, key=f"{name}/{number}")

        workers = [threading.Thread(target=work, args=(name,)) for name in range(threads)]
        elapsed = _timed(lambda: ([worker.start() for worker in workers], [worker.join() for worker in workers]))
        return _result(f"ledger.append.{threads}-threads", round(threads * each / elapsed), "/s", 2_000)


def _length(path: Path, long: int) -> list[dict[str, Any]]:
    """The same appends at 1,000 entries and at `long`; then verify it all."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    _grow(path, 1_000)
    short_cost = _append_cost(path, "short")
    _grow(path, long)
    long_cost = _append_cost(path, "long")
    with Ledger.open(path, ORIGIN) as ledger:
        size = ledger.size
        ledger.seal(key.sign, ORIGIN, public)
        proof = statistics.median(_timed(lambda at=at: ledger.inclusion_proof(at, size)) for at in range(0, size, size // 50))
    elapsed = _timed(lambda: _verified(path, public))
    return [
        _result(f"ledger.append.cost-{size}-over-1k", round(long_cost / short_cost, 2), "x", 1.5, at_least=False),
        _result("ledger.verify", round(size / elapsed), "/s", 100_000),
        _result("ledger.inclusion-proof", round(proof * 1000, 3), "ms", 10, at_least=False),
    ]


def _append_cost(path: Path, name: str, count: int = 1_500) -> float:
    """Median seconds of one append."""
    with Ledger.open(path, ORIGIN) as ledger:
        costs = []
        for number in range(count):
            details, key = {**DETAILS, "number": number}, f"{name}/{number}/{leaf_hash(str(number).encode()).hex()}"
            costs.append(_timed(lambda d=details, k=key: ledger.append("gate.allowed", DIGEST, actor=ACTOR, details=d, key=k)))
        return statistics.median(costs)


def _grow(path: Path, size: int) -> None:
    """Fill a ledger in large commits, as many threads at once would."""
    from sovplatform.ledger.entry import draft

    writer = Writer(path, ORIGIN)
    try:
        start = writer.tree()[0]
        for begin in range(start, size, 5_000):
            numbers = range(begin, min(begin + 5_000, size))
            keys = (leaf_hash(str(number).encode()).hex() for number in numbers)
            writer.record([Append(draft("gate.allowed", DIGEST, ACTOR, DETAILS, key)) for key in keys])
    finally:
        writer.close()


def _verified(path: Path, public: str) -> None:
    report = verify(path, origin=ORIGIN, public_key=public)
    if not report.verified:
        raise SystemExit(f"the benchmark's own ledger does not verify: {report.problem}")


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
