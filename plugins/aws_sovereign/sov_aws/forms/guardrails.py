"""Guardrails: what nobody in the account may do, whatever else they may; and the account's defaults that keep data in."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from sov_aws.forms.place import Arguments, Place, tags
from sov_aws.forms.policies import Conditions, deny, document, statement, waits
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Form, Output, Resource, Wires

BOUNDARY = "guardrails.boundary"
"""A wire besides those that the construct promises: the permission boundary that the roles made later have."""

GLOBAL = (
    "account:*",
    "billing:*",
    "budgets:*",
    "ce:*",
    "health:*",
    "iam:*",
    "organizations:*",
    "sts:*",
    "support:*",
)
"""Services that answer for all regions from one place, which in partition aws is us-east-1. They hold no data of ours."""

USED = (
    "autoscaling:*",
    "cloudwatch:*",
    "ec2:*",
    "ecr:*",
    "eks-auth:*",
    "eks:*",
    "elasticloadbalancing:*",
    "iam:CreateServiceLinkedRole",
    "kms:*",
    "logs:*",
    "s3:*",
    "sts:*",
)
"""What the roles that are made here, and those of the pilot's workloads, may have at most; none of them all of it."""

OWN_ACCOUNT = "$${aws:PrincipalAccount}"
"""A variable of IAM's, not of Terraform's: the target of a control policy may have several accounts."""

POLICY_CHARACTERS = {"aws_organizations_policy": 5120, "aws_iam_policy": 6144}


def guardrails(construct: constructs.Guardrails, wires: Wires, place: Place) -> Form:
    """A boundary for every role that is made here; where `organization_target` says so, also a service control policy.

    The boundary is there in any case: a later week's stack shows by itself that its roles are bounded.
    """
    defaults = _defaults(construct, place)
    rules = _rules(place)
    # What follows may be changed by nobody but the operators afterwards, so it is there before.
    after = waits(*(one for one in defaults if one.type == "aws_s3_account_public_access_block"))
    boundary = Resource(
        type="aws_iam_policy",
        name="guardrails",
        arguments={
            "name": place.named("guardrails", limit=128),
            "description": f"The most that a role of region {place.region.name} of pilot {place.pilot} may do",
            "policy": document(statement("Most", USED), *rules),
            "tags": tags(construct),
            **after,
        },
    )
    example = place.arn("iam", f"policy/{boundary.arguments['name']}")
    controls = _controls(construct, place, rules, after) if place.terraform.organization_target else []
    outputs = {BOUNDARY: Output(value=boundary.ref("arn"), example=example)}
    return Form(resources=(*defaults, boundary, *controls), outputs=outputs)


def boundary_of(wires: Wires) -> JsonValue:
    """The boundary for a role."""
    return wires[BOUNDARY]


def _controls(construct: constructs.Guardrails, place: Place, rules: Sequence[Arguments], after: Arguments) -> list[Resource]:
    policy = Resource(
        type="aws_organizations_policy",
        name="guardrails",
        arguments={
            "name": place.named("guardrails", limit=128),
            "description": f"What nobody in region {place.region.name} of pilot {place.pilot} may do",
            "type": "SERVICE_CONTROL_POLICY",
            "content": document(*rules),
            "tags": tags(construct),
            **after,
        },
    )
    target: Arguments = {"policy_id": policy.ref("id"), "target_id": place.terraform.organization_target}
    return [policy, Resource(type="aws_organizations_policy_attachment", name="guardrails", arguments=target)]


def _rules(place: Place) -> list[Arguments]:
    here = {"StringNotEquals": {"aws:RequestedRegion": place.location}}
    outside = deny("OtherRegions", "*", here)
    if place.partition != "aws-eusc":  # which has its global services in its one region
        del outside["Action"]
        outside["NotAction"] = list(GLOBAL)
    return [
        outside,
        deny("OtherPartitions", "*", {"ArnNotLike": {"aws:PrincipalArn": f"arn:{place.partition}:*:*:*:*"}}),
        deny(
            "WritesToOtherAccounts",
            ["s3:PutObject", "ecr:PutImage", "kms:Encrypt", "sqs:SendMessage"],
            {"StringNotEquals": {"aws:ResourceAccount": OWN_ACCOUNT}},
        ),
        *_keys(),
        *_encryption(),
        *_copies(),
        *_ways_out(),
        *_operators_alone(place),
    ]


