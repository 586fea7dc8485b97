"""RegionKeys: a key ring in the location, keys in hardware or outside of Google, and which services may use the one for data."""

from __future__ import annotations

from pydantic import JsonValue

from sov_gcp.forms.place import Place, labels, project_data
from sovplatform import constructs
from sovplatform.errors import SettingError
from sovplatform.interfaces.stackforms import Form, Output, Resource, Wires
from sovplatform.records import KeyPurpose

ROTATION = "7776000s"
DESTROY_AFTER = "7776000s"
"""90 days each. A destroyed version can be brought back for as long."""

KINDS = {
    KeyPurpose.sign: ("ASYMMETRIC_SIGN", "EC_SIGN_P256_SHA256"),
    KeyPurpose.seal: ("ASYMMETRIC_SIGN", "EC_SIGN_ED25519"),
    KeyPurpose.wrap: ("ENCRYPT_DECRYPT", "GOOGLE_SYMMETRIC_ENCRYPTION"),
}
BACKED = frozenset({"EXTERNAL_VPC", "HSM_SINGLE_TENANT"})
"""Protection by something of the customer's own, which has a name."""

AGENTS = {
    "artifactregistry": "gcp-sa-artifactregistry",
    "compute": "compute-system",
    "container": "container-engine-robot",
    "pubsub": "gcp-sa-pubsub",
}
"""Service agents that encrypt with the key for data, by their domain; those of Storage and Logging are asked for."""


def region_keys(construct: constructs.RegionKeys, wires: Wires, place: Place) -> Form:
    ring = Resource(
        type="google_kms_key_ring",
        name="main",
        arguments={
            "project": place.project,
            "name": place.key_ring,
            "location": place.location,
            "lifecycle": [{"prevent_destroy": place.terraform.protect}],
        },
    )
    wanted = {"data": KeyPurpose.wrap, **construct.keys}
    keys = {name: _key(construct, place, ring, name, purpose) for name, purpose in wanted.items()}
    versions = [_external(place, keys[name], name) for name, purpose in wanted.items() if _is_external(place, purpose)]
    data = keys["data"]
    example = f"projects/{place.project}/locations/{place.location}/keyRings/{place.key_ring}/cryptoKeys/data"
    return Form(
        resources=(ring, *keys.values(), *versions, *_grants(place, data, versions)),
        outputs={"keys.data": Output(value=data.ref("id"), example=example)},
    )


def _protection(place: Place, purpose: KeyPurpose) -> str:
    settings = place.settings
    return (settings.seal_protection if purpose is KeyPurpose.seal else "") or settings.protection


def _is_external(place: Place, purpose: KeyPurpose) -> bool:
    return _protection(place, purpose).startswith("EXTERNAL")


def _key(construct: constructs.RegionKeys, place: Place, ring: Resource, name: str, purpose: KeyPurpose) -> Resource:
    kind, algorithm = KINDS[purpose]
    external = _is_external(place, purpose)
    if external and purpose is KeyPurpose.seal:
        raise SettingError.of(
            place.region.name,
            "seal_protection",
            f"key {name} is Ed25519, which external keys cannot be",
            remedy="set `seal_protection: SOFTWARE` (or HSM) under settings",
        )
    if external and purpose is KeyPurpose.wrap:
        algorithm = "EXTERNAL_SYMMETRIC_ENCRYPTION"
    arguments: dict[str, JsonValue] = {
        "name": name,
        "key_ring": ring.ref("id"),
        "purpose": kind,
        "version_template": [{"algorithm": algorithm, "protection_level": _protection(place, purpose)}],
        "destroy_scheduled_duration": DESTROY_AFTER,
        "import_only": False,
        "skip_initial_version_creation": external,
        "labels": labels(construct, **{"sov-purpose": str(purpose)}),
        "lifecycle": [{"prevent_destroy": place.terraform.protect}],
    }
    if purpose is KeyPurpose.wrap and not external:
        arguments["rotation_period"] = ROTATION
    if _protection(place, purpose) in BACKED:
        arguments["crypto_key_backend"] = _backend(place)
    return Resource(type="google_kms_crypto_key", name=name.replace("-", "_"), arguments=arguments)


def _backend(place: Place) -> str:
    if not place.terraform.key_backend:
        raise SettingError.of(
            place.region.name,
            "protection",
            f"protection is {place.settings.protection}, and there is no `key_backend`",
            remedy="set it to the full name of the EKM connection or the HSM instance, projects/PROJECT/locations/LOCATION/…",
        )
    return place.terraform.key_backend


def _external(place: Place, key: Resource, name: str) -> Resource:
    """The version that stands for a key in an external key manager: its address, and nothing of the key."""
    address = place.terraform.external_keys.get(name)
    if not address:
        raise SettingError.of(
            place.region.name,
            "external_keys",
            f"protection is {place.settings.protection}, and key {name} has no address",
            remedy=f"make the key in your key manager and set `external_keys: {{{name}: …}}` under settings",
        )
    path = "ekm_connection_key_path" if place.settings.protection == "EXTERNAL_VPC" else "external_key_uri"
    return Resource(
        type="google_kms_crypto_key_version",
        name=key.name,
        arguments={
            "crypto_key": key.ref("id"),
            "state": "ENABLED",
            "external_protection_level_options": [{path: address}],
            "lifecycle": [{"prevent_destroy": place.terraform.protect}],
        },
    )


def _grants(place: Place, data: Resource, versions: list[Resource]) -> list[Resource]:
    """Without them no bucket, disk, cluster, topic, image or log could be encrypted with the key."""
    project = project_data(place, "keys")
    storage = Resource(
        type="google_storage_project_service_account", name="keys", arguments={"project": place.project}, data=True
    )
    logging = Resource(type="google_logging_project_cmek_settings", name="keys", arguments={"project": place.project}, data=True)
    members = {
        "storage": f"serviceAccount:{storage.ref('email_address')}",
        "logging": f"serviceAccount:{logging.ref('service_account_id')}",
        **{
            agent: f"serviceAccount:service-{project.ref('number')}@{domain}.iam.gserviceaccount.com"
            for agent, domain in AGENTS.items()
        },
    }
    after: dict[str, JsonValue] = {"depends_on": [it.address for it in versions if it.name == data.name]}
    return [
        project,
        storage,
        logging,
        *(
            Resource(
                type="google_kms_crypto_key_iam_member",
                name=f"data_{agent}",
                arguments={
                    "crypto_key_id": data.ref("id"),
                    "role": "roles/cloudkms.cryptoKeyEncrypterDecrypter",
                    "member": member,
                    **(after if after["depends_on"] else {}),
                },
            )
            for agent, member in members.items()
        ),
    ]
