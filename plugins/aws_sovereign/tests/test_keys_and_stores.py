"""Keys and stores on AWS: they stay where they are, and are open to nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.sites import DATASETS, EARLIER, KEYS

from plugins.aws_sovereign.tests.sites import CHINA, FULL, rules, site
from sovplatform import constructs


def test_keys_stay_in_the_region_and_rotate_where_they_can() -> None:
    made = site().made(constructs.RegionKeys, keys=KEYS)
    keys = {name.partition(".")[2]: it for name, it in made.items() if name.startswith("aws_kms_key.")}
    assert {name: it["customer_master_key_spec"] for name, it in keys.items()} == {
        "data": "SYMMETRIC_DEFAULT",
        "models": "ECC_NIST_P256",
        "ledger": "ECC_NIST_EDWARDS25519",
    }
    assert {it["multi_region"] for it in keys.values()} == {False}
    assert {it["deletion_window_in_days"] for it in keys.values()} == {30}
    assert [name for name, it in keys.items() if it.get("enable_key_rotation")] == ["data"]
    for it in keys.values():
        leaving = rules(it["policy"])["Leaving"]
        assert leaving["Effect"] == "Deny"
        assert {"kms:ReplicateKey", "kms:ImportKeyMaterial"} <= set(leaving["Action"])


def test_no_key_is_destroyed_until_its_protection_is_lifted() -> None:
    for protect in (True, False):
        everything = site(**FULL, protect=protect).everything
        keys = [it.arguments["lifecycle"] for it in everything if it.type == "aws_kms_key"]
        assert keys == [[{"prevent_destroy": protect}]] * (len(KEYS) + 1)  # and the logs'


def test_aliases_are_those_of_the_regions_key_store_which_moves_them() -> None:
    alias = site().made(constructs.RegionKeys, keys=KEYS)["aws_kms_alias.models"]
    assert alias["name"] == "alias/sov/demo/de/models"
    assert alias["lifecycle"] == [{"ignore_changes": ["target_key_id"]}]


def test_only_the_services_that_need_a_key_may_use_it() -> None:
    made = site(**CHINA).made(constructs.RegionKeys, keys=KEYS)
    assert rules(made["aws_kms_key.models"]["policy"]).keys() == {"Account", "Leaving"}
    data = rules(made["aws_kms_key.data"]["policy"])
    assert data.keys() == {"Account", "Leaving", "Logs", "Trail", "TrailKey", "Scaling", "ScalingGrants"}
    assert data["Logs"]["Principal"] == {"Service": "logs.cn-north-1.amazonaws.com.cn"}
    assert data["Trail"]["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    assert data["Scaling"]["Condition"]["StringEquals"] == {"kms:CallerAccount": "000000000000"}


def test_iam_of_the_sovereign_cloud_is_asked_for_principals_that_it_knows() -> None:
    one = site()
    trusts = [str(it.arguments["assume_role_policy"]) for it in one.everything if it.type == "aws_iam_role"]
    assert any("ec2.amazonaws.com" in trust for trust in trusts)
    assert not any("amazonaws.eu" in trust for trust in trusts)


@pytest.mark.parametrize(
    ("kind", "name", "arguments"),
    [
        (constructs.RawDataStore, "raw", {"datasets": DATASETS}),
        (constructs.ArtifactStore, "artifacts", {}),
        (constructs.AuditSink, "audit", {}),
    ],
)
def test_stores_are_closed(kind: type[constructs.Construct], name: str, arguments: dict[str, Any]) -> None:
    made = site().made(kind, **arguments)
    assert made[f"aws_s3_bucket_versioning.{name}"]["versioning_configuration"] == [{"status": "Enabled"}]
    (encryption,) = made[f"aws_s3_bucket_server_side_encryption_configuration.{name}"]["rule"]
    assert encryption["apply_server_side_encryption_by_default"][0]["kms_master_key_id"] == EARLIER["keys.data"]
    closed = made[f"aws_s3_bucket_public_access_block.{name}"]
    assert {value for key, value in closed.items() if key != "bucket"} == {True}
    policy = rules(made[f"aws_s3_bucket_policy.{name}"]["policy"])
    assert {"TlsOnly", "OldTls", "OtherEncryption", "OtherKey", "Replication"} <= policy.keys()
    assert policy["OtherKey"]["Condition"]["Null"]  # a header that is not there is no other key
    assert not [key for key in made if "replication" in key]
    assert made[f"aws_s3_bucket.{name}"]["force_destroy"] is False


def test_raw_data_is_there_for_its_own_network_alone() -> None:
    made = site().made(constructs.RawDataStore, datasets=DATASETS)
    policy = rules(made["aws_s3_bucket_policy.raw"]["policy"])
    assert policy["OtherNetworks"]["Condition"] == {"StringNotEquals": {"aws:SourceVpc": "${var.network_id}"}}
    assert made["aws_s3_bucket.raw"]["tags"]["sov-sensitivity"] == "restricted"


def test_artifacts_and_the_audit_trail_are_locked() -> None:
    for kind, name, mode, days in (
        (constructs.ArtifactStore, "artifacts", "GOVERNANCE", 90),
        (constructs.AuditSink, "audit", "COMPLIANCE", 365),
    ):
        made = site().made(kind)
        assert made[f"aws_s3_bucket.{name}"]["object_lock_enabled"] is True
        assert made[f"aws_s3_bucket_object_lock_configuration.{name}"]["rule"] == [
            {"default_retention": [{"mode": mode, "days": days}]}
        ]
        (rule,) = made[f"aws_s3_bucket_lifecycle_configuration.{name}"]["rule"]
        assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": days}]


def test_the_trail_records_all_that_is_done_and_read_and_alone_may_write() -> None:
    made = site(**FULL).made(constructs.AuditSink)
    trail = made["aws_cloudtrail.main"]
    assert trail["kms_key_id"] == "${var.keys_data}"
    assert trail["enable_log_file_validation"] is True
    assert [it["name"] for it in trail["advanced_event_selector"]] == ["management", "objects"]
    writes = rules(made["aws_s3_bucket_policy.audit"]["policy"])["TrailWrites"]
    assert writes["Condition"]["StringEquals"]["aws:SourceArn"] == (
        "arn:aws-eusc:cloudtrail:eusc-de-east-1:123456789012:trail/demo-de-audit"
    )
