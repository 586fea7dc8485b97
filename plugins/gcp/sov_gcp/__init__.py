"""The provider `gcp`."""
