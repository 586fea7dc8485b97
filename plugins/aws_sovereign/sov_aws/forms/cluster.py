"""Cluster: EKS with a private API, secrets under the region's key, identities for pods, and every log of the control plane."""

from __future__ import annotations

import ipaddress
import json

from pydantic import JsonValue

from sov_aws.forms.guardrails import boundary_of
from sov_aws.forms.images import images
from sov_aws.forms.network import LOG_DAYS, log_group
from sov_aws.forms.nodes import Pool, node_group, node_role
from sov_aws.forms.place import Arguments, Place, tags
from sov_aws.forms.policies import allowed, attached, role, statement, waits
from sovplatform import constructs
from sovplatform.interfaces.stackforms import Form, Output, Resource, Wires

LOGGED = ("api", "audit", "authenticator", "controllerManager", "scheduler")
SYSTEM_INSTANCE = "m6i.xlarge"
SERVICES_CIDRS = ("172.20.0.0/16", "10.100.0.0/16")
"""Addresses of services inside the cluster: the first range that is not in the region's network."""
AUTOSCALER = "cluster-autoscaler"

_BEFORE_NODES: dict[str, dict[str, JsonValue]] = {
    "vpc-cni": {"enableNetworkPolicy": "true"},  # without it, network policies are accepted and do nothing
    "kube-proxy": {},
    "eks-pod-identity-agent": {},
}
_AFTER_NODES = ("coredns", "aws-ebs-csi-driver")


def cluster(construct: constructs.Cluster, wires: Wires, place: Place) -> Form:
    made = _cluster(construct, wires, place)
    control = made[-1]
    inside: dict[str, JsonValue] = {"cluster.name": control.ref("name")}
    known = {name: wires[name] for name in ("network.subnets", "keys.data")} | inside
    known["guardrails.boundary"] = boundary_of(wires)
    pods = _pods(construct, known, place)
    early = [_addon(construct, control, name, settings, pods) for name, settings in _BEFORE_NODES.items()]
    holder = node_role(construct, known, place, "system")
    pool = Pool(name="system", instances=(SYSTEM_INSTANCE,), least=2, most=6)
    system = node_group(construct, place, pool, known, subnets=known["network.subnets"], holder=[*holder, *early])
    late = [_addon(construct, control, name, {}, pods, after=system[-1]) for name in _AFTER_NODES]
    ca = control.ref("certificate_authority[0].data")
    return Form(
        resources=(
            *images(construct, known, place),
            *made,
            *_access(construct, place, control),
            *(one for several in pods.values() for one in several),
            *early,
            *holder,
            *system,
            *late,
            _disks(construct, known["keys.data"], late[-1]),
        ),
        outputs={
            "cluster.name": Output(value=control.ref("name"), example=place.named(limit=100)),
            "cluster.endpoint": Output(
                value=control.ref("endpoint"), example=f"https://example.eks.{place.location}.{place.suffix}"
            ),
            "cluster.ca": Output(value=ca, example="LS0tLS1CRUdJTi4uLg=="),
        },
    )


def _cluster(construct: constructs.Cluster, wires: Wires, place: Place) -> list[Resource]:
    key, name = wires["keys.data"], place.named(limit=100)
    holder = role(construct, place, "cluster", "eks", boundary=boundary_of(wires))
    use = ["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"]
    rights = [*attached(place, holder, "AmazonEKSClusterPolicy"), allowed(holder, statement("Secrets", use, key))]
    group = log_group(construct, "cluster", f"/aws/eks/{name}/cluster", key, LOG_DAYS)
    arguments: Arguments = {
        "name": name,
        "version": construct.version,
        "role_arn": holder.ref("arn"),
        "deletion_protection": place.terraform.protect,
        "bootstrap_self_managed_addons": False,
        "enabled_cluster_log_types": list(LOGGED),
        "access_config": [
            {
                "authentication_mode": "API",
                # Whoever applies administers the cluster, unless the settings name who does.
                "bootstrap_cluster_creator_admin_permissions": not place.terraform.operators,
            }
        ],
        "encryption_config": [{"resources": ["secrets"], "provider": [{"key_arn": key}]}],
        "kubernetes_network_config": [{"ip_family": "ipv4", "service_ipv4_cidr": _services_cidr(place)}],
        "upgrade_policy": [{"support_type": "STANDARD"}],
        "vpc_config": [
            {
                "subnet_ids": wires["network.subnets"],
                "endpoint_private_access": True,
                "endpoint_public_access": False,
            }
        ],
        "tags": tags(construct),
        **waits(*rights, group),
    }
    return [holder, *rights, group, Resource(type="aws_eks_cluster", name="main", arguments=arguments)]


def _services_cidr(place: Place) -> str:
    if not place.settings.cidr:
        return SERVICES_CIDRS[0]  # a region that names no network gets one of 10.0.0.0/8
    network = ipaddress.IPv4Network(place.settings.cidr)
    return next(cidr for cidr in SERVICES_CIDRS if not network.overlaps(ipaddress.IPv4Network(cidr)))


