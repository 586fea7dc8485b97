"""What stands between synthesised stacks and Terraform: their schemas, their plans and the command itself."""
