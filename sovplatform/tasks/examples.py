"""The fintech example's task and training, as `sovctl init pilot --example fintech` writes them.

Bounds and bins are what the words mean and what lenders know (years at work, months of a consumer loan, amounts in thousands
of pesetas, the currency of the applications), not what the data says: data would have to pay for that with budget.
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
            NumberFeature(name="Time", type="number", min=6, max=72, bins=(25, 49)),
            NumberFeature(name="Age", type="number", min=18, max=68, bins=(25, 35, 50)),
            NumberFeature(name="Expenses", type="number", min=20, max=200, scale="log", bins=(45, 60, 90)),
            NumberFeature(name="Income", type="number", min=20, max=800, scale="log", bins=(60, 100, 150, 200, 300)),
            NumberFeature(name="Assets", type="number", min=0, max=100_000, scale="log", bins=(1, 2500, 5000, 10_000)),
            NumberFeature(name="Debt", type="number", min=0, max=20_000, scale="log", bins=(1,)),
            NumberFeature(name="Amount", type="number", min=200, max=5000, scale="log", bins=(600, 1000, 1500)),
            NumberFeature(name="Price", type="number", min=300, max=7000, scale="log", bins=(1000, 1500, 2000)),
            CategoryFeature(name="Home", type="category", values=("owner", "rent", "parents", "priv", "ignore", "other")),
            CategoryFeature(name="Marital", type="category", values=("married", "single", "separated", "widow", "divorced")),
            CategoryFeature(name="Records", type="category", values=("yes", "no")),
            CategoryFeature(name="Job", type="category", values=("fixed", "freelance", "partime", "others")),
        ),
        identifiers=IDENTIFIERS,
    )


def fintech_training() -> TrainingSpec:
    """Twelve rounds on all records: few records and a small ε leave nothing to gain from sampling."""
    return TrainingSpec(
        epsilon=2.0, delta=1e-5, rounds=12, clip_norm=1.4, sampling_rate=1.0, learning_rate=4.0, momentum=0.8, holdout=0.25
    )
