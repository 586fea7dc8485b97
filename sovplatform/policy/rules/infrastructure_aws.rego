# AWS: which types there may be, and what each must and must not say.
package sovplatform.infrastructure

import rego.v1

aws_readable := {"aws_availability_zones", "aws_caller_identity", "aws_iam_policy_document", "aws_partition", "aws_region"}

aws_kinds := {"aws_vpc": {"labels": "tags"}}

partitions := {"aws"}
