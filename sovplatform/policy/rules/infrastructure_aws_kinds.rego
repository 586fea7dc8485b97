# AWS: the types there may be, and what the tables ask of them.
package sovplatform.infrastructure

import rego.v1

aws_blocks_public := [{"rule": "public.store", "path": path, "values": [true]} | some path in [
	"block_public_acls",
	"block_public_policy",
	"ignore_public_acls",
	"restrict_public_buckets",
]]

aws_gateways := [{"rule": "public.route", "path": concat("", [prefix, path])} |
	some prefix in ["", "route."]
	some path in [
		"carrier_gateway_id",
		"core_network_arn",
		"egress_only_gateway_id",
		"gateway_id",
		"local_gateway_id",
		"nat_gateway_id",
		"network_interface_id",
		"transit_gateway_id",
		"vpc_endpoint_id",
		"vpc_peering_connection_id",
	]
]

aws_kinds := {
	"aws_accessanalyzer_analyzer": {"labels": "tags"},
	"aws_budgets_budget": {"labels": "tags"},
	"aws_cloudtrail": {
		"labels": "tags",
		"keys": ["kms_key_id"],
		"keeps": true,
		"must": [
			{"rule": "guardrail.weak", "path": "enable_logging", "values": [true], "optional": true},
			{"rule": "guardrail.weak", "path": "enable_log_file_validation", "values": [true]},
		],
		"own": [{"rule": "replication.logs", "path": "s3_bucket_name", "types": ["aws_s3_bucket"]}],
	},
	"aws_cloudwatch_log_group": {"labels": "tags", "keys": ["kms_key_id"], "keeps": true},
	"aws_default_security_group": {
		"labels": "tags",
		"never": [
			{"rule": "public.ingress", "path": "ingress"},
			{"rule": "public.egress", "path": "egress"},
		],
	},
	"aws_ebs_default_kms_key": {"keys": ["key_arn"]},
	"aws_ebs_encryption_by_default": {"must": [{"rule": "guardrail.weak", "path": "enabled", "values": [true]}]},
	"aws_ebs_snapshot_block_public_access": {"must": [{"rule": "guardrail.weak", "path": "state", "values": ["block-all-sharing"]}]},
	"aws_ec2_capacity_reservation": {"labels": "tags", "places": ["availability_zone"]},
	"aws_ec2_image_block_public_access": {"must": [{"rule": "guardrail.weak", "path": "state", "values": ["block-new-sharing"]}]},
	"aws_ec2_instance_metadata_defaults": {"must": [
		{"rule": "node.metadata", "path": "http_tokens", "values": ["required"]},
		{"rule": "node.metadata", "path": "http_put_response_hop_limit", "values": [1]},
	]},
	"aws_ecr_registry_scanning_configuration": {},
	"aws_ecr_replication_configuration": {"banned": {"rule": "replication.store", "why": "images are not copied elsewhere"}},
	"aws_ecr_repository": {"labels": "tags", "keys": ["encryption_configuration.kms_key"], "keeps": true},
	"aws_ecr_repository_creation_template": {"labels": "resource_tags", "keys": ["encryption_configuration.kms_key"]},
	"aws_egress_only_internet_gateway": {"banned": {"rule": "public.gateway", "why": "it is a way out to the internet"}},
	"aws_eip": {"banned": {"rule": "public.address", "why": "an address of its own is reached from outside"}},
	"aws_eks_access_entry": {"labels": "tags"},
	"aws_eks_access_policy_association": {},
	"aws_eks_addon": {"labels": "tags"},
	"aws_eks_cluster": {
		"labels": "tags",
		"keys": ["encryption_config.provider.key_arn"],
		"keeps": true,
		"must": [
			{"rule": "public.cluster", "path": "vpc_config.endpoint_public_access", "values": [false]},
			{"rule": "public.cluster", "path": "vpc_config.endpoint_private_access", "values": [true]},
			{"rule": "cluster.secrets", "path": "encryption_config.resources", "values": ["secrets"]},
			{"rule": "cluster.identity", "path": "access_config.authentication_mode", "values": ["API"]},
		],
		"never": [{"rule": "public.cluster", "path": "compute_config"}],
	},
	"aws_eks_node_group": {
		"labels": "tags",
		"own": [{"rule": "node.metadata", "path": "launch_template.id", "types": ["aws_launch_template"]}],
		"never": [{"rule": "public.node", "path": "remote_access"}],
	},
	"aws_eks_pod_identity_association": {
		"labels": "tags",
		"own": [{"rule": "cluster.identity", "path": "role_arn", "types": ["aws_iam_role"]}],
	},
	"aws_flow_log": {
		"labels": "tags",
		"own": [{"rule": "replication.logs", "path": "log_destination", "types": ["aws_cloudwatch_log_group", "aws_s3_bucket"]}],
	},
	"aws_iam_access_key": {"banned": {"rule": "secret.clear", "why": "the key of a user would rest in the state"}},
	"aws_iam_policy": {"labels": "tags"},
	"aws_iam_role": {"labels": "tags", "has": [{"rule": "iam.unbounded", "path": "permissions_boundary"}], "never": [{"rule": "iam.owner", "path": "managed_policy_arns"}]},
	"aws_iam_role_policy": {},
	"aws_iam_role_policy_attachment": {},
	"aws_iam_user": {"banned": {"rule": "iam.owner", "why": "people come by federation, programs by roles"}},
	"aws_internet_gateway": {"banned": {"rule": "public.gateway", "why": "it is a way to and from the internet"}},
	# A name may be moved to a new key by those who keep them; nothing is encrypted by a name here.
	"aws_kms_alias": {"own": [{"rule": "key.own", "path": "target_key_id", "types": ["aws_kms_key"]}], "ignorable": ["target_key_id"]},
	"aws_kms_external_key": {"banned": {"rule": "key.imported", "why": "keys are made where they stay"}},
	"aws_kms_key": {
		"labels": "tags",
		"keeps": true,
		"must": [
			{"rule": "key.multi_region", "path": "multi_region", "values": [false], "optional": true},
			{
				"rule": "key.deletion",
				"path": "deletion_window_in_days",
				"values": [30],
				"optional": true, # 30 is the default, and the longest
			},
		],
	},
	"aws_kms_key_policy": {},
	"aws_kms_replica_external_key": {"banned": {"rule": "key.multi_region", "why": "a key is in one region"}},
	"aws_kms_replica_key": {"banned": {"rule": "key.multi_region", "why": "a key is in one region"}},
	"aws_launch_template": {
		"labels": "tag_specifications.tags",
		"keys": ["block_device_mappings.ebs.kms_key_id"],
		"must": [
			{"rule": "key.own", "path": "block_device_mappings.ebs.encrypted", "values": [true, "true"]},
			{"rule": "node.metadata", "path": "metadata_options.http_tokens", "values": ["required"]},
			{"rule": "node.metadata", "path": "metadata_options.http_put_response_hop_limit", "values": [1]},
			{
				"rule": "public.node",
				"path": "network_interfaces.associate_public_ip_address",
				"values": [false, "false"],
				"optional": true,
			},
		],
	},
	"aws_nat_gateway": {"banned": {"rule": "public.gateway", "why": "it is a way out to the internet"}},
	"aws_organizations_policy": {
		"labels": "tags",
		"must": [{"rule": "guardrail.weak", "path": "type", "values": ["SERVICE_CONTROL_POLICY"]}],
	},
	"aws_organizations_policy_attachment": {"own": [{"rule": "guardrail.weak", "path": "policy_id", "types": ["aws_organizations_policy"]}]},
	"aws_route": {"never": aws_gateways},
	"aws_route_table": {"labels": "tags", "never": aws_gateways},
	"aws_route_table_association": {"never": [{"rule": "public.route", "path": "gateway_id"}]},
	"aws_s3_account_public_access_block": {"must": aws_blocks_public},
	"aws_s3_bucket": {
		"labels": "tags",
		"keeps": true,
		"must": [{"rule": "delete.protected", "path": "force_destroy", "values": [false], "optional": true}],
		"never": [
			{"rule": "public.store", "path": "acl"},
			{"rule": "public.store", "path": "grant"},
			{"rule": "replication.logs", "path": "logging"},
		],
	},
	"aws_s3_bucket_acl": {"banned": {"rule": "public.store", "why": "rights come from policies, never from lists at a bucket"}},
	"aws_s3_bucket_lifecycle_configuration": {},
	"aws_s3_bucket_logging": {"own": [{"rule": "replication.logs", "path": "target_bucket", "types": ["aws_s3_bucket"]}]},
	"aws_s3_bucket_object_lock_configuration": {"must": [{
		"rule": "store.unlocked",
		"path": "rule.default_retention.mode",
		"values": ["COMPLIANCE", "GOVERNANCE"],
	}]},
	"aws_s3_bucket_ownership_controls": {"must": [{
		"rule": "public.store",
		"path": "rule.object_ownership",
		"values": ["BucketOwnerEnforced"],
	}]},
	"aws_s3_bucket_policy": {},
	"aws_s3_bucket_public_access_block": {"must": aws_blocks_public},
	"aws_s3_bucket_replication_configuration": {"banned": {"rule": "replication.store", "why": "stores are not copied elsewhere"}},
	"aws_s3_bucket_server_side_encryption_configuration": {
		"keys": ["rule.apply_server_side_encryption_by_default.kms_master_key_id"],
		"must": [{
			"rule": "key.own",
			"path": "rule.apply_server_side_encryption_by_default.sse_algorithm",
			"values": ["aws:kms", "aws:kms:dsse"],
		}],
	},
	"aws_s3_bucket_versioning": {"must": [{
		"rule": "store.unversioned",
		"path": "versioning_configuration.status",
		"values": ["Enabled"],
	}]},
	"aws_s3_bucket_website_configuration": {"banned": {"rule": "public.store", "why": "a store is no website"}},
	"aws_security_group": {
		"labels": "tags",
		"inside": [
			{"rule": "public.ingress", "path": "ingress.cidr_blocks"},
			{"rule": "public.ingress", "path": "ingress.ipv6_cidr_blocks"},
			{"rule": "public.egress", "path": "egress.cidr_blocks"},
			{"rule": "public.egress", "path": "egress.ipv6_cidr_blocks"},
		],
	},
	"aws_sns_topic": {"labels": "tags", "keys": ["kms_master_key_id"]},
	"aws_sns_topic_policy": {},
	"aws_subnet": {
		"labels": "tags",
		"places": ["availability_zone"],
		"must": [
			{"rule": "public.subnet", "path": "map_public_ip_on_launch", "values": [false], "optional": true},
			{"rule": "public.subnet", "path": "assign_ipv6_address_on_creation", "values": [false], "optional": true},
		],
	},
	"aws_vpc": {
		"labels": "tags",
		"must": [{
			"rule": "public.network",
			"path": "assign_generated_ipv6_cidr_block",
			"values": [false],
			"optional": true,
		}],
		"inside": [{"rule": "public.network", "path": "cidr_block"}],
	},
	"aws_vpc_endpoint": {
		"labels": "tags",
		"has": [{"rule": "public.policy", "path": "service_name"}],
		"never": [
			{"rule": "reference.foreign", "path": "resource_configuration_arn"},
			{"rule": "reference.foreign", "path": "service_network_arn"},
		],
	},
	"aws_vpc_peering_connection": {"banned": {"rule": "reference.foreign", "why": "networks are not joined"}},
	"aws_vpc_security_group_egress_rule": {"labels": "tags", "inside": [
		{"rule": "public.egress", "path": "cidr_ipv4"},
		{"rule": "public.egress", "path": "cidr_ipv6"},
	]},
	"aws_vpc_security_group_ingress_rule": {"labels": "tags", "inside": [
		{"rule": "public.ingress", "path": "cidr_ipv4"},
		{"rule": "public.ingress", "path": "cidr_ipv6"},
	]},
}
