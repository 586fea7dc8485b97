"""AuditSink: CloudTrail of all that is done in the account and read from its buckets, where nobody can change it."""

from __future__ import annotations

from pydantic import JsonValue

from sov_aws.forms.guardrails import boundary_of
from sov_aws.forms.keys import trail_name
from sov_aws.forms.network import log_group
from sov_aws.forms.place import Arguments, Place, tags
from sov_aws.forms.policies import allowed, role, statement, waits
from sov_aws.forms.stores import store
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Form, Output, Resource, Wires


def audit_sink(construct: constructs.AuditSink, wires: Wires, place: Place) -> Form:
    """The lock is in mode COMPLIANCE: until it ends, not even the account's root may delete what was recorded."""
    key = wires["keys.data"]
    rules = _rules(place)
    kept = store(construct, place, "audit", key, rules=rules, lock=("COMPLIANCE", construct.retention_days))
    bucket = kept[0]
    group = log_group(construct, "trail", f"/sov/{place.pilot}/{place.region.name}/trail", key, construct.retention_days)
    own = {"StringEquals": {"aws:SourceArn": place.arn("cloudtrail", f"trail/{trail_name(place)}")}}
    writer = role(construct, place, "trail", "cloudtrail", boundary=boundary_of(wires), conditions=own)
    rights = allowed(writer, statement("Trail", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{group.ref('arn')}:*"))
    arguments: Arguments = {
        "name": trail_name(place),
        "s3_bucket_name": bucket.ref("id"),
        "kms_key_id": key,
        "cloud_watch_logs_group_arn": f"{group.ref('arn')}:*",
        "cloud_watch_logs_role_arn": writer.ref("arn"),
        "is_multi_region_trail": True,  # what is done in another region is a breach, and recorded here
        "include_global_service_events": True,
        "enable_log_file_validation": True,
        "enable_logging": True,
        "advanced_event_selector": _selectors(bucket),
        "tags": tags(construct),
        **waits(*(one for one in kept if one.type == "aws_s3_bucket_policy"), rights),
    }
    made = Resource(type="aws_cloudtrail", name="main", arguments=arguments)
    outputs = {"audit.store": Output(value=bucket.ref("id"), example=bucket.arguments["bucket"])}
    return Form(resources=(*kept, group, writer, rights, made), outputs=outputs)


def _rules(place: Place) -> list[Arguments]:
    arn = place.arn("s3", place.bucket("audit"))
    service: JsonValue = {"Service": place.principal("cloudtrail")}
    own = {"aws:SourceArn": place.arn("cloudtrail", f"trail/{trail_name(place)}")}
    written = {"StringEquals": {**own, "s3:x-amz-acl": "bucket-owner-full-control"}}
    logs = f"{arn}/AWSLogs/{place.account}/*"
    return [
        statement("TrailLooks", "s3:GetBucketAcl", arn, principal=service, conditions={"StringEquals": own}),
        statement("TrailWrites", "s3:PutObject", logs, principal=service, conditions=written),
    ]


def _selectors(bucket: Resource) -> JsonValue:
    """All management events; and every read and write of objects, but those of the trail's own bucket."""
    return [
        {"name": "management", "field_selector": [{"field": "eventCategory", "equals": ["Management"]}]},
        {
            "name": "objects",
            "field_selector": [
                {"field": "eventCategory", "equals": ["Data"]},
                {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                {"field": "resources.ARN", "not_starts_with": [f"{bucket.ref('arn')}/"]},
            ],
        },
    ]