def _keys() -> list[Arguments]:
    leaving = ["kms:ReplicateKey", "kms:UpdatePrimaryRegion", "kms:ImportKeyMaterial", "kms:GetParametersForImport"]
    soon = {"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}}
    return [
        deny("KeysThatLeave", leaving),
        deny("MultiRegionKeys", "kms:CreateKey", {"Bool": {"kms:MultiRegion": "true"}}),
        deny("KeysFromOutside", "kms:CreateKey", {"StringEquals": {"kms:KeyOrigin": "EXTERNAL"}}),
        deny("KeysGoneSoon", "kms:ScheduleKeyDeletion", soon),
    ]


def _encryption() -> list[Arguments]:
    return [
        deny("EncryptionOff", ["ec2:DisableEbsEncryptionByDefault", "kms:DisableKeyRotation", "logs:DisassociateKmsKey"]),
        deny("ClearVolumes", ["ec2:CreateVolume", "ec2:RunInstances"], {"Bool": {"ec2:Encrypted": "false"}}),
        deny("ClearDatabases", "rds:CreateDB*", {"Bool": {"rds:StorageEncrypted": "false"}}),
    ]


def _copies() -> list[Arguments]:
    """No replication, and nothing that is shared with another account."""
    return [
        deny(
            "Replication",
            [
                "s3:PutReplicationConfiguration",
                "s3:ReplicateObject",
                "ecr:PutReplicationConfiguration",
                "secretsmanager:ReplicateSecretToRegions",
                "dynamodb:CreateGlobalTable",
                "backup:CopyFromBackupVault",
                "rds:CreateDBInstanceReadReplica",
            ],
        ),
        deny(
            "Sharing",
            [
                "ec2:ModifySnapshotAttribute",
                "ec2:ModifyImageAttribute",
                "rds:ModifyDB*SnapshotAttribute",
                "ram:CreateResourceShare",
                "ecr:SetRepositoryPolicy",
            ],
        ),
    ]


def _ways_out() -> list[Arguments]:
    canned: Conditions = {"StringLike": {"s3:x-amz-acl": ["public-*", "authenticated-read"]}}
    return [
        deny("PublicObjects", ["s3:PutObject", "s3:PutObjectAcl", "s3:PutBucketAcl", "s3:CreateBucket"], canned),
        deny(
            "Internet",
            [
                "ec2:CreateInternetGateway",
                "ec2:AttachInternetGateway",
                "ec2:CreateEgressOnlyInternetGateway",
                "ec2:CreateNatGateway",
                "ec2:AllocateAddress",
                "ec2:CreateVpcPeeringConnection",
                "ec2:AcceptVpcPeeringConnection",
            ],
        ),
    ]


def _operators_alone(place: Place) -> list[Arguments]:
    """What Terraform itself has to do; without `operators` nobody may, and `destroy` needs the guardrails to go first."""
    operators: list[JsonValue] = list(place.terraform.operators)
    others: Conditions | None = {"ArnNotLike": {"aws:PrincipalArn": operators}} if operators else None
    audit = ["cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:UpdateTrail", "cloudtrail:PutEventSelectors"]
    public = ["s3:PutAccountPublicAccessBlock", "ec2:DisableSnapshotBlockPublicAccess", "ec2:DisableImageBlockPublicAccess"]
    return [deny("AuditIsKept", audit, others), deny("NothingPublic", public, others)]


def _defaults(construct: constructs.Guardrails, place: Place) -> list[Resource]:
    closed: Arguments = {
        "block_public_acls": True,
        "block_public_policy": True,
        "ignore_public_acls": True,
        "restrict_public_buckets": True,
    }
    metadata: Arguments = {
        "http_tokens": "required",
        "http_endpoint": "enabled",
        "http_put_response_hop_limit": 1,
        "instance_metadata_tags": "disabled",
    }
    analyzer: Arguments = {
        "analyzer_name": place.named("external", limit=255),
        "type": "ACCOUNT",
        "tags": tags(construct),
    }
    return [
        Resource(type="aws_s3_account_public_access_block", name="account", arguments=closed),
        Resource(type="aws_ebs_encryption_by_default", name="account", arguments={"enabled": True}),
        Resource(type="aws_ebs_snapshot_block_public_access", name="account", arguments={"state": "block-all-sharing"}),
        Resource(type="aws_ec2_image_block_public_access", name="account", arguments={"state": "block-new-sharing"}),
        Resource(type="aws_ec2_instance_metadata_defaults", name="account", arguments=metadata),
        Resource(type="aws_accessanalyzer_analyzer", name="external", arguments=analyzer),
    ]
