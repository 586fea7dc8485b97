"""A hand-made stack of each cloud, the real Terraform, and the rules."""

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sovplatform.errors import ConfigError
from sovplatform.infrastructure.terraform import Terraform, find
from sovplatform.policy.engine import PolicyEngine

Stack = dict[str, Any]
WriteStack = Callable[..., Path]


def made_by(path: str) -> Stack:
    return {"metadata": {"path": path, "uniqueId": path.replace("/", "-")}}


AWS: Stack = {
    "//": {"metadata": {"backend": "s3", "stackName": "de-week1"}},
    "terraform": {
        "required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 6.29"}},
        "backend": {"s3": {"bucket": "state", "key": "de-week1", "region": "eusc-de-east-1"}},
    },
    "provider": {"aws": [{"region": "eusc-de-east-1", "default_tags": [{"tags": {"region": "de"}}]}]},
    "variable": {"account": {"type": "string"}},
    "resource": {
        "aws_vpc": {"main": {"//": made_by("de-week1/landing-zone/vpc"), "cidr_block": "10.1.0.0/16", "tags": {"week": "1"}}},
        "aws_subnet": {
            "a": {
                "//": made_by("de-week1/landing-zone/subnet"),
                "vpc_id": "${aws_vpc.main.id}",
                "cidr_block": "10.1.0.0/24",
            }
        },
        "aws_kms_key": {"data": {"//": made_by("de-week1/keys/data"), "enable_key_rotation": True, "multi_region": False}},
        "aws_s3_bucket": {"raw": {"//": made_by("de-week1/raw/bucket"), "bucket": "raw-${var.account}"}},
        "aws_s3_bucket_server_side_encryption_configuration": {
            "raw": {
                "//": made_by("de-week1/raw/encryption"),
                "bucket": "${aws_s3_bucket.raw.id}",
                "rule": [
                    {
                        "apply_server_side_encryption_by_default": [
                            {"sse_algorithm": "aws:kms", "kms_master_key_id": "${aws_kms_key.data.arn}"}
                        ]
                    }
                ],
            }
        },
        "aws_eks_cluster": {
            "main": {
                "//": made_by("de-week1/cluster/eks"),
                "name": "de",
                "role_arn": "arn:aws-eusc:iam::1:role/eks",
                "vpc_config": {"subnet_ids": ["${aws_subnet.a.id}"], "endpoint_public_access": False},
                "encryption_config": [{"resources": ["secrets"], "provider": {"key_arn": "${aws_kms_key.data.arn}"}}],
            }
        },
    },
}

PLATFORM: Stack = {
    "terraform": {
        "required_providers": {
            name: {"source": f"hashicorp/{name}", "version": version}
            for name, version in (("google", "~> 8.0"), ("helm", "~> 3.0"), ("kubernetes", "~> 3.0"), ("vault", "~> 5.0"))
        }
    },
    "provider": {
        "google": [{"project": "p", "region": "europe-west3"}],
        "helm": [{"kubernetes": {"host": "https://10.0.0.1"}}],
        "kubernetes": [{"host": "https://10.0.0.1"}],
        "vault": [{"address": "https://10.0.0.2"}],
    },
    "data": {"google_project": {"this": {}}},
    "resource": {
        "google_storage_bucket": {"raw": {"name": "raw", "location": "EUROPE-WEST3", "labels": {"region": "de"}}},
        "google_container_cluster": {"main": {"name": "main", "location": "europe-west3"}},
        "helm_release": {
            "argo": {
                "name": "argo",
                "chart": "argo-cd",
                "set": [{"name": "ca", "value": "${google_container_cluster.main.master_auth[0].client_key}"}],
            }
        },
        "kubernetes_manifest": {
            "policy": {
                "manifest": {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "data": {"x": 1},
                    "list": [1, {"a": "${helm_release.argo.id}"}],
                }
            }
        },
        "kubernetes_secret_v1": {"token": {"metadata": {"name": "t"}, "data_wo": {"token": "hidden"}, "data_wo_revision": 1}},
        "vault_transit_secret_backend_key": {"data": {"backend": "transit", "name": "data", "exportable": False}},
    },
}


@pytest.fixture
def aws() -> Stack:
    return copy.deepcopy(AWS)


@pytest.fixture
def platform() -> Stack:
    return copy.deepcopy(PLATFORM)


@pytest.fixture
def write_stack(tmp_path: Path) -> WriteStack:
    """Writes a stack as the synthesiser does, and returns its directory."""

    def write(body: Stack | str, name: str = "de-week1") -> Path:
        directory = tmp_path / "infra" / name
        directory.mkdir(parents=True)
        (directory / "cdk.tf.json").write_text(body if isinstance(body, str) else json.dumps(body, indent=2))
        return directory

    return write


@pytest.fixture(scope="session")
def terraform() -> Terraform:
    try:
        return find()
    except ConfigError as err:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(err))


@pytest.fixture(scope="session")
def engine() -> PolicyEngine:
    """The built-in rules, which take a second to compile."""
    return PolicyEngine()
