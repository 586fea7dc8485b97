"""The frozen records that travel between stages, regions and the ledger.

Every record is strict (an unknown key is an error), immutable, and has a digest: SHA-256 over its canonical JSON
(RFC 8785), so the same content has the same identity in every process and every region.
"""

from sovplatform.records.artifacts import Artifact, FileEntry, Kind, ShapeContract, TensorSpec
from sovplatform.records.crossings import Crossing, Decision, SignedDecision
from sovplatform.records.jobs import Job, JobSpec, JobState
from sovplatform.records.keys import DataKey, KeyFacts, KeyPurpose, Signature
from sovplatform.records.places import Finding, RegionSpec, RegionStatus, RegionTrust, Role, Trust
from sovplatform.records.privacy import PrivacyEvidence, PrivacyPlan, PrivacySpent
from sovplatform.records.record import Digest, Jurisdiction, Name, Record, canonical, digest_of, now
from sovplatform.records.releases import Approval, EndpointStatus, ModelVersion, Release, ServedModel, ServingState

__all__ = [
    "Approval",
    "Artifact",
    "canonical",
    "Crossing",
    "DataKey",
    "Decision",
    "Digest",
    "digest_of",
    "EndpointStatus",
    "FileEntry",
    "Finding",
    "Job",
    "JobSpec",
    "JobState",
    "Jurisdiction",
    "KeyFacts",
    "KeyPurpose",
    "Kind",
    "ModelVersion",
    "Name",
    "now",
    "PrivacyEvidence",
    "PrivacyPlan",
    "PrivacySpent",
    "Record",
    "RegionSpec",
    "RegionStatus",
    "RegionTrust",
    "Release",
    "Role",
    "ServedModel",
    "ServingState",
    "ShapeContract",
    "Signature",
    "SignedDecision",
    "TensorSpec",
    "Trust",
]
