"""Infrastructure: a pilot as Terraform: synthesised, planned, judged, priced and applied; no cloud is asked until it must."""
