# AWS: what the tables cannot say.
package sovplatform.infrastructure

import rego.v1

aws_readable := {"aws_availability_zones", "aws_caller_identity", "aws_partition", "aws_region"}

# The partition that the region's places are in.
partitions contains partition if {
	some place in input.locations
	some prefix, partition in {"eusc-": "aws-eusc", "cn-": "aws-cn", "us-gov-": "aws-us-gov"}
	startswith(place, prefix)
}

partitions contains "aws" if {
	some place in input.locations
	not startswith(place, "eusc-")
	not startswith(place, "cn-")
	not startswith(place, "us-gov-")
}

partitions contains ""

# -- keys --------------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "key.rotation",
	"msg": "enable_key_rotation must be true",
	"address": address("aws_kms_key", name),
} if {
	named := input.resources.aws_kms_key
	found := [each |
		some each
		r := named[each]
		object.get(r.values, "customer_master_key_spec", ["SYMMETRIC_DEFAULT"]) == ["SYMMETRIC_DEFAULT"]
		not r.values.enable_key_rotation == [true]
	]
	some name in found
}

# -- clusters and nodes --------------------------------------------------------------------------------------------------
deny contains {
	"rule": "cluster.unaudited",
	"msg": "its API server writes no audit log",
	"address": address("aws_eks_cluster", name),
} if {
	named := input.resources.aws_eks_cluster
	found := [each |
		some each
		r := named[each]
		not "audit" in object.get(r.values, "enabled_cluster_log_types", [])
	]
	some name in found
}

deny contains {
	"rule": "spot.sovereign",
	"msg": "only the global fabric may train on machines that can be taken away",
	"address": address("aws_eks_node_group", name),
} if {
	named := input.resources.aws_eks_node_group
	found := [each |
		some each
		r := named[each]
		not input.region.role == "global"
		not object.get(r.values, "capacity_type", ["ON_DEMAND"])[0] in {"ON_DEMAND", "CAPACITY_BLOCK"}
	]
	some name in found
}

deny contains {
	"rule": "spot.sovereign",
	"msg": "only the global fabric may train on machines that can be taken away",
	"address": address("aws_launch_template", name),
} if {
	named := input.resources.aws_launch_template
	found := [each |
		some each
		r := named[each]
		not input.region.role == "global"
		said_below(r, "instance_market_options")
		not r.values["instance_market_options.market_type"] == ["capacity-block"]
	]
	some name in found
}

deny contains {
	"rule": "spot.untainted",
	"msg": "a spot pool has no taint sov/spot, so anything may land there",
	"address": address("aws_eks_node_group", name),
} if {
	named := input.resources.aws_eks_node_group
	found := [each |
		some each
		r := named[each]
		input.region.role == "global"
		r.values.capacity_type == ["SPOT"]
		not "sov/spot" in object.get(r.values, "taint.key", [])
	]
	some name in found
}

# -- rights --------------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "iam.owner",
	"msg": "the policy may do everything, or everything of a service",
	"address": address("aws_iam_role_policy_attachment", name),
} if {
	named := input.resources.aws_iam_role_policy_attachment
	found := [each |
		some each
		r := named[each]
		some arn in r.values.policy_arn
		powerful(arn)
	]
	some name in found
}

powerful(arn) if endswith(arn, "/AdministratorAccess")

powerful(arn) if endswith(arn, "/PowerUserAccess")

powerful(arn) if contains(arn, "FullAccess")

powerful(arn) if contains(arn, "Administrator")

# The boundary allows everything that it does not deny: it limits a role, and gives it nothing.
deny contains {
	"rule": "iam.wildcard",
	"msg": "a boundary is attached as if it were a policy",
	"address": address("aws_iam_role_policy_attachment", name),
} if {
	named := input.resources.aws_iam_role_policy_attachment
	found := [each |
		some each
		r := named[each]
		some part in ["refs", "values"]
		some policy in r[part].policy_arn
		contains(policy, "guardrails")
	]
	some name in found
}
