"""An on-prem region whose keys are on an HSM: found or not by its check. SoftHSM2 stands in for the machine."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.softhsm import MakePlace
from sov_onprem.region import OnPremRegion

from sovplatform.errors import ConfigError
from sovplatform.records import Finding, RegionSpec, Role

Check = Callable[..., Finding]


def region(home: Path, pkcs11: dict[str, str]) -> OnPremRegion:
    spec = RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider="onprem", settings={"pkcs11": pkcs11})
    return OnPremRegion(spec, "pilot", home)


@pytest.fixture
def check(hsm: MakePlace, tmp_path: Path) -> Check:
    def run(**changes: str) -> Finding:
        (found,) = [one for one in region(tmp_path, hsm("region")._asdict() | changes).check() if one.check == "HSM"]
        return found

    return run


def test_a_token_that_opens_is_found(check: Check) -> None:
    assert (check().ok, check().detail) == (True, "token region")


@pytest.mark.parametrize(
    ("changes", "detail"),
    [({"token": "other"}, "not one token other"), ({"pin_file": "/nowhere/pin"}, "/nowhere/pin"), ({"module": "/x.so"}, "/x.so")],
)
def test_a_token_that_does_not_open_is_a_finding_with_a_remedy(check: Check, changes: dict[str, str], detail: str) -> None:
    finding = check(**changes)
    assert not finding.ok
    assert detail in finding.detail
    assert finding.remedy


def test_the_keys_of_the_region_are_those_on_the_token(
    hsm: MakePlace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sovplatform.records import KeyPurpose

    there = region(tmp_path, hsm("region")._asdict())
    monkeypatch.setattr(there, "_require_up", lambda: None)  # its node has no part in this
    facts = there.keystore().create("custody", KeyPurpose.sign)
    assert (facts.uri, facts.region, facts.jurisdiction) == ("pkcs11:token=region;object=custody", "de", "DE")


def test_a_setting_that_the_hsm_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pkcs11\.pin"):
        region(tmp_path, {"module": "m", "token": "t", "pin_file": "f", "pin": "1234"})
