"""Signed notes and checkpoints, against notes that other implementations published."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sovplatform.errors import ConfigError, SignatureInvalid
from sovplatform.ledger import Checkpoint, note
from sovplatform.ledger.checkpoint import body

NEUMANN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
FOO_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO = (
    "This is an example message.\n\n"
    "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def pem_of(verifier: str) -> str:
    raw = base64.b64decode(verifier.split("+", 2)[2])[1:]
    return Ed25519PublicKey.from_public_bytes(raw).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(("text", "verifier"), [(NEUMANN, NEUMANN_KEY), (FOO, FOO_KEY)])
def test_a_note_published_by_another_implementation_verifies(text: str, verifier: str) -> None:
    assert text.startswith(note.verify(text, [pem_of(verifier)]))
    assert note.verifier_key(verifier.split("+", maxsplit=1)[0], pem_of(verifier)) == verifier


def test_a_published_checkpoint_is_read() -> None:
    checkpoint = Checkpoint.parse(SOFA)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert base64.b64encode(checkpoint.root_hash).decode() == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


@pytest.mark.parametrize(
    "changed",
    [
        NEUMANN.replace("cryptography", "Cryptography"),
        NEUMANN.replace("x08go/ZJ", "x08go/ZK"),
        NEUMANN.replace("x08go", "y08go"),
        NEUMANN.replace("\u2014", "-"),
        NEUMANN.rstrip("\n"),
        NEUMANN.replace("\n\n", "\n"),
        NEUMANN.replace("you", "\tyou"),
        NEUMANN.replace("AM=", "AM"),
        NEUMANN + "\u2014 nobody\n",
        "",
        "\n",
    ],
)
def test_a_changed_or_malformed_note_is_refused(changed: str) -> None:
    with pytest.raises(SignatureInvalid):
        note.verify(changed, [pem_of(NEUMANN_KEY)])


def test_signatures_of_unknown_keys_are_ignored_but_one_by_a_known_key_is_needed() -> None:
    line = FOO.split("\n\n")[1]
    assert note.verify(NEUMANN + line, [pem_of(NEUMANN_KEY)])
    with pytest.raises(SignatureInvalid, match="another key"):
        note.verify(NEUMANN, [pem_of(FOO_KEY)])


def test_a_checkpoint_is_written_as_it_is_read(key: Any) -> None:
    text = body("de.demo.sov/ledger", 7, b"\x07" * 32)
    signed = note.compose(text, "de.demo.sov/ledger", note.raw_public_key(key.pem), key.sign(text.encode()))
    checkpoint = Checkpoint.open(signed, origin="de.demo.sov/ledger", keys=[key.pem])
    assert (checkpoint.size, checkpoint.root_hash) == (7, b"\x07" * 32)
    with pytest.raises(SignatureInvalid, match="not of fr"):
        Checkpoint.open(signed, origin="fr.demo.sov/ledger", keys=[key.pem])


@pytest.mark.parametrize("text", ["o\n01\nAAAA\n", "o\n1\nAAAA\n", "o\n-1\n" + "A" * 43 + "=\n", "o\n1\n"])
def test_a_note_that_is_no_checkpoint_is_refused(text: str, key: Any) -> None:
    signed = note.compose(text, "o", note.raw_public_key(key.pem), key.sign(text.encode()))
    with pytest.raises(SignatureInvalid, match="no checkpoint"):
        Checkpoint.parse(signed)


@pytest.mark.parametrize(
    ("name", "text"), [("a b", "x\n"), ("a+b", "x\n"), ("", "x\n"), ("a", "x"), ("a", "x\n\ny\n"), ("a", "\x07\n")]
)
def test_what_cannot_be_a_note_is_not_made_into_one(name: str, text: str, key: Any) -> None:
    with pytest.raises(ConfigError):
        note.compose(text, name, note.raw_public_key(key.pem), b"\x00" * 64)


def test_only_ed25519_keys_are_taken() -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = elliptic.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(ConfigError, match="Ed25519"):
        note.raw_public_key(pem)
    with pytest.raises(ConfigError, match="PEM"):
        note.raw_public_key("no key")
