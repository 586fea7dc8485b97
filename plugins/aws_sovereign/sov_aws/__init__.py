"""The provider `aws`: regions of AWS, first of all of its European Sovereign Cloud."""

from __future__ import annotations

from sovplatform.hookspecs import hookimpl

NAME = "aws"


@hookimpl
def sov_provider_name() -> str:
    return NAME


@hookimpl
def sov_stack_forms(provider: str) -> str | None:
    return "sov_aws.stack:AwsForms" if provider == NAME else None
