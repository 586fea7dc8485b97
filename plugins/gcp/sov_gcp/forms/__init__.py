"""The constructs of a pilot in Google Cloud's Terraform, a file for each."""
