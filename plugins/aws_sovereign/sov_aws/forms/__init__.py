"""The constructs of a pilot as Terraform resources of AWS."""
