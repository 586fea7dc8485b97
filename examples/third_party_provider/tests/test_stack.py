"""The Terraform forms, without Terraform: they are data that follows from the region."""

from __future__ import annotations

import pytest
from acme_sov.stack import REASONS, AcmeForms

from sovplatform import constructs
from sovplatform.errors import Unsupported
from sovplatform.records import RegionSpec, Role

SPEC = RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider="acme")
COMMON = {"pilot": "demo", "region": SPEC, "labels": {"sov-pilot": "demo", "sov-region": "de", "sov-jurisdiction": "de"}}


def test_every_provider_and_the_state_are_in_the_regions_own_place() -> None:
    forms = AcmeForms(SPEC, "demo")
    (place,) = forms.locations()
    (kubernetes,) = forms.providers(["kubernetes"], {})
    assert kubernetes.configuration["config_context"] == place
    assert forms.backend("de-week1").configuration["config_context"] == place


def test_a_construct_offers_what_it_promised_and_labels_what_it_makes() -> None:
    form = AcmeForms(SPEC, "demo").form(constructs.LandingZone(cidr="10.0.0.0/16", **COMMON), {})
    assert set(form.outputs) == set(constructs.LandingZone.offers)
    for resource in form.resources:
        (metadata,) = resource.arguments["metadata"]
        assert metadata["labels"].items() >= COMMON["labels"].items()


@pytest.mark.parametrize("kind", REASONS)
def test_what_acme_does_not_make_says_why(kind: type[constructs.Construct]) -> None:
    needed = {"amount": 1, "gpu": "L4", "nodes": 1}
    given = {name: value for name, value in needed.items() if name in kind.model_fields}
    with pytest.raises(Unsupported) as caught:
        AcmeForms(SPEC, "demo").form(kind(**COMMON, **given), {})
    assert REASONS[kind] in str(caught.value)
