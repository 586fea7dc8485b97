"""RegionKeys: keys in AWS KMS that cannot leave the region, and which services may use the ones that encrypt."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from sov_aws.forms.place import Arguments, Place, tags
from sov_aws.forms.policies import ANYONE, deny, document, statement
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Form, Output, Resource, Wires
from sovplatform.records import KeyPurpose

DELETION_DAYS = 30
ROTATION_DAYS = 180
KINDS = {
    KeyPurpose.sign: ("SIGN_VERIFY", "ECC_NIST_P256"),
    KeyPurpose.seal: ("SIGN_VERIFY", "ECC_NIST_EDWARDS25519"),
    KeyPurpose.wrap: ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"),
}
"""The same as the region's key store makes (`sovplatform.backends.awskms`)."""

USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")


def region_keys(construct: constructs.RegionKeys, wires: Wires, place: Place) -> Form:
    purposes = {"data": KeyPurpose.wrap, **construct.keys}
    made: dict[str, Resource] = {}
    resources: list[Resource] = []
    for name, purpose in purposes.items():
        services = [*logs(place), *trail(place), *scaling(place)] if name == "data" else []
        made[name], alias = key(construct, place, name, purpose, services)
        resources += [made[name], alias]
    data = made["data"]
    resources.append(Resource(type="aws_ebs_default_kms_key", name="account", arguments={"key_arn": data.ref("arn")}))
    example = place.arn("kms", "key/00000000-0000-0000-0000-000000000000")
    return Form(resources=tuple(resources), outputs={"keys.data": Output(value=data.ref("arn"), example=example)})


def key(
    construct: constructs.Construct, place: Place, name: str, purpose: KeyPurpose, services: Sequence[Arguments] = ()
) -> tuple[Resource, Resource]:
    """A key, protected since it takes with it all that it encrypted, and its alias.

    The alias moves when the region's key store rotates it, which Terraform is not to undo.
    """
    usage, spec = KINDS[purpose]
    arguments: Arguments = {
        "description": f"sovplatform: {purpose} key {name} of region {place.region.name}",
        "key_usage": usage,
        "customer_master_key_spec": spec,
        "multi_region": False,
        "deletion_window_in_days": DELETION_DAYS,
        "bypass_policy_lockout_safety_check": False,
        "policy": document(*_administration(place), *services),
        "tags": tags(construct, **{"sovplatform:key": place.alias(name), "sovplatform:region": place.region.name}),
        "lifecycle": [{"prevent_destroy": place.terraform.protect}],
    }
    if purpose is KeyPurpose.wrap:
        arguments |= {"enable_key_rotation": True, "rotation_period_in_days": ROTATION_DAYS}
    local = name.replace("-", "_")
    made = Resource(type="aws_kms_key", name=local, arguments=arguments)
    alias: Arguments = {
        "name": place.alias(name),
        "target_key_id": made.ref("key_id"),
        "lifecycle": [{"ignore_changes": ["target_key_id"]}],
    }
    return made, Resource(type="aws_kms_alias", name=local, arguments=alias)


def _administration(place: Place) -> list[Arguments]:
    """The account's own IAM decides who administers and uses it; nobody may take it out.

    Grants are not limited to those for AWS's resources: EKS does not make its grant as one (user guide, `CreateCluster`).
    """
    owner: JsonValue = {"AWS": place.arn("iam", "root")}
    leaving = ["kms:ReplicateKey", "kms:UpdatePrimaryRegion", "kms:ImportKeyMaterial", "kms:GetParametersForImport"]
    return [
        statement("Account", "kms:*", principal=owner),
        deny("Leaving", leaving, principal=ANYONE),
    ]


def logs(place: Place) -> list[Arguments]:
    """CloudWatch Logs, for this account's log groups."""
    groups = {"kms:EncryptionContext:aws:logs:arn": place.arn("logs", "log-group:*")}
    service: JsonValue = {"Service": place.principal("logs", regional=True)}
    return [statement("Logs", USE, principal=service, conditions={"ArnLike": groups})]


def trail(place: Place) -> list[Arguments]:
    """CloudTrail, for the region's one trail."""
    arn = place.arn("cloudtrail", f"trail/{trail_name(place)}")
    context = {"kms:EncryptionContext:aws:cloudtrail:arn": place.arn("cloudtrail", "trail/*")}
    service: JsonValue = {"Service": place.principal("cloudtrail")}
    encrypt = {"StringEquals": {"aws:SourceArn": arn}, "StringLike": context}
    return [
        statement("Trail", "kms:GenerateDataKey*", principal=service, conditions=encrypt),
        statement("TrailKey", "kms:DescribeKey", principal=service, conditions={"StringEquals": {"aws:SourceArn": arn}}),
    ]


def topic(place: Place) -> list[Arguments]:
    """Budgets, for the topic that it tells."""
    service: JsonValue = {"Service": place.principal("budgets")}
    own = {"StringEquals": {"aws:SourceAccount": place.account}}
    return [statement("Budgets", ["kms:GenerateDataKey*", "kms:Decrypt"], principal=service, conditions=own)]


def scaling(place: Place) -> list[Arguments]:
    """Auto Scaling's own role, which starts nodes with encrypted disks.

    It is named by a condition: as a principal it would have to exist, and in a new account it does not.
    """
    path = f"role/aws-service-role/{place.principal('autoscaling')}/AWSServiceRoleForAutoScaling"
    own = {"kms:CallerAccount": place.account}
    only = {"StringEquals": own, "ArnEquals": {"aws:PrincipalArn": place.arn("iam", path)}}
    granted = {**only, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        statement("Scaling", USE, principal=ANYONE, conditions=only),
        statement("ScalingGrants", "kms:CreateGrant", principal=ANYONE, conditions=granted),
    ]


def trail_name(place: Place) -> str:
    """The name of the region's trail."""
    return place.named("audit", limit=128)
