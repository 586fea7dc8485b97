"""The stores of a region: private, versioned, under the region's key, never replicated; and the two that pilots know."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from sov_aws.forms.place import Arguments, Place, tags
from sov_aws.forms.policies import ANYONE, Conditions, deny, document, waits, without_tls
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Form, Output, Resource, Wires

NONCURRENT_DAYS = 30
OBJECTS = ["s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*", "s3:RestoreObject"]


def store(
    construct: constructs.Construct,
    place: Place,
    kind: str,
    key_arn: JsonValue,
    *,
    rules: Sequence[Arguments] = (),
    lock: tuple[str, int] | None = None,
    sensitivity: str = "",
) -> list[Resource]:
    """A bucket and all that closes it; the bucket is the first. `lock` is a mode and days: objects cannot go before."""
    more = {"sov-kind": kind} | ({"sov-sensitivity": sensitivity} if sensitivity else {})
    bucket = Resource(
        type="aws_s3_bucket",
        name=kind,
        arguments={
            "bucket": place.bucket(kind),
            "force_destroy": False,
            "object_lock_enabled": lock is not None,
            "tags": tags(construct, **more),
        },
    )
    of: Arguments = {"bucket": bucket.ref("id")}
    versioning = _part("versioning", kind, {**of, "versioning_configuration": [{"status": "Enabled"}]})
    encryption: JsonValue = [
        {
            "bucket_key_enabled": True,
            "apply_server_side_encryption_by_default": [{"sse_algorithm": "aws:kms", "kms_master_key_id": key_arn}],
        }
    ]
    closed: Arguments = {
        "block_public_acls": True,
        "block_public_policy": True,
        "ignore_public_acls": True,
        "restrict_public_buckets": True,
    }
    public = _part("public_access_block", kind, {**of, **closed})
    policy: Arguments = {"policy": document(*_rules(bucket, key_arn), *rules), **waits(public)}
    made = [
        bucket,
        versioning,
        _part("server_side_encryption_configuration", kind, {**of, "rule": encryption}),
        public,
        _part("ownership_controls", kind, {**of, "rule": [{"object_ownership": "BucketOwnerEnforced"}]}),
        _part("policy", kind, {**of, **policy}),
        _part("lifecycle_configuration", kind, {**of, "rule": _lifecycle(lock[1] if lock else 0), **waits(versioning)}),
    ]
    if lock:
        rule: JsonValue = [{"default_retention": [{"mode": lock[0], "days": lock[1]}]}]
        made.append(_part("object_lock_configuration", kind, {**of, "rule": rule, **waits(versioning)}))
    return made


def _part(what: str, kind: str, arguments: Arguments) -> Resource:
    return Resource(type=f"aws_s3_bucket_{what}", name=kind, arguments=arguments)


def _lifecycle(locked_days: int) -> JsonValue:
    """Old versions go after a while, never before their lock does; what was begun and not ended goes soon."""
    return [
        {
            "id": "old-versions",
            "status": "Enabled",
            "filter": [{}],
            "noncurrent_version_expiration": [{"noncurrent_days": max(NONCURRENT_DAYS, locked_days)}],
            "abort_incomplete_multipart_upload": [{"days_after_initiation": 7}],
        }
    ]


def _rules(bucket: Resource, key_arn: JsonValue) -> list[Arguments]:
    """A header that is not there is no wrong one: then the bucket's own encryption applies."""
    whole: JsonValue = [bucket.ref("arn"), f"{bucket.ref('arn')}/*"]
    objects = f"{bucket.ref('arn')}/*"
    header, named = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
    other_way = {"Null": {header: "false"}, "StringNotEquals": {header: "aws:kms"}}
    other_key: Conditions = {"Null": {named: "false"}, "StringNotEquals": {named: key_arn}}
    return [
        without_tls("s3:*", whole),
        deny("OldTls", "s3:*", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}, principal=ANYONE, resources=whole),
        deny("OtherEncryption", "s3:PutObject", other_way, principal=ANYONE, resources=objects),
        deny("OtherKey", "s3:PutObject", other_key, principal=ANYONE, resources=objects),
        deny("Replication", "s3:PutReplicationConfiguration", principal=ANYONE, resources=bucket.ref("arn")),
    ]


def raw_data_store(construct: constructs.RawDataStore, wires: Wires, place: Place) -> Form:
    """Its objects are there for the region's own network alone; the bucket itself is Terraform's, from wherever it runs."""
    highest = max((label.sensitivity for label in construct.datasets.values()), default=None)
    arn = place.arn("s3", place.bucket("raw"))
    elsewhere = {"StringNotEquals": {"aws:SourceVpc": wires["network.id"]}}
    rules = [deny("OtherNetworks", OBJECTS, elsewhere, principal=ANYONE, resources=f"{arn}/*")]
    sensitivity = highest.name if highest is not None else ""
    made = store(construct, place, "raw", wires["keys.data"], rules=rules, sensitivity=sensitivity)
    return Form(resources=tuple(made), outputs={"raw.store": _named(made[0])})


def artifact_store(construct: constructs.ArtifactStore, wires: Wires, place: Place) -> Form:
    """Locked in mode GOVERNANCE, and nobody may lift the lock: unlike COMPLIANCE, a pilot's policy can still be changed."""
    arn = place.arn("s3", place.bucket("artifacts"))
    rules = [deny("LockIsKept", "s3:BypassGovernanceRetention", principal=ANYONE, resources=f"{arn}/*")]
    lock = ("GOVERNANCE", construct.lock_days)
    made = store(construct, place, "artifacts", wires["keys.data"], rules=rules, lock=lock)
    return Form(resources=tuple(made), outputs={"artifacts.store": _named(made[0])})


def _named(bucket: Resource) -> Output:
    return Output(value=bucket.ref("id"), example=bucket.arguments["bucket"])
