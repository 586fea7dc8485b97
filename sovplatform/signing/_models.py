"""OpenSSF model signatures (OMS): a sigstore bundle, in it DSSE over an in-toto statement that lists every file.

The format is that of PyPI `model-signing` 1.1 (github.com/sigstore/model-transparency). It is written and read here,
because that package imports sigstore and requests (0.7-1.6 s), and because its verifier leaves files unread: those
of git, and whatever the signature itself lists under `ignore_paths`. Tests hold both directions against its command.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sovplatform.errors import Denied, SignatureInvalid
from sovplatform.interfaces.keystore import KeyStore
from sovplatform.records import FileEntry, Signature
from sovplatform.signing._dsse import STATEMENT_TYPE, pae, seal, unreadable, unseal
from sovplatform.signing._files import hash_directory
from sovplatform.signing._keys import load_public_key, verify

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
_UNSIGNABLE = frozenset({".git", ".gitattributes", ".github", ".gitignore"})


def sign_model(directory: Path, keystore: KeyStore, key: str) -> str:
    """Sign every file below `directory` with the KeyStore's key (purpose `sign`), and return the bundle as JSON.

    Keep the bundle outside the directory. `model_signing verify key --public_key P --signature S DIRECTORY` accepts it.

    Raises:
        NotFound: no such directory, or key.
        Denied: nothing to sign, a link or special file, or a file of git, which the stock verifier would not read.
        SignatureInvalid: the KeyStore's answer does not verify with any version of the key.
        Unavailable: the KeyStore does not answer.
    """
    files = hash_directory(directory)
    if not files:
        raise Denied(f"{directory.name} holds no file to sign", remedy="sign the directory that holds model.onnx")
    hidden = sorted({entry.path.split("/")[0] for entry in files} & _UNSIGNABLE)
    if hidden:
        raise Denied(f"{directory.name} holds {', '.join(hidden)}", remedy="remove it: verifiers do not read git's files")
    envelope, signature = seal(_statement(directory.resolve().name, files), keystore, key)
    bundle = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {
            "publicKey": {"hint": key_hint(_signer(keystore, key, signature, envelope))},
            "tlogEntries": [],
        },
        "dsseEnvelope": envelope,
    }
    return json.dumps(bundle)


def verify_model(directory: Path, bundle: str, public_key: str) -> None:
    """Check that the directory holds exactly the files that were signed with `public_key` (PEM), nothing more or less.

    Raises:
        SignatureInvalid: another key, an unreadable bundle, or a file that is changed, missing, added or hidden.
        NotFound: no such directory.
        Denied: a link or a special file in the directory.
    """
    verified_files(directory, bundle, public_key)


def verified_files(directory: Path, bundle: str, public_key: str) -> tuple[FileEntry, ...]:
    """As `verify_model`, and returns what was read, so that nobody needs to hash the files again."""
    signed = signed_files(bundle, public_key)
    found = hash_directory(directory)
    actual = {entry.path: entry.sha256.removeprefix("sha256:") for entry in found}
    wrong = sorted(path for path in signed.keys() | actual.keys() if signed.get(path) != actual.get(path))
    if wrong:
        raise SignatureInvalid(
            f"model {directory.name} is not what was signed",
            reasons=[f"differs: {', '.join(wrong[:5])}"],
            remedy="fetch it again from the registry, or sign it anew",
        )
    return found


def signed_files(bundle: str, public_key: str) -> dict[str, str]:
    """Path to SHA-256 (hex) of every file that a bundle by `public_key` covers."""
    try:
        content = json.loads(bundle)
        media_type, hint = content["mediaType"], content["verificationMaterial"]["publicKey"].get("hint")
        envelope = content["dsseEnvelope"]
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise unreadable("no sigstore bundle with a public key") from err
    if media_type != MEDIA_TYPE:
        raise unreadable(f"its media type is {media_type!r}")
    if hint and hint != key_hint(public_key):
        raise SignatureInvalid(
            "the model was signed by another key", reasons=[f"by {hint[:16]}…"], remedy="check which key is pinned"
        )
    return _resources(unseal(envelope, public_key))


def key_hint(public_key: str) -> str:
    """SHA-256 (hex) of the key's PEM, by which a bundle names its key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = load_public_key(public_key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(pem).hexdigest()


def _statement(name: str, files: Sequence[FileEntry]) -> dict[str, Any]:
    digests = [entry.sha256.removeprefix("sha256:") for entry in files]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": _root(digests)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
            "resources": [
                {"name": entry.path, "algorithm": "sha256", "digest": digest}
                for entry, digest in zip(files, digests, strict=True)
            ],
        },
    }


def _resources(statement: dict[str, Any]) -> dict[str, str]:
    if statement.get("predicateType") != PREDICATE_TYPE:
        raise unreadable(f"it states {statement.get('predicateType')!r}, not a model's files")
    try:
        (subject,) = statement["subject"]
        resources = statement["predicate"]["resources"]
        method = statement["predicate"]["serialization"]["method"]
        algorithms = {resource["algorithm"] for resource in resources}
        files = {str(resource["name"]): str(resource["digest"]) for resource in resources}
        root = subject["digest"]["sha256"]
        consistent = root == _root([resource["digest"] for resource in resources]) and len(files) == len(resources)
    except (KeyError, TypeError, ValueError) as err:
        raise unreadable("its list of files is incomplete") from err
    if method != "files" or algorithms != {"sha256"} or not consistent:
        raise unreadable("it does not list each file once with its SHA-256")
    return files


def _root(digests: Sequence[str]) -> str:
    return hashlib.sha256(b"".join(bytes.fromhex(digest) for digest in digests)).hexdigest()


def _signer(keystore: KeyStore, key: str, signature: Signature, envelope: dict[str, Any]) -> str:
    """The version of the key that made the signature: the key may have been rotated a moment ago."""
    import base64

    data = pae(base64.b64decode(envelope["payload"]))
    for public_key in reversed(list(keystore.facts(key).public_keys.values())):
        try:
            verify(signature, data, public_key)
        except SignatureInvalid:
            continue
        return public_key
    raise SignatureInvalid(f"the KeyStore's signature with {key} does not verify", remedy="check the key service")
