"""A region's keys on its own OpenBao or Vault: its namespace, the keys by purpose, and who may use which."""

from __future__ import annotations

from pydantic import JsonValue

from sovplatform.backends.terraform.kubernetes import Arguments, local_name
from sovplatform.backends.vault import TYPES
from sovplatform.backends.vault_rights import policies
from sovplatform.constructs import AuditSink, RegionKeys
from sovplatform.interfaces.stackforms import Form, Output, Resource, TerraformProvider

SOURCE, VERSION = "hashicorp/vault", "~> 5.0"
ROTATION_SECONDS = 90 * 24 * 3600


def vault_provider(address: str, ca: str = "") -> TerraformProvider:
    """The provider; its token is in `VAULT_TOKEN` or the token helper, and nowhere here."""
    configuration: dict[str, JsonValue] = {"address": address, "skip_child_token": True}
    if ca:
        configuration["ca_cert_file"] = ca
    return TerraformProvider(name="vault", source=SOURCE, version=VERSION, configuration=configuration)


def region_keys(construct: RegionKeys, namespace: str) -> Form:
    """As `VaultRegion.provision` makes them, which finds them there and adds the CA and the logins.

    Vault has no labels; the namespace's custom metadata carry them.
    """
    space = Resource(
        type="vault_namespace",
        name="region",
        arguments={"path": namespace, "custom_metadata": dict(construct.labels)},
    )
    inside = space.ref("path")
    transit = Resource(
        type="vault_mount",
        name="transit",
        arguments={"namespace": inside, "path": "transit", "type": "transit", "description": f"keys of {construct.region.name}"},
    )
    keys = {name: _key(name, TYPES[purpose], inside, transit) for name, purpose in construct.keys.items()}
    rights = [
        Resource(type="vault_policy", name=local_name(role), arguments={"namespace": inside, "name": role, "policy": policy})
        for role, policy in policies().items()
    ]
    data = Output(value=keys["data"].ref("id"), example="transit/keys/data")
    return Form(resources=(space, transit, *keys.values(), *rights), outputs={"keys.data": data})


def _key(name: str, kind: str, namespace: str, mount: Resource) -> Resource:
    arguments: Arguments = {
        "namespace": namespace,
        "backend": mount.ref("path"),
        "name": name,
        "type": kind,
        "exportable": False,
        "allow_plaintext_backup": False,
        "deletion_allowed": False,
        "auto_rotate_period": ROTATION_SECONDS,
    }
    return Resource(type="vault_transit_secret_backend_key", name=local_name(name), arguments=arguments)


def audit_device(construct: AuditSink, file: str) -> Form:
    """Vault's audit log, in a file of its machine, with what is secret hashed. OpenBao's is named in its own configuration."""
    options: dict[str, JsonValue] = {"file_path": file, "mode": "0600", "log_raw": "false"}
    arguments: Arguments = {
        "type": "file",
        "path": f"sov-{construct.region.name}",
        "description": f"region {construct.region.name} of pilot {construct.pilot}",
        "options": options,
    }
    device = Resource(type="vault_audit", name="file", arguments=arguments)
    return Form(resources=(device,), outputs={"audit.store": Output(value=file, example=file)})
