"""What `pilot.yaml` may say of an on-prem region, under `settings`. Without any of it, everything runs on this machine."""

from __future__ import annotations

from sov_onprem.terraform_settings import OnPremClusterSettings
from sovplatform.interfaces.settings import read_settings
from sovplatform.records import Record, RegionSpec


class Pkcs11Settings(Record):
    """An HSM: the path of its PKCS#11 library, the token's label, and the file with its PIN (mode 0600)."""

    module: str
    token: str
    pin_file: str


class OnPremSettings(Record):
    """`vault` and `vault_ca`: an OpenBao or Vault server of yours, and its CA's file; `vault_token_file`: who provisions there.
    `namespace`: the region's key space. `mlflow`: a tracking server or PostgreSQL URI. `workload_api`: a SPIFFE agent's socket.
    `pkcs11`: an HSM with the region's keys.
    """

    vault: str = ""
    vault_ca: str = ""
    vault_token_file: str = ""
    namespace: str = ""
    mlflow: str = ""
    workload_api: str = ""
    pkcs11: Pkcs11Settings | None = None

    @classmethod
    def of(cls, spec: RegionSpec) -> OnPremSettings:
        """Raises SettingError for settings that there are not, or that cannot be, those of `OnPremClusterSettings` too."""
        made: OnPremSettings = read_settings(spec, cls, OnPremClusterSettings)[0]
        return made
