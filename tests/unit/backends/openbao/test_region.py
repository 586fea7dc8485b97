"""Who may use which key of a region: the table of docs/architecture.md, tried against a real OpenBao."""

import base64
import time
from pathlib import Path

import pytest

from sovplatform.backends.openbao import OpenBaoServer
from sovplatform.backends.vault_api import VaultApi, VaultRefused
from sovplatform.backends.vault_login import AppRoleLogin, JwtLogin
from sovplatform.backends.vault_region import VaultRegion
from sovplatform.backends.vault_rights import role_of
from sovplatform.errors import Conflict, Denied, SovError
from sovplatform.records import RegionSpec, Role
from tests.fixtures.openbao import PILOT, ProvisionedRegion

SIGNING_KEYS = ("artifacts", "decisions", "models", "ledger", "jwt")
MAY_SIGN = {
    "/job/prepare": {"artifacts"},
    "/job/train": {"artifacts"},
    "/job/evaluate": {"artifacts"},
    "/job/release": {"artifacts", "models"},
    "/job/anything-else": {"artifacts"},
    "/border": {"decisions", "ledger"},
}
MAY_USE_DATA = {"/job/prepare", "/job/train", "/job/evaluate"}


@pytest.mark.parametrize("identity", MAY_SIGN)
@pytest.mark.parametrize("key", SIGNING_KEYS)
def test_each_identity_signs_with_its_own_keys_and_no_other(de: ProvisionedRegion, identity: str, key: str) -> None:
    keys = de.keystore(de.token(identity))
    if key in MAY_SIGN[identity]:
        assert keys.sign(key, b"data").value
    else:
        with pytest.raises(Denied):
            keys.sign(key, b"data")


@pytest.mark.parametrize("identity", MAY_SIGN)
def test_only_work_on_data_opens_data_keys(de: ProvisionedRegion, identity: str) -> None:
    wrapped = de.keystore(de.token("/job/prepare")).wrap("data", bytes(32))
    keys = de.keystore(de.token(identity))
    if identity in MAY_USE_DATA:
        assert keys.unwrap(wrapped) == bytes(32)
    else:
        with pytest.raises(Denied):
            keys.unwrap(wrapped)
        with pytest.raises(Denied):
            keys.wrap("data", bytes(32))


@pytest.mark.parametrize("identity", [*MAY_SIGN, "/node"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "transit/keys/artifacts/rotate"),
        ("POST", "transit/keys/artifacts/config"),
        ("POST", "transit/keys/new-key"),
        ("GET", "transit/export/signing-key/artifacts"),
        ("POST", "pki/sign/svid"),
        ("POST", "sys/policies/acl/border"),
        ("GET", "sys/mounts"),
    ],
)
def test_no_workload_can_change_keys_policies_or_make_identities(
    de: ProvisionedRegion, identity: str, method: str, path: str
) -> None:
    with pytest.raises(Denied):
        de.api(de.token(identity)).request(method, path, {} if method == "POST" else None)


@pytest.mark.parametrize("identity", ["/node", "/server/credit", "/border/x", "/jobs/train"])
def test_an_identity_without_a_role_gets_no_token(de: ProvisionedRegion, identity: str) -> None:
    with pytest.raises(Denied):
        de.token(identity)()


@pytest.mark.parametrize("role", ["job-train", "job-release", "border"])
def test_an_identity_cannot_take_another_ones_role(de: ProvisionedRegion, role: str) -> None:
    jwt = de.issuer().jwt("/job/prepare", ["openbao"])
    with pytest.raises(Denied):
        JwtLogin(de.address, namespace="de", role=role, jwt=lambda: jwt)()


@pytest.mark.parametrize("key", SIGNING_KEYS)
def test_a_token_of_one_region_opens_nothing_in_another(de: ProvisionedRegion, fr: ProvisionedRegion, key: str) -> None:
    foreign = fr.keystore(de.keysmith)
    with pytest.raises(Denied):
        foreign.facts(key)
    with pytest.raises(Denied):
        foreign.sign(key, b"data")
    wrapped = fr.keystore(fr.token("/job/train")).wrap("data", bytes(32))
    with pytest.raises(Denied):
        foreign.unwrap(wrapped)


def test_a_data_key_of_one_region_does_not_open_in_another(de: ProvisionedRegion, fr: ProvisionedRegion) -> None:
    wrapped = fr.keystore(fr.token("/job/train")).wrap("data", bytes(32))
    forged = wrapped.model_copy(update={"key": wrapped.key.replace("/fr/", "/de/")})
    for data_key in (wrapped, forged):
        with pytest.raises(Denied):
            de.keystore(de.token("/job/train")).unwrap(data_key)


def test_a_jwt_of_one_region_is_no_login_in_another(de: ProvisionedRegion, fr: ProvisionedRegion) -> None:
    jwt = de.issuer().jwt("/border", ["openbao"])
    with pytest.raises(Denied):
        JwtLogin(fr.address, namespace="fr", role="border", jwt=lambda: jwt)()


