"""Registry: immutable, signed model versions of one region."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from sovplatform.records import ModelVersion


class Registry(ABC):
    """Model versions with their signature and provenance. A version never changes; aliases move."""

    @abstractmethod
    def register(
        self, name: str, directory: Path, *, artifact: str, signature: str, provenance: str, tags: Mapping[str, str] = {}
    ) -> ModelVersion:
        """Store the directory's files as the next version of `name`.

        `artifact` is the digest it is known by; registering one digest twice returns the version it has.
        `signature` (an OpenSSF bundle) and `provenance` (an in-toto statement) are JSON text and kept with it.

        Raises:
            NotFound: the directory does not exist.
            Unavailable: the registry does not answer.
        """

    @abstractmethod
    def get(self, name: str, version: int) -> ModelVersion:
        """One version.

        Raises:
            NotFound: no such model or version.
            Unavailable: the registry does not answer.
        """

    @abstractmethod
    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        """All versions, oldest first; none when the model is not known.

        Raises:
            Unavailable: the registry does not answer.
        """

    @abstractmethod
    def fetch(self, name: str, version: int, destination: Path) -> Path:
        """Copy the version's files, byte for byte, into the new directory `destination`, and return it.

        Raises:
            NotFound: no such version.
            Conflict: `destination` exists and is not empty.
            Unavailable: the registry does not answer.
        """

    @abstractmethod
    def set_alias(self, name: str, alias: str, version: int) -> ModelVersion:
        """Point `alias` (for example `champion`) at a version, moving it when it points elsewhere.

        Raises:
            NotFound: no such version.
            Unavailable: the registry does not answer.
        """

    @abstractmethod
    def resolve(self, name: str, alias: str) -> ModelVersion:
        """The version an alias points at.

        Raises:
            NotFound: no such model or alias.
            Unavailable: the registry does not answer.
        """
