"""The stores of a region: raw data, and the artifacts that may leave it; both in one location, under the region's key."""

from __future__ import annotations

from pydantic import JsonValue

from sov_gcp.forms.place import Place, after_grant, labels
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Form, Output, Resource, Wires

DAY = 86_400
NONCURRENT_DAYS = 30


def bucket(
    construct: constructs.Construct, place: Place, key: JsonValue, kind: str, *, locked_days: int = 0, sensitivity: str = ""
) -> Resource:
    """A bucket that is not public, versioned, and encrypted with the key; locked, its objects cannot go before their time.

    Cloud Storage speaks TLS only to the names that lead to it here, and `storage.secureHttpTransport` refuses all else.
    """
    more = {"sov-kind": kind} | ({"sov-sensitivity": sensitivity} if sensitivity else {})
    arguments: dict[str, JsonValue] = {
        "project": place.project,
        "name": place.bucket(kind),
        "location": place.location,
        "storage_class": "STANDARD",
        "force_destroy": False,
        "uniform_bucket_level_access": True,
        "public_access_prevention": "enforced",
        "versioning": [{"enabled": True}],
        "encryption": [{"default_kms_key_name": key}],
        "soft_delete_policy": [{"retention_duration_seconds": 7 * DAY}],
        "lifecycle_rule": [
            {
                "action": [{"type": "Delete"}],
                "condition": [{"days_since_noncurrent_time": max(NONCURRENT_DAYS, locked_days), "with_state": "ARCHIVED"}],
            }
        ],
        "labels": labels(construct, **more),
        **after_grant(key, "storage"),
    }
    if locked_days:
        arguments["retention_policy"] = [{"is_locked": True, "retention_period": str(locked_days * DAY)}]
    return Resource(type="google_storage_bucket", name=kind, arguments=arguments)


def raw_data_store(construct: constructs.RawDataStore, wires: Wires, place: Place) -> Form:
    highest = max((label.sensitivity for label in construct.datasets.values()), default=None)
    sensitivity = highest.name if highest is not None else ""
    store = bucket(construct, place, wires["keys.data"], "raw", sensitivity=sensitivity)
    return Form(resources=(store,), outputs={"raw.store": Output(value=store.ref("name"), example=str(store.arguments["name"]))})


def artifact_store(construct: constructs.ArtifactStore, wires: Wires, place: Place) -> Form:
    store = bucket(construct, place, wires["keys.data"], "artifacts", locked_days=construct.lock_days)
    return Form(
        resources=(store,), outputs={"artifacts.store": Output(value=store.ref("name"), example=str(store.arguments["name"]))}
    )
