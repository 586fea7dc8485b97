"""Workload identity: SPIFFE SVIDs from a region's own CA, handed out by attestation, used for TLS and for logins."""
