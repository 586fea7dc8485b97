from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sovplatform.errors import Denied, SignatureInvalid
from sovplatform.signing import sign_model, verified_files, verify_model


def stock(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The real `model_signing` command."""
    command = Path(sys.executable).with_name("model_signing")
    return subprocess.run([command, *map(str, words)], capture_output=True, text=True, timeout=120, check=False)


def test_the_stock_command_accepts_ours_and_not_a_changed_byte(keystore, model, tmp_path):
    (tmp_path / "model.sig").write_text(sign_model(model, keystore, "models"))
    (tmp_path / "key.pem").write_text(keystore.pem("models"))
    words = ("verify", "key", "--public_key", tmp_path / "key.pem", "--signature", tmp_path / "model.sig", model)
    accepted = stock(*words)
    assert accepted.returncode == 0, accepted.stderr
    (model / "model.onnx").write_bytes(b"Weights" + (model / "model.onnx").read_bytes()[7:])
    refused = stock(*words)
    assert refused.returncode != 0
    assert "model.onnx" in refused.stdout + refused.stderr


def test_what_the_stock_command_signs_is_accepted_when_nothing_is_hidden(model, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    hidden = model / "left-out.onnx"
    hidden.write_text("smuggled")
    signed = stock(
        "sign", "key", "--private_key", tmp_path / "key.pem", "--signature", tmp_path / "sig", "--ignore-paths", hidden, model
    )
    assert signed.returncode == 0, signed.stderr
    with pytest.raises(SignatureInvalid, match=r"left-out\.onnx"):
        verify_model(model, (tmp_path / "sig").read_text(), public)
    hidden.unlink()
    verify_model(model, (tmp_path / "sig").read_text(), public)


def test_every_file_is_covered(keystore, model):
    bundle = sign_model(model, keystore, "models")
    assert [entry.path for entry in verified_files(model, bundle, keystore.pem("models"))] == [
        "deep/.hidden",
        "model.onnx",
        "task.json",
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda model: (model / "model.onnx").write_bytes(b""),
        lambda model: (model / "task.json").unlink(),
        lambda model: (model / "extra").write_text(""),
        lambda model: (model / ".gitignore").write_text("*"),
        lambda model: ((model / ".git").mkdir(), (model / ".git" / "weights").write_text("x")),
        lambda model: (model / "deep" / ".hidden").rename(model / ".hidden"),
        lambda model: (model / "link").symlink_to(model / "task.json"),
        lambda model: (model / "linked").symlink_to(model / "deep"),
    ],
    ids=["changed", "missing", "added", "gitignore", "git", "moved", "link", "linked-directory"],
)
def test_a_directory_that_differs_is_refused(keystore, model, change):
    bundle = sign_model(model, keystore, "models")
    change(model)
    with pytest.raises(Denied):
        verify_model(model, bundle, keystore.pem("models"))


def test_another_key_is_refused(keystore, model):
    bundle = sign_model(model, keystore, "other")
    with pytest.raises(SignatureInvalid, match="another key"):
        verify_model(model, bundle, keystore.pem("models"))
    stripped = json.loads(bundle)
    stripped["verificationMaterial"]["publicKey"] = {}
    with pytest.raises(SignatureInvalid):
        verify_model(model, json.dumps(stripped), keystore.pem("models"))


@pytest.mark.parametrize("bundle", ["", "null", "[]", "{}", '{"mediaType": "x"}'])
def test_an_unreadable_bundle_is_refused(keystore, model, bundle):
    with pytest.raises(SignatureInvalid):
        verify_model(model, bundle, keystore.pem("models"))


def test_an_older_version_of_a_rotated_key_goes_on_verifying(keystore, model):
    before = keystore.pem("models")
    bundle = sign_model(model, keystore, "models")
    keystore.rotate("models")
    verify_model(model, bundle, before)
    verify_model(model, sign_model(model, keystore, "models"), keystore.pem("models"))


def test_what_other_verifiers_would_not_read_is_not_signed(keystore, model):
    (model / ".gitattributes").write_text("x")
    with pytest.raises(Denied, match="gitattributes"):
        sign_model(model, keystore, "models")


def test_an_empty_directory_is_not_signed(keystore, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(Denied):
        sign_model(tmp_path / "empty", keystore, "models")
