"""Container images and charts: in the region's own registry, since a cluster without a way out finds no other.

Repositories appear when something is pushed, each by one template: encrypted with the region's key, and what was pushed stays.
"""

from __future__ import annotations

from sov_aws.forms.guardrails import boundary_of
from sov_aws.forms.place import Arguments, Place, tags
from sov_aws.forms.policies import allowed, role, statement, waits
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Resource, Wires


def images(construct: constructs.Construct, wires: Wires, place: Place) -> list[Resource]:
    """The template, the role by which ECR makes repositories, and the scan of all that is pushed."""
    key = wires["keys.data"]
    maker = role(construct, place, "images", "ecr", boundary=boundary_of(wires))
    repositories = place.arn("ecr", f"repository/{place.registry}/*")
    rights = allowed(
        maker,
        statement("Make", ["ecr:CreateRepository", "ecr:TagResource"], repositories),
        statement("Key", ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"], key),
    )
    template: Arguments = {
        "prefix": place.registry,
        "description": f"Images and charts of region {place.region.name}",
        "applied_for": ["CREATE_ON_PUSH"],
        "custom_role_arn": maker.ref("arn"),
        "image_tag_mutability": "IMMUTABLE",
        "encryption_configuration": [{"encryption_type": "KMS", "kms_key": key}],
        "resource_tags": tags(construct),
        **waits(rights),
    }
    scan: Arguments = {
        "scan_type": "BASIC",
        "rule": [
            {
                "scan_frequency": "SCAN_ON_PUSH",
                "repository_filter": [{"filter": "*", "filter_type": "WILDCARD"}],
            }
        ],
    }
    return [
        maker,
        rights,
        Resource(type="aws_ecr_repository_creation_template", name="images", arguments=template),
        Resource(type="aws_ecr_registry_scanning_configuration", name="images", arguments=scan),
    ]