def test_an_expired_or_misdirected_jwt_is_no_login(de: ProvisionedRegion, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = de.issuer().jwt("/border", ["somewhere-else"])
    good = de.issuer().jwt("/border", ["openbao"])
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda real=time.time: real() - 325)
        expired = de.issuer().jwt("/border", ["openbao"])  # 25 seconds ago, as it is good for 300
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda real=time.time: real() + 60)
        early = de.issuer().jwt("/border", ["openbao"])
    head, claims, signature = good.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    longer = (
        base64.urlsafe_b64encode(base64.urlsafe_b64decode(claims + "==").replace(b'"exp":1', b'"exp":9')).decode().rstrip("=")
    )
    assert JwtLogin(de.address, namespace="de", role="border", jwt=lambda: good)()
    forged = (f"{head}.{longer}.{signature}", f"{unsigned}.{claims}.", f"{unsigned}.{claims}.{signature}")
    for jwt in (elsewhere, expired, early, *forged, "", "x.y.z"):
        with pytest.raises(Denied):
            JwtLogin(de.address, namespace="de", role="border", jwt=lambda jwt=jwt: jwt)()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "transit/sign/decisions/sha2-256", {"input": "AA=="}),
        ("POST", "transit/encrypt/data", {"plaintext": "AA=="}),
        ("POST", "transit/decrypt/data", {"ciphertext": "vault:v1:AA=="}),
        ("GET", "transit/export/signing-key/decisions", None),
        ("POST", "transit/keys/decisions/config", {"exportable": True}),
        ("POST", "transit/keys/new-key", {"type": "ecdsa-p256", "exportable": True}),
        ("DELETE", "transit/keys/decisions", None),
        ("POST", "pki/sign/svid", {}),
        ("DELETE", "sys/mounts/transit", None),
    ],
)
def test_the_operator_uses_no_key_and_deletes_nothing(
    openbao: OpenBaoServer, de: ProvisionedRegion, method: str, path: str, body: dict[str, object] | None
) -> None:
    with pytest.raises(Denied):
        de.api(openbao.operator()).request(method, path, body)


@pytest.mark.parametrize(
    "path", ["sys/policies/acl/operator", "sys/auth/jwt/tune", "auth/jwt/role/operator", "auth/token/create"]
)
def test_the_operator_cannot_raise_itself_at_the_root(openbao: OpenBaoServer, path: str) -> None:
    with pytest.raises(Denied):
        VaultApi(openbao.address(), token=openbao.operator()).write(path, {"policy": 'path "*" { capabilities = ["sudo"] }'})


def test_the_region_cannot_name_a_workload_of_another_trust_domain(de: ProvisionedRegion) -> None:
    issuer = de.issuer()
    issuer.trust_domain = f"fr.{PILOT}.sov"
    with pytest.raises(VaultRefused):
        issuer._issue(f"spiffe://fr.{PILOT}.sov/border")


def test_provisioning_again_changes_nothing(de: ProvisionedRegion) -> None:
    before = de.region.trust_material()
    de.region.provision(RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider="onprem"), PILOT)
    assert de.region.trust_material() == before


def test_a_namespace_of_another_pilot_is_not_taken_over(de: ProvisionedRegion) -> None:
    with pytest.raises(Conflict, match=PILOT):
        de.region.provision(RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider="onprem"), "other")


def test_the_workload_apis_login_is_private_and_kept(de: ProvisionedRegion) -> None:
    before = de.login_file.read_bytes()
    de.region.admit_workload_api(de.login_file)
    assert de.login_file.read_bytes() == before
    assert de.login_file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [None, "{", '{"role_id": "x", "secret_id": "y"}'])
def test_a_login_that_does_not_work_is_replaced(de: ProvisionedRegion, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "login"
    if content is not None:
        file.write_text(content)
    de.region.admit_workload_api(file)
    assert AppRoleLogin.from_file(de.address, namespace="de", file=file)()
    assert file.stat().st_mode & 0o077 == 0


def test_old_and_new_jwts_are_logins_after_the_key_was_rotated(make_region: object) -> None:
    region: ProvisionedRegion = make_region("se")  # type: ignore[operator]
    old = region.issuer().jwt("/border", ["openbao"])
    region.region.rotate_jwt_key()
    new = region.issuer().jwt("/border", ["openbao"])
    for jwt in (old, new):
        assert JwtLogin(region.address, namespace="se", role="border", jwt=lambda jwt=jwt: jwt)()
    assert list(region.region.trust_material().jwt_keys) == ["v1", "v2"]


def test_regions_that_are_not_provisioned_say_so(openbao: OpenBaoServer) -> None:
    with pytest.raises(SovError) as caught:
        VaultRegion(openbao.address(), "xx", openbao.operator()).trust_material()
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/job/train", "job-train"),
        ("job/train", "job-train"),
        ("job-train", "job-train"),
        ("/job/mine", "job"),
        ("/border", "border"),
    ],
)
def test_the_role_follows_from_the_identity(path: str, role: str) -> None:
    assert role_of(path) == role


@pytest.mark.parametrize("name", ["a--b", "x" * 63])
def test_a_region_may_have_any_name_that_is_a_name(openbao: OpenBaoServer, name: str) -> None:
    region = VaultRegion(openbao.address(), name, openbao.operator())
    region.provision(RegionSpec(name=name, jurisdiction="DE", role=Role.sovereign, provider="onprem"), "demo")
    assert "BEGIN CERTIFICATE" in region.trust_material().bundle
