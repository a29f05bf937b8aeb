"""Training the model from labelled records: boosted trees, calibrated on records that the trees did not see."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.link_words import DIRECTIONS, FEATURES
from registry.linking.features import Floats, contradicting, features, parts_of
from registry.linking.likeness import Ints
from registry.linking.model import read_model, shares
from registry.linking.register import Asked, Register, find

# What is linked without a person is right this often, as measured on records held back.
RIGHT_ENOUGH: Final = 0.999
# And never from a lower score than this: below it near-namesakes begin.
LOWEST: Final = 0.918
_DEPTH: Final = 6
_FOLDS: Final = 3


@dataclass(frozen=True)
class Labelled:
    """A register, records without their codes, and the ids of the projects that each belongs to."""

    register: Register
    records: Sequence[Asked]
    truth: Sequence[set[int]]


def train(sets: Iterable[Labelled], *, seed: int = 20131006, trees: int = 90) -> str:
    """A model as JSON."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # only who trains needs it
    from sklearn.isotonic import IsotonicRegression

    rows, labels, lines, parts = _pairs(sets)
    fold = np.random.default_rng(seed).integers(0, _FOLDS, int(lines.max()) + 1)[lines]

    def fitted(kept: NDArray[np.bool_]) -> Any:
        learner = HistGradientBoostingClassifier(
            max_iter=trees,
            max_depth=_DEPTH,
            max_leaf_nodes=20,
            learning_rate=0.13,
            min_samples_leaf=30,
            l2_regularization=2.0,
            monotonic_cst=DIRECTIONS,
            random_state=seed,
            early_stopping=False,
        )
        return learner.fit(rows[kept], labels[kept])

    share = np.empty(len(labels))
    for one in range(_FOLDS):
        held = fold == one
        share[held] = shares(fitted(~held).decision_function(rows[held]), lines[held], parts[held])
    isotonic = IsotonicRegression(out_of_bounds="clip", y_min=0.0005, y_max=0.9995).fit(share, labels)
    grid, right = centred(np.asarray(isotonic.X_thresholds_), np.asarray(isotonic.y_thresholds_))
    sure = np.interp(share, grid, right)
    doubtful = contradicting(rows)
    told = {
        "features": list(FEATURES),
        "depth": _DEPTH,
        **_trees(fitted(np.ones(len(labels), bool))),
        "calibration": {
            "share": [round(float(one), 7) for one in grid],
            "right": [round(float(one), 5) for one in right],
        },
        "automatic": _automatic(sure[~doubtful], labels[~doubtful]),
        "review": 0.03,
        "trained": {
            "records": int(lines.max()) + 1,
            "pairs": len(labels),
            "seed": seed,
            "reliability": reliability(sure, labels),
        },
    }
    made = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    read_model(made)
    return made


def centred(share: NDArray[np.float64], right: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The steps of an isotonic regression as their middles, so that a greater share is always a greater score."""
    levels = np.unique(right)
    middles = np.array([(share[right == one].min() + share[right == one].max()) / 2 for one in levels])
    # What lies outside the first and the last step stays as sure as they are.
    return np.concatenate([[0.0], middles, [1.0]]), np.concatenate([levels[:1], levels, levels[-1:]])


def _pairs(sets: Iterable[Labelled]) -> tuple[Floats, NDArray[np.bool_], Ints, NDArray[np.bool_]]:
    rows, labels, lines, parts, before = [], [], [], [], 0
    for one in sets:
        found = find(one.register, one.records)
        rows.append(features(one.register, one.records, found))
        pairs = zip(found.lines.tolist(), found.positions.tolist(), strict=True)
        labels.append(np.array([one.register.projects[meant].id in one.truth[asked] for asked, meant in pairs], bool))
        lines.append(found.lines + before)
        parts.append(parts_of(one.register, one.records, found))
        before += len(one.records)
    return np.concatenate(rows), np.concatenate(labels), np.concatenate(lines), np.concatenate(parts)


def _trees(model: Any) -> dict[str, Any]:
    trees = []
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        itself = np.arange(len(nodes))
        leaf = nodes["is_leaf"].astype(bool)
        column = np.where(leaf, 0, nodes["feature_idx"]) + len(FEATURES) * nodes["missing_go_to_left"] * ~leaf
        child = np.column_stack([np.where(leaf, itself, nodes["left"]), np.where(leaf, itself, nodes["right"])]).ravel()
        value = nodes["value"].astype(float).copy()
        # What a node expects before it asks: the mean of what follows, by how much was seen of each.
        count = nodes["count"].astype(float)
        for at in range(len(nodes) - 1, -1, -1):
            if not leaf[at]:
                left, right = int(nodes["left"][at]), int(nodes["right"][at])
                value[at] = (value[left] * count[left] + value[right] * count[right]) / (count[left] + count[right])
        trees.append(
            {
                "column": column.astype(int).tolist(),
                "threshold": np.where(leaf, 0, np.clip(nodes["num_threshold"], -1e9, 1e9)).tolist(),
                "child": child.astype(int).tolist(),
                "value": [round(float(one), 5) for one in value],
            }
        )
    return {"baseline": float(model._baseline_prediction.ravel()[0]), "trees": trees}


def _automatic(sure: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """The lowest score from which on what is linked without a person is right often enough."""
    order = np.argsort(-sure, kind="stable")
    right = np.cumsum(labels[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(right >= RIGHT_ENOUGH)
    return round(float(max(LOWEST, sure[order][enough[-1]] if len(enough) else 1.0)), 5)


def reliability(sure: NDArray[np.float64], labels: NDArray[np.bool_]) -> list[dict[str, float]]:
    """What was said beside what came true, for spans of scores."""
    table = []
    edges = (0, 0.05, 0.2, 0.5, 0.8, 0.9, 0.97, 0.99, 1.01)
    for low, high in pairwise(edges):
        within = (sure >= low) & (sure < high)
        if within.any():
            said, true = float(sure[within].mean()), float(labels[within].mean())
            table.append(
                {
                    "from": low,
                    "to": min(high, 1),
                    "pairs": int(within.sum()),
                    "said": round(said, 4),
                    "true": round(true, 4),
                }
            )
    return table
