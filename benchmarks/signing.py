"""Signing and verifying a model of 1 GB next to the stock `model_signing` command on the same directory, interleaved."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

SHARDS = 4
SHARD_BYTES = 256 * 1024 * 1024
ROUNDS = 3
STOCK = Path(sys.executable).with_name("model_signing")
OURS = """
import sys
from pathlib import Path
from sovplatform.records import KeyPurpose
from sovplatform.signing import sign_model, verify_model
from sovplatform.testing.memory import MemoryKeyStore
directory, bundle, key = map(Path, sys.argv[2:])
if sys.argv[1] == "sign":
    keystore = MemoryKeyStore("de", "DE")
    key.write_text(keystore.create("models", KeyPurpose.sign).public_keys["1"])
    bundle.write_text(sign_model(directory, keystore, "models"))
else:
    verify_model(directory, bundle.read_text(), key.read_text())
"""


def main() -> list[dict[str, Any]]:
    """Measure whole processes, print one line for each bar, and return the results."""
    with tempfile.TemporaryDirectory(prefix="sov-bench-") as scratch:
        root = Path(scratch)
        model = _model(root / "model")
        private, public = _keys(root)
        bundle, key = root / "ours.json", root / "ours.pem"
        signed = root / "stock.json"
        ours = {verb: [sys.executable, "-c", OURS, verb, model, bundle, key] for verb in ("sign", "verify")}
        stock = {
            "sign": [STOCK, "sign", "key", "--private_key", private, "--signature", signed, model],
            "verify": [STOCK, "verify", "key", "--public_key", public, "--signature", signed, model],
        }
        times: dict[tuple[str, str], list[float]] = {}
        for _ in range(ROUNDS):
            for verb in ("sign", "verify"):
                for whose, command in (("ours", ours[verb]), ("stock", stock[verb])):
                    times.setdefault((verb, whose), []).append(_seconds(command))
    return _report(lambda verb, whose: statistics.median(times[verb, whose]))


def _report(median: Callable[[str, str], float]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    for verb in ("sign", "verify"):
        ours, stock = median(verb, "ours"), median(verb, "stock")
        results += [
            {"name": f"signing.{verb} 1 GB", "value": ours, "unit": " s", "bar": "", "ok": None},
            {
                "name": f"signing.{verb} 1 GB / model_signing",
                "value": ours / stock,
                "unit": "",
                "bar": 1.2,
                "ok": ours <= 1.2 * stock,
            },
        ]
    for result in results:
        bar = f"bar ≤ {result['bar']}  {'ok' if result['ok'] else 'MISSED'}" if result["bar"] else ""
        print(f"{result['name']}  {result['value']:.3g}{result['unit']}  {bar}".rstrip())
    return results


def _model(directory: Path) -> Path:
    directory.mkdir()
    for number in range(SHARDS):
        with (directory / f"shard-{number}.bin").open("wb") as file:
            file.write(os.urandom(1024 * 1024) * (SHARD_BYTES // 1024 // 1024))
    return directory


def _keys(root: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    (root / "stock.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (root / "stock.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return root / "stock.key", root / "stock.pem"


def _seconds(command: list[Any]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
