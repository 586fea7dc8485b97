"""What every Region must do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sovplatform.errors import Denied, NotFound, Unavailable, Unsupported
from sovplatform.interfaces import KeyStore, Region, Registry, Server, Trainer
from sovplatform.records import RegionTrust
from sovplatform.testing.conformance.waiting import missing

SERVICES = {"keystore": KeyStore, "registry": Registry, "trainer": Trainer, "server": Server}


class Started(NamedTuple):
    """A region that is up, and what it told of itself."""

    region: Region
    trust: RegionTrust | None


class RegionConformance:
    """Must override: the method `make_region`. Each test gets a home of its own, or shares one region that is up.

    A home is `…/regions/NAME`, as in a pilot: what the regions of one pilot share may be beside `regions`.
    """

    def make_region(self, home: Path) -> Region:
        """A new Region, whose own directory is `home`."""
        raise missing("make_region (a method)")

    @pytest.fixture
    def region(self, tmp_path: Path) -> Region:
        """A region that was made and not started."""
        return self.make_region(tmp_path / "regions" / "check")

    @pytest.fixture(scope="class")
    @classmethod
    def started(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
        region = cls().make_region(tmp_path_factory.mktemp("pilot") / "regions" / "check")
        try:
            yield Started(region, region.start())
        finally:
            region.stop()

    def test_making_a_region_touches_nothing(self, tmp_path: Path) -> None:
        self.make_region(tmp_path / "regions" / "check")
        assert list(tmp_path.rglob("*")) == []

    def test_a_check_finds_without_raising_and_says_what_to_do(self, region: Region) -> None:
        findings = region.check()
        assert findings
        assert all(finding.check for finding in findings)
        assert all(finding.remedy for finding in findings if not finding.ok)

    def test_status_never_raises(self, region: Region) -> None:
        status = region.status()
        assert status.region == region.spec.name
        assert status.up or status.problems

    @pytest.mark.parametrize("service", SERVICES)
    def test_a_service_of_a_region_that_is_not_up_is_unavailable(self, region: Region, service: str) -> None:
        if region.status().up:
            pytest.skip("this region is always up")
        with pytest.raises((Unavailable, Unsupported)):
            getattr(region, service)()
        assert not region.status().up, f"asking for the {service} started the region"

    @pytest.mark.parametrize("service", SERVICES)
    def test_a_service_is_there_or_unsupported_for_a_reason(self, started: Started, service: str) -> None:
        try:
            assert isinstance(getattr(started.region, service)(), SERVICES[service])
        except Unsupported as err:
            assert err.feature
            assert err.reason
            pytest.skip(str(err))

    def test_a_region_that_was_started_is_up(self, started: Started) -> None:
        status = started.region.status()
        assert status.up, status.problems
        assert status.region == started.region.spec.name

    def test_what_it_tells_of_itself_is_what_its_spec_says(self, started: Started) -> None:
        spec, trust = started.region.spec, started.trust
        if trust is None:
            pytest.skip("this region is managed elsewhere")
        assert (trust.region, trust.jurisdiction, trust.role) == (spec.name, spec.jurisdiction, spec.role)
        assert trust.trust_domain
        assert trust.keys
        for public_key in trust.keys.values():
            load_pem_public_key(public_key.encode())

    def test_its_keys_are_in_its_jurisdiction_and_cannot_leave(self, started: Started) -> None:
        names = started.trust.keys if started.trust else ()
        try:
            facts = [started.region.keystore().facts(name) for name in names]
        except (Denied, NotFound, Unsupported) as err:
            pytest.skip(f"this identity cannot see the keys: {err}")
        for fact in facts:
            assert (fact.region, fact.jurisdiction) == (started.region.spec.name, started.region.spec.jurisdiction)
            assert fact.exportable is False

    def test_starting_twice_is_no_error_and_changes_nothing(self, started: Started) -> None:
        again = started.region.start()
        assert (again and again.keys) == (started.trust and started.trust.keys)

    def test_stopping_keeps_the_keys_and_can_be_done_twice(self, region: Region) -> None:
        before = region.start()
        try:
            region.stop()
            region.stop()
            assert region.status().region == region.spec.name
            after = region.start()
            assert (after and after.keys) == (before and before.keys)
        finally:
            region.stop()
