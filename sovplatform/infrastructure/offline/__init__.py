"""Terraform providers that only plan: served from the schema files, with no cloud, no registry and no credentials."""