def _access(construct: constructs.Cluster, place: Place, control: Resource) -> list[Resource]:
    """The operators administer the cluster; their networks reach its API."""
    made: list[Resource] = []
    group = control.ref("vpc_config[0].cluster_security_group_id")
    policy = place.arn("eks", "cluster-access-policy/AmazonEKSClusterAdminPolicy", account="aws", everywhere=True)
    for number, operator in enumerate(place.terraform.operators, start=1):
        of: Arguments = {"cluster_name": control.ref("name"), "principal_arn": operator}
        entry = Resource(
            type="aws_eks_access_entry", name=f"operator_{number}", arguments={**of, "type": "STANDARD", "tags": tags(construct)}
        )
        scope: Arguments = {**of, "policy_arn": policy, "access_scope": [{"type": "cluster"}], **waits(entry)}
        made += [entry, Resource(type="aws_eks_access_policy_association", name=entry.name, arguments=scope)]
    for number, cidr in enumerate(place.terraform.operator_ranges, start=1):
        rule: Arguments = {
            "security_group_id": group,
            "description": "The private API, for operators",
            "cidr_ipv4": cidr,
            "ip_protocol": "tcp",
            "from_port": 443,
            "to_port": 443,
            "tags": tags(construct),
        }
        made.append(Resource(type="aws_vpc_security_group_ingress_rule", name=f"operators_{number}", arguments=rule))
    return made


def _pods(construct: constructs.Cluster, wires: Wires, place: Place) -> dict[str, list[Resource]]:
    """The roles of pods that call AWS, by what they are for; the role is the first of each."""
    boundary = boundary_of(wires)

    def pod(name: str) -> Resource:
        return role(construct, place, name, "pods.eks", boundary=boundary, session_tags=True)

    network, disks, scaler = pod("vpc-cni"), pod("ebs-csi"), pod(AUTOSCALER)
    association: Arguments = {
        "cluster_name": wires["cluster.name"],
        "namespace": AUTOSCALER,
        "service_account": AUTOSCALER,
        "role_arn": scaler.ref("arn"),
        "tags": tags(construct),
    }
    return {
        "vpc-cni": [network, *attached(place, network, "AmazonEKS_CNI_Policy")],
        "aws-ebs-csi-driver": [
            disks,
            *attached(place, disks, "service-role/AmazonEBSCSIDriverPolicy"),
            allowed(disks, *_volumes(wires["keys.data"])),
        ],
        AUTOSCALER: [
            scaler,
            allowed(scaler, *_scaling(wires["cluster.name"])),
            Resource(type="aws_eks_pod_identity_association", name="cluster_autoscaler", arguments=association),
        ],
    }


def _volumes(key: JsonValue) -> list[Arguments]:
    granted = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    use = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    return [statement("Key", use, key), statement("Grants", "kms:CreateGrant", key, conditions=granted)]


def _scaling(name: JsonValue) -> list[Arguments]:
    looks = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeLaunchConfigurations",
        "autoscaling:DescribeScalingActivities",
        "ec2:DescribeImages",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:GetInstanceTypesFromInstanceRequirements",
        "eks:DescribeNodegroup",
    ]
    changes = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
    own = {"StringEquals": {"aws:ResourceTag/eks:cluster-name": name}}
    return [statement("Looks", looks), statement("Scales", changes, conditions=own)]


def _addon(
    construct: constructs.Cluster,
    control: Resource,
    name: str,
    settings: dict[str, JsonValue],
    pods: dict[str, list[Resource]],
    *,
    after: Resource | None = None,
) -> Resource:
    accounts = {"vpc-cni": "aws-node", "aws-ebs-csi-driver": "ebs-csi-controller-sa"}
    arguments: Arguments = {
        "cluster_name": control.ref("name"),
        "addon_name": name,
        "resolve_conflicts_on_create": "OVERWRITE",
        "resolve_conflicts_on_update": "OVERWRITE",
        "tags": tags(construct),
    }
    if settings:
        arguments["configuration_values"] = json.dumps(settings)
    waited = [after] if after is not None else []
    if name in pods:
        arguments["pod_identity_association"] = [{"role_arn": pods[name][0].ref("arn"), "service_account": accounts[name]}]
        waited += pods[name][1:]
    if waited:
        arguments |= waits(*waited)
    return Resource(type="aws_eks_addon", name=name.replace("-", "_"), arguments=arguments)


def _disks(construct: constructs.Cluster, key: JsonValue, driver: Resource) -> Resource:
    """Where volumes rest by default: encrypted with the region's key, in the zone of the pod."""
    default: JsonValue = {"storageclass.kubernetes.io/is-default-class": "true"}
    arguments: Arguments = {
        "metadata": [{"name": "sov", "labels": dict(construct.labels), "annotations": default}],
        "storage_provisioner": "ebs.csi.aws.com",
        "reclaim_policy": "Delete",
        "volume_binding_mode": "WaitForFirstConsumer",
        "allow_volume_expansion": True,
        "parameters": {"type": "gp3", "encrypted": "true", "kmsKeyId": key},
        **waits(driver),
    }
    return Resource(type="kubernetes_storage_class_v1", name="sov", arguments=arguments)
