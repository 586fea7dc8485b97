"""Two regions on the session's OpenBao."""

import pytest

from tests.fixtures.openbao import MakeRegion, ProvisionedRegion


@pytest.fixture(scope="session")
def de(make_region: MakeRegion) -> ProvisionedRegion:
    return make_region("de")


@pytest.fixture(scope="session")
def fr(make_region: MakeRegion) -> ProvisionedRegion:
    return make_region("fr")
