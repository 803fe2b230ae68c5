"""Can a simple classifier tell real from synthetic records? An AUC near 0.5 says that it cannot."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FEATURES = 1024
FOLDS = 5
FEWEST = 10  # records of each kind
_STEPS = 200
_RATE = 0.5
_PENALTY = 1e-3


def domain_auc(texts: Sequence[str], is_synthetic: Sequence[bool], groups: Sequence[str]) -> float | None:
    """Return the cross-validated area under the ROC curve, or None with fewer than ten records of a kind.

    The classifier is a logistic regression on hashed words. Records of one group are never in two folds.
    """
    truth = np.array(is_synthetic, dtype=np.float64)
    if min(truth.sum(), len(truth) - truth.sum()) < FEWEST:
        return None
    features = np.vstack([_features(text) for text in texts])
    folds = np.array([zlib.crc32(group.encode()) % FOLDS for group in groups])
    scores = np.zeros(len(truth))
    for fold in range(FOLDS):
        inside, outside = folds != fold, folds == fold
        if not outside.any() or not 0 < truth[inside].sum() < inside.sum():
            continue
        scores[outside] = _standing(features[outside] @ _fitted(features[inside], truth[inside]))
    return round(area_under_curve(scores, truth), 3)


def area_under_curve(scores: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Return the chance that a positive scores higher than a negative, ties counting half."""
    positive, negative = scores[truth == 1], scores[truth == 0]
    higher = (positive[:, None] > negative[None, :]).sum() + 0.5 * (positive[:, None] == negative[None, :]).sum()
    return float(higher / (len(positive) * len(negative)))


def _features(text: str) -> NDArray[np.float64]:
    vector = np.zeros(FEATURES)
    for word in set(text.lower().split()):
        vector[zlib.crc32(word.encode("utf-8", "replace")) % FEATURES] = 1.0
    return vector / max(1.0, float(np.linalg.norm(vector)))


def _fitted(features: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights by gradient descent, both kinds weighing the same."""
    share = truth.mean()
    balance = np.where(truth == 1, 0.5 / share, 0.5 / (1 - share)) / len(truth)
    weights = np.zeros(features.shape[1])
    for _ in range(_STEPS):
        guess = 1 / (1 + np.exp(-(features @ weights)))
        weights -= _RATE * len(truth) ** 0.5 * (features.T @ (balance * (guess - truth)) + _PENALTY * weights)
    return weights


def _standing(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, which folds with different weights can be compared by."""
    return np.round(1 / (1 + np.exp(-scores)), 6)
