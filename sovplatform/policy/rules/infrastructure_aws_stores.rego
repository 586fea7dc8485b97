# AWS: what the tables cannot say of buckets and of the endpoints that lead to them.
package sovplatform.infrastructure

import rego.v1

# -- stores: what is told of a bucket in resources of their own -----------------------------------------------------------
deny contains {
	"rule": rule,
	"msg": concat("", ["it has no ", type]),
	"address": address("aws_s3_bucket", name),
} if {
	some type, rule in {
		"aws_s3_bucket_public_access_block": "public.store",
		"aws_s3_bucket_server_side_encryption_configuration": "key.own",
		"aws_s3_bucket_versioning": "store.unversioned",
	}
	named := input.resources.aws_s3_bucket
	found := [each |
		some each
		r := named[each]
		not attached(r, type)
	]
	some name in found
}

attached(r, type) if some _ in r.attached[type]

deny contains {
	"rule": "tls.absent",
	"msg": "no statement of its policy refuses, for all of it, what does not come over TLS",
	"address": address("aws_s3_bucket", name),
} if {
	named := input.resources.aws_s3_bucket
	found := [each |
		some each
		r := named[each]
		not tls_only(each, r)
	]
	some name in found
}

# One statement must do all of it: two that each do half refuse next to nothing.
tls_only(name, r) if {
	some policy in r.attached.aws_s3_bucket_policy
	some statement in policy.documents.policy
	statement.conditions == ["Bool aws:SecureTransport false"]
	denies_anybody(statement)
	among("s3:*", statement.actions)
	names := names_of(name, r)
	some bucket in names
	among(bucket, statement.resources)
	among(concat("", [bucket, "/*"]), statement.resources)
}

denies_anybody(statement) if {
	statement.effect == "Deny"
	statement["not"] == []
	among("AWS:*", statement.principals)
}

names_of(name, r) := [concat("", ["${aws_s3_bucket.", name, ".arn}"])] if not r.values.bucket

names_of(name, r) := array.concat(
	[concat("", ["${aws_s3_bucket.", name, ".arn}"])],
	[concat("", ["arn:", partition, ":s3:::", r.values.bucket[0]]) | some partition in partitions],
) if {
	r.values.bucket
}

deny contains {
	"rule": "store.unlocked",
	"msg": "what it holds is not locked for its time",
	"address": address("aws_s3_bucket", name),
} if {
	named := input.resources.aws_s3_bucket
	found := [each |
		some each
		r := named[each]
		aws_lockable(r)
		not locked(each, r)
	]
	some name in found
}

aws_lockable(r) if contains(r.construct, "/audit-sink/")

aws_lockable(r) if contains(r.construct, "/artifact-store/")

locked(_, r) if {
	r.values.object_lock_enabled == [true]
	some lock in r.attached.aws_s3_bucket_object_lock_configuration
	lock.values["rule.default_retention.mode"] == ["COMPLIANCE"]
}

# Who may lift a lock of this mode is a matter of rights, so nobody may have them.
locked(name, r) if {
	r.values.object_lock_enabled == [true]
	some lock in r.attached.aws_s3_bucket_object_lock_configuration
	lock.values["rule.default_retention.mode"] == ["GOVERNANCE"]
	some policy in r.attached.aws_s3_bucket_policy
	some statement in policy.documents.policy
	denies_anybody(statement)
	"s3:BypassGovernanceRetention" in statement.actions
	count(statement.conditions) == 0
	some bucket in names_of(name, r)
	concat("", [bucket, "/*"]) in statement.resources
}

# What is told of a bucket is told of one of this stack: another's policy may be anything, and this one's would have none.
deny contains {
	"rule": "reference.foreign",
	"msg": "its bucket is not a thing of this stack",
	"address": address(type, name),
} if {
	kinds := present
	some type, kind in kinds
	startswith(type, "aws_s3_bucket_")
	not kind.banned
	named := input.resources[type]
	found := [each |
		some each
		r := named[each]
		not own_bucket(r)
	]
	some name in found
}

own_bucket(r) if {
	bucket := r.refs.bucket[0]
	r.refs.bucket == [bucket]
	startswith(bucket, "aws_s3_bucket.")
}

# -- endpoints ------------------------------------------------------------------------------------------------------------
deny contains {
	"rule": "reference.foreign",
	"msg": "service_name is no service of AWS in one of the region's places",
	"address": address("aws_vpc_endpoint", name),
} if {
	named := input.resources.aws_vpc_endpoint
	found := [each |
		some each
		r := named[each]
		not of_the_cloud(r)
	]
	some name in found
}

# A service of somebody's own is called vpce-svc, whoever it is.
of_the_cloud(r) if {
	count(r.values.service_name) == 1
	service := r.values.service_name[0]
	some place in input.locations
	some prefix in ["com.amazonaws.", "cn.com.amazonaws.", "eu.amazonaws."]
	startswith(service, concat("", [prefix, place, "."]))
	not contains(service, "vpce-svc")
}
