"""KeyStore: keys that are bound to a region and cannot leave it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sovplatform.records import DataKey, KeyFacts, KeyPurpose, Signature


class KeyStore(ABC):
    """Keys of one region. Private halves never leave the service behind it.

    Six methods, in the manner of securesystemslib's `Signer`: small enough for any KMS or HSM.
    """

    @abstractmethod
    def create(self, name: str, purpose: KeyPurpose) -> KeyFacts:
        """Make the key `name`, not exportable, or return it when it exists with that purpose.

        Raises:
            Conflict: the key exists with another purpose.
            Denied: this identity may not create keys.
            Unsupported: the service has no such key type.
            Unavailable: the service does not answer.
        """

    @abstractmethod
    def facts(self, name: str) -> KeyFacts:
        """What the service attests of the key: algorithm, exportability, region, versions, public keys.

        Raises:
            NotFound: no such key.
            Denied: this identity may not read it.
            Unavailable: the service does not answer.
        """

    @abstractmethod
    def sign(self, name: str, data: bytes) -> Signature:
        """Sign `data` with the newest version: ECDSA P-256 over SHA-256 as ASN.1 DER (`sign`), or Ed25519 (`seal`).

        Raises:
            NotFound: no such key.
            Denied: this identity may not sign with it.
            Unsupported: the key's purpose is not signing.
            Unavailable: the service does not answer.
        """

    @abstractmethod
    def wrap(self, name: str, data_key: bytes, context: bytes = b"") -> DataKey:
        """Encrypt a data key of 16 to 64 bytes under the key; `context` is authenticated and needed again to unwrap.

        Envelope encryption as in NIST SP 800-57 part 1, section 6: the wrapped key is stored beside the data.

        Raises:
            NotFound, Denied, Unsupported (not a `wrap` key), Unavailable.
        """

    @abstractmethod
    def unwrap(self, data_key: DataKey, context: bytes = b"") -> bytes:
        """The plain data key.

        Raises:
            Denied: another context, another region's key, changed bytes, or no right to it.
            NotFound, Unavailable.
        """

    @abstractmethod
    def rotate(self, name: str) -> KeyFacts:
        """Make a new version. Older versions go on verifying and unwrapping.

        Raises:
            NotFound, Denied, Unavailable.
        """
