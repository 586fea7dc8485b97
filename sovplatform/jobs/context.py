"""What a job is given: its configuration, its region's keys and data, and the way to the gate."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue

from sovplatform import artifacts
from sovplatform.border.client import BorderClient
from sovplatform.errors import ConfigError
from sovplatform.interfaces import KeyStore, Region
from sovplatform.labels import Label
from sovplatform.pilot import RegionConfig
from sovplatform.private import write_atomically
from sovplatform.records import Artifact, JobSpec, Kind, PrivacyEvidence, ShapeContract

PRODUCER_KEY = "artifacts"


@dataclass(frozen=True)
class JobContext:
    """`home` is the region's own directory; `directory` the job's."""

    spec: JobSpec
    directory: Path
    home: Path
    region_config: RegionConfig

    @classmethod
    def of(cls, spec: JobSpec, directory: Path) -> JobContext:
        home = directory.parent.parent
        return cls(spec, directory, home, RegionConfig.from_json((home / "region.json").read_bytes()))

    @property
    def config(self) -> Mapping[str, JsonValue]:
        return self.spec.config

    def text(self, name: str) -> str:
        """A string of the job's configuration.

        Raises:
            ConfigError: it is not there.
        """
        value = self.config.get(name)
        if not isinstance(value, str):
            raise ConfigError(f"job {self.spec.id} has no setting {name}", remedy="submit it by `sovctl run`")
        return value

    @property
    def pilot_directory(self) -> Path | None:
        value = self.config.get("pilot_directory")
        return Path(value) if isinstance(value, str) else None

    @property
    def spiffe_id(self) -> str:
        return f"spiffe://{self.region_config.region.name}.{self.region_config.pilot}.sov/job/{self.spec.identity}"

    @cached_property
    def region(self) -> Region:
        """The job's own region, opened with the job's own identity."""
        from sovplatform.plugins import Plugins

        config = self.region_config
        return Plugins.load([config.region.provider]).make_region(config.region, config.pilot, self.home)

    @cached_property
    def keystore(self) -> KeyStore:
        return self.region.keystore()

    @cached_property
    def border(self) -> BorderClient:
        return BorderClient(os.environ["SOV_BORDER"], region=self.region_config.region.name)

    def outbox(self, run: str, round: int | None, name: str) -> Path:
        """Where an artifact of this run is made. What is there already was made before a crash, and is used again."""
        return self.home / "outbox" / run / f"{'final' if round is None else f'{round:05d}'}-{name}"

    def seal(
        self,
        directory: Path,
        *,
        kind: Kind,
        name: str,
        label: Label,
        run: str,
        round: int | None = None,
        parents: tuple[str, ...] = (),
        privacy: PrivacyEvidence | None = None,
        facts: Mapping[str, JsonValue] = {},
    ) -> Artifact:
        """Write and sign the manifest of the files in `directory`."""
        artifact = artifacts.seal(
            directory,
            kind=kind,
            name=name,
            label=label,
            producer=self.spiffe_id,
            task=self._contract(kind).task,
            run=run,
            round=round,
            parents=parents,
            privacy=privacy,
            facts=facts,
        )
        signature = self.keystore.sign(PRODUCER_KEY, artifact.digest.encode())
        write_atomically(directory / artifacts.SIGNATURE, signature.canonical())
        return artifact

    def _contract(self, kind: Kind) -> ShapeContract:
        statistics = self.region_config.statistics
        return statistics if kind is Kind.statistics and statistics is not None else self.region_config.contract

    @staticmethod
    def fresh(directory: Path) -> Path:
        """An empty sibling to make an artifact in; `publish` moves it into place whole."""
        staging = directory.with_name(f".{directory.name}.making")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        return staging

    @staticmethod
    def publish(staging: Path, directory: Path) -> Path:
        return staging.rename(directory)
