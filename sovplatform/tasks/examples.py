"""The fintech example's task and training, as `sovctl init pilot --example fintech` writes them.

Bounds and bins are what a lender knows without looking at anybody's application: years at work, months of a consumer loan,
and amounts in thousands of pesetas, the currency of the applications, within which small and large ones differ. Deriving
them from private data would cost budget; see `examples/fintech/README.md`.
"""

from __future__ import annotations

from sovplatform.pilot import CategoryFeature, NumberFeature, Target, TaskSpec, TrainingSpec
from sovplatform.tasks.fintech import IDENTIFIERS


def fintech_task() -> TaskSpec:
    """Will the applicant fail to pay the loan back?"""
    return TaskSpec(
        name="credit-default",
        target=Target(column="Status", positive="bad"),
        features=(
            NumberFeature(name="Seniority", type="number", min=0, max=40, scale="log", bins=(1, 3, 6, 12, 20)),
            NumberFeature(name="Time", type="number", min=6, max=72),
            NumberFeature(name="Age", type="number", min=18, max=68),
            NumberFeature(name="Expenses", type="number", min=30, max=100, scale="log"),
            NumberFeature(name="Income", type="number", min=50, max=400, scale="log", bins=(60, 100, 150, 200, 300)),
            NumberFeature(name="Assets", type="number", min=0, max=100_000, scale="log", bins=(1, 2500, 5000, 10_000)),
            NumberFeature(name="Debt", type="number", min=0, max=20_000, scale="log"),
            NumberFeature(name="Amount", type="number", min=400, max=2000, scale="log", bins=(600, 1000, 1500)),
            NumberFeature(name="Price", type="number", min=600, max=3000, scale="log", bins=(1000, 1500, 2000)),
            CategoryFeature(name="Home", type="category", values=("owner", "rent", "parents", "priv", "ignore", "other")),
            CategoryFeature(name="Marital", type="category", values=("married", "single", "separated", "widow", "divorced")),
            CategoryFeature(name="Records", type="category", values=("yes",)),
            CategoryFeature(name="Job", type="category", values=("fixed", "freelance", "partime", "others")),
        ),
        identifiers=IDENTIFIERS,
    )


def fintech_training() -> TrainingSpec:
    """Fourteen rounds on all records: with few records and a small ε there is nothing to gain from sampling."""
    return TrainingSpec(
        epsilon=2.0, delta=1e-5, rounds=14, clip_norm=1.4, sampling_rate=1.0, learning_rate=5.0, momentum=0.7, holdout=0.25
    )
