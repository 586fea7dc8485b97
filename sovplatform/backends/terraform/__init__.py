"""Terraform forms that several providers share: what is in a Kubernetes cluster, and keys in OpenBao or Vault."""
