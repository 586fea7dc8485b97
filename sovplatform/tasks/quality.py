"""How good a model is: exactly, where the data is; and from noised histograms of scores, which may leave.

A record adds one to one bin of one of two histograms, so that the L2 sensitivity of both together is 1. The area under
the ROC curve follows from the bins as from grouped data, ties counting half.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sovplatform.records import ShapeContract, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sovplatform.tasks.dpsgd import Rng
    from sovplatform.tasks.task import Floats, Parameters

STATISTICS = "score-histograms"
LABELS = ("negative", "positive")


def statistics_contract(bins: int) -> ShapeContract:
    """The tensors of one region's histograms."""
    return ShapeContract(task=STATISTICS, tensors={label: TensorSpec(dtype="F32", shape=(bins,)) for label in LABELS})


def histogram(scores: Floats, y: Floats, bins: int, noise_multiplier: float, rng: Rng) -> Parameters:
    """Counts of scores in `bins` equal intervals of [0, 1] by label, each with noise of deviation `noise_multiplier`."""
    import numpy as np

    inside = np.clip(np.nan_to_num(scores.astype(np.float64)), 0.0, 1.0)
    place = np.minimum((inside * bins).astype(np.int64), bins - 1)
    counts = {label: np.bincount(place[y == value], minlength=bins) for value, label in enumerate(LABELS)}
    return {label: (count + noise_multiplier * rng.standard_normal(bins)).astype(np.float32) for label, count in counts.items()}


def auc_from_histograms(histograms: Sequence[Mapping[str, NDArray[Any]]], noise_multiplier: float = 0.0) -> tuple[float, float]:
    """The area under the ROC curve of all regions' records together, and its standard error.

    The error is that of so few records (Hanley & McNeil, Radiology 1982) and, when `noise_multiplier` tells the noise in
    each histogram, of the noise (delta method). Without enough records to tell anything, 0.5 ± 0.5.
    """
    import numpy as np

    negative, positive = (np.asarray([h[label] for h in histograms], np.float64).sum(axis=0) for label in LABELS)
    negatives, positives = float(negative.sum()), float(positive.sum())
    if negatives < 1 or positives < 1:
        return 0.5, 0.5
    below = (np.cumsum(negative) - negative / 2) / negatives
    above = (np.cumsum(positive[::-1])[::-1] - positive / 2) / positives
    auc = float(np.clip(positive @ below / positives, 0.0, 1.0))
    variance = noise_multiplier**2 * len(histograms)
    noise = variance * float(np.sum(((below - auc) / positives) ** 2) + np.sum(((above - auc) / negatives) ** 2))
    return auc, math.sqrt(noise + _sampling_variance(auc, positives, negatives))


def _sampling_variance(auc: float, positives: float, negatives: float) -> float:
    two_positives, two_negatives = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = (positives - 1) * (two_positives - auc**2) + (negatives - 1) * (two_negatives - auc**2)
    return max(0.0, (auc * (1 - auc) + spread) / (positives * negatives))


def auc(scores: Floats, y: Floats) -> float:
    """The exact area under the ROC curve, ties counting half; 0.5 when only one class is there."""
    import numpy as np

    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    positives = int((y == 1).sum())
    negatives = len(y) - positives
    if not positives or not negatives:
        return 0.5
    return float((ranks[y == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))
