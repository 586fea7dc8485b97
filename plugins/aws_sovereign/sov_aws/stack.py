"""AwsForms: the constructs of a pilot on AWS, with every ARN and endpoint built from the region's partition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from sovplatform import constructs
from sovplatform.errors import Unsupported
from sovplatform.interfaces.stackforms import Backend, Form, Output, Resource, StackForms, TerraformProvider

Wires = Mapping[str, JsonValue]
PLACE = "eusc-de-east-1"


class AwsForms(StackForms):
    """See StackForms."""

    def locations(self) -> Sequence[str]:
        return (PLACE,)

    def providers(self, used: Sequence[str], wires: Wires) -> Sequence[TerraformProvider]:
        aws = TerraformProvider(name="aws", source="hashicorp/aws", version=">= 6.29", configuration={"region": PLACE})
        return [aws]

    def backend(self, stack: str) -> Backend:
        place: dict[str, JsonValue] = {"bucket": "state", "key": f"{stack}.tfstate", "region": PLACE}
        return Backend(type="s3", configuration=place, terraform="1.14", opentofu="1.11")

    def form(self, construct: constructs.Construct, wires: Wires) -> Form:
        make = _FORMS.get(type(construct))
        if make is None:
            raise Unsupported(construct.title, reason="AWS has no form for it yet")
        return make(construct, wires)


def _landing_zone(construct: constructs.LandingZone, wires: Wires) -> Form:
    vpc = Resource(type="aws_vpc", name="main", arguments={"cidr_block": construct.cidr, "tags": dict(construct.labels)})
    subnets: list[JsonValue] = ["subnet-0123456789abcdef0"]
    return Form(
        resources=(vpc,),
        outputs={
            "network.id": Output(value=vpc.ref("id"), example="vpc-0123456789abcdef0"),
            "network.subnets": Output(value=[], example=subnets),
        },
    )


_FORMS: dict[type[constructs.Construct], Callable[..., Form]] = {constructs.LandingZone: _landing_zone}
