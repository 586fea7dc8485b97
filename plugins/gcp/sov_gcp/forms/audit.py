"""AuditSink: who did what in the project, all of it, to a locked bucket in the location; and no log in the global one."""

from __future__ import annotations

from sov_gcp.forms.place import Place, after_grant
from sov_gcp.forms.stores import bucket
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Form, Output, Resource, Wires

READABLE_DAYS = 30
AUDIT = 'logName:"cloudaudit.googleapis.com" OR logName:"access_transparency"'
EVERYTHING = "severity>=DEFAULT"


def audit_sink(construct: constructs.AuditSink, wires: Wires, place: Place) -> Form:
    key = wires["keys.data"]
    store = bucket(construct, place, key, "audit", locked_days=construct.retention_days)
    sink = Resource(
        type="google_logging_project_sink",
        name="audit",
        arguments={
            "project": place.project,
            "name": place.named("audit"),
            "description": f"audit trail of {place.region.name}, locked for {construct.retention_days} days",
            "destination": f"storage.googleapis.com/{store.ref('name')}",
            "filter": AUDIT,
            "unique_writer_identity": True,
        },
    )
    writer = Resource(
        type="google_storage_bucket_iam_member",
        name="audit_writer",
        arguments={
            "bucket": store.ref("name"),
            "role": "roles/storage.objectCreator",
            "member": sink.ref("writer_identity"),
        },
    )
    readable = Resource(
        type="google_logging_project_bucket_config",
        name="regional",
        arguments={
            "project": place.project,
            "location": place.location,
            "bucket_id": place.named("logs"),
            "description": f"all logs of {place.region.name}",
            "retention_days": READABLE_DAYS,
            "cmek_settings": [{"kms_key_name": key}],
            **after_grant(key, "logging"),
        },
    )
    regional = Resource(
        type="google_logging_project_sink",
        name="regional",
        arguments={
            "project": place.project,
            "name": place.named("logs"),
            "description": f"all logs stay in {place.location}",
            "destination": f"logging.googleapis.com/{readable.ref('id')}",
            "unique_writer_identity": True,
        },
    )
    return Form(
        resources=(_all_recorded(place), store, sink, writer, readable, regional, _nothing_global(place)),
        outputs={"audit.store": Output(value=store.ref("name"), example=str(store.arguments["name"]))},
    )


def _all_recorded(place: Place) -> Resource:
    """Google records by itself who changes things, and who reads data only when told so."""
    return Resource(
        type="google_project_iam_audit_config",
        name="all",
        arguments={
            "project": place.project,
            "service": "allServices",
            "audit_log_config": [{"log_type": kind} for kind in ("ADMIN_READ", "DATA_READ", "DATA_WRITE")],
        },
    )


def _nothing_global(place: Place) -> Resource:
    """The sink `_Default` writes to a log bucket whose location is `global`: it gets nothing."""
    return Resource(
        type="google_logging_project_exclusion",
        name="nothing_global",
        arguments={
            "project": place.project,
            "name": place.named("nothing-global"),
            "description": f"logs stay in {place.location}",
            "filter": EVERYTHING,
        },
    )
