"""Training the model from labelled records: boosted trees, calibrated on records that the trees did not see."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.link_words import DIRECTIONS, FEATURES
from registry.linking.facts import Facts
from registry.linking.features import Floats, contradicting, features, parts_of, together, unnamed
from registry.linking.likeness import Ints
from registry.linking.model import read_model, shares
from registry.linking.register import Asked, Found, Register, find
from registry.linking.thresholds import REVIEW, RIGHT_ENOUGH

_DEPTH: Final = 6
_FOLDS: Final = 3


@dataclass(frozen=True)
class Labelled:
    """A register, records without their codes, and the ids of the projects that each belongs to."""

    register: Register
    records: Sequence[Asked]
    truth: Sequence[set[int]]
    known: Mapping[int, Facts]  # of the projects, by id


def train(sets: Iterable[Labelled], *, seed: int = 20131006, trees: int = 90) -> str:
    """A model as JSON."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # only who trains needs it
    from sklearn.isotonic import IsotonicRegression
    from threadpoolctl import threadpool_limits

    pairs = _pairs(sets)
    rows, labels, lines = pairs.rows, pairs.labels, pairs.lines
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
        # Sums of many threads differ in their last digits, and with them the weights.
        with threadpool_limits(1):
            return learner.fit(rows[kept], labels[kept])

    # Whole records are held back, so that a record's candidates are weighed by trees that saw none of them.
    raw = np.empty(len(labels))
    for one in range(_FOLDS):
        held = fold == one
        raw[held] = fitted(~held).decision_function(rows[held])
    share = pairs.shares(raw)
    isotonic = IsotonicRegression(out_of_bounds="clip", y_min=0.0005, y_max=0.9995).fit(share, labels)
    grid, right = centred(np.asarray(isotonic.X_thresholds_), np.asarray(isotonic.y_thresholds_))
    sure = np.interp(share, grid, right)
    doubtful = contradicting(rows) | unnamed(rows)
    told = {
        "features": list(FEATURES),
        "depth": _DEPTH,
        **_trees(fitted(np.ones(len(labels), bool))),
        "calibration": {
            "share": [round(float(one), 7) for one in grid],
            "right": [round(float(one), 5) for one in right],
        },
        "automatic": _automatic(sure[~doubtful], labels[~doubtful]),
        "review": REVIEW,
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


@dataclass(frozen=True)
class _Pairs:
    """What was found for the records of all sets; lines count on from set to set."""

    rows: Floats
    labels: NDArray[np.bool_]
    lines: Ints
    parts: NDArray[np.bool_]
    found: list[tuple[Register, Found]]

    def shares(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """As the linker makes them of the trees' log odds."""
        made, start = raw.copy(), 0
        for register, found in self.found:
            part = slice(start, start + len(found.lines))
            made[part] = together(raw[part], register, found, self.parts[part])
            start = part.stop
        return shares(made, self.lines, self.parts)


def _pairs(sets: Iterable[Labelled]) -> _Pairs:
    rows, labels, lines, parts, kept, before = [], [], [], [], [], 0
    # In an order of their own, so that the same sets give the same weights however they are named.
    for one in sorted(sets, key=lambda given: (len(given.records), repr(given.records[:50]))):
        found = find(one.register, one.records)
        kept.append((one.register, found))
        rows.append(features(one.register, one.records, found, one.known))
        pairs = zip(found.lines.tolist(), found.positions.tolist(), strict=True)
        labels.append(np.array([one.register.projects[meant].id in one.truth[asked] for asked, meant in pairs], bool))
        lines.append(found.lines + before)
        parts.append(parts_of(one.register, found))
        before += len(one.records)
    return _Pairs(np.concatenate(rows), np.concatenate(labels), np.concatenate(lines), np.concatenate(parts), kept)


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
    return round(float(sure[order][enough[-1]] if len(enough) else 1.0), 5)


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
