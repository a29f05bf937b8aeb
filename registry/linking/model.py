"""Weights as data: boosted trees in JSON, evaluated with numpy, calibrated; the same file gives the same score."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.errors import BadInput
from registry.link_words import FEATURES
from registry.linking.features import Floats
from registry.linking.likeness import Ints
from registry.linking.thresholds import AUTOMATIC_AT_LEAST

SHIPPED: Final = Path(__file__).parent / "weights" / "shipped.json"
_CHUNK: Final = 16_384


@dataclass(frozen=True)
class Model:
    """Trees as arrays; a leaf is its own child. `share` and `right` say how often a raw share is right."""

    version: str
    baseline: float
    # Rows are trees, columns nodes. `column` counts features twice: what is lacking goes right in the first half and
    # left in the second.
    column: NDArray[np.int64]
    threshold: Floats
    child: NDArray[np.int64]  # (tree, 2 * node + goes_right)
    value: NDArray[np.float64]
    depth: int
    share: NDArray[np.float64]
    right: NDArray[np.float64]
    automatic: float  # linked without a person from here
    review: float  # shown to a person from here
    trained: dict[str, Any]

    @property
    def root(self) -> float:
        """The sum of what the trees expect of any pair, in log odds."""
        return float(self.value[:, 0].sum())

    def raw(self, rows: Floats) -> NDArray[np.float64]:
        """The sum of the trees for each row, in log odds."""
        total = np.full(len(rows), self.baseline)
        for start in range(0, len(rows), _CHUNK):
            part, told = self._told(rows[start : start + _CHUNK])
            for tree in range(len(self.column)):
                node = np.zeros(len(part), np.int64)
                for _ in range(self.depth):
                    node = self._step(tree, node, part, told)
                total[start : start + _CHUNK] += self.value[tree][node]
        return total

    def weights(self, rows: Floats) -> NDArray[np.float64]:
        """What each feature adds to the log odds of each row: with the baseline and `root` they sum to `raw`.

        A step down a tree changes what is expected; the change is the feature's that was asked. `root` is what all
        trees expect before they ask anything.
        """
        made = np.zeros((len(rows), len(FEATURES)))
        part, told = self._told(rows)
        every = np.arange(len(rows))
        for tree in range(len(self.column)):
            node = np.zeros(len(rows), np.int64)
            for _ in range(self.depth):
                after = self._step(tree, node, part, told)
                feature = self.column[tree][node] % len(FEATURES)
                made[every, feature] += self.value[tree][after] - self.value[tree][node]
                node = after
        return made

    def _told(self, rows: Floats) -> tuple[Ints, Floats]:
        lacking = np.isnan(rows)
        both = np.hstack([np.where(lacking, np.inf, rows), np.where(lacking, -np.inf, rows)]).astype(np.float32)
        return np.arange(len(rows)) * both.shape[1], both.ravel()

    def _step(self, tree: int, node: Ints, part: Ints, told: Floats) -> Ints:
        right = told[part + self.column[tree][node]] > self.threshold[tree][node]
        after: Ints = self.child[tree][2 * node + right]
        return after

    def calibrated(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """How often a share of this size was right."""
        found: NDArray[np.float64] = np.interp(share, self.share, self.right)
        return found

    def scores(self, raw: NDArray[np.float64], lines: Ints, parts: NDArray[np.bool_]) -> NDArray[np.float64]:
        """How sure it is that each pair is one, other candidates of the same record considered."""
        return self.calibrated(shares(raw, lines, parts))


def shares(raw: NDArray[np.float64], lines: Ints, parts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Odds of the candidates of one record against each other and against none of them.

    `parts` are no rivals of one another: a record of two stages speaks of two projects.
    """
    if not len(raw):
        return raw
    odds = np.exp(np.clip(raw, -30, 30))
    against = np.bincount(lines, weights=odds)[lines]
    together = np.bincount(lines, weights=odds * parts)[lines]
    made: NDArray[np.float64] = odds / (1 + against - np.where(parts, together - odds, 0))
    return made


def read_model(text: str) -> Model:
    """A model from its JSON; BadInput where it was trained for other features."""
    told = json.loads(text)
    if told["features"] != list(FEATURES):
        raise BadInput("The model was trained for other features.", remedy="Train it again: threegates link-train.")
    trees: list[dict[str, list[float]]] = told["trees"]
    width = max(len(tree["value"]) for tree in trees)

    def stacked(name: str, kind: type, times: int = 1) -> NDArray[Any]:
        return np.array([[*tree[name], *([0] * (times * width - len(tree[name])))] for tree in trees], dtype=kind)

    return Model(
        version=hashlib.blake2b(text.encode(), digest_size=6).hexdigest(),
        baseline=told["baseline"],
        column=stacked("column", np.int64),
        threshold=stacked("threshold", np.float32),
        child=stacked("child", np.int64, 2),
        value=stacked("value", np.float64),
        depth=told["depth"],
        share=np.array(told["calibration"]["share"]),
        right=np.array(told["calibration"]["right"]),
        # Also weights that an installation trained before do not link from a lower score than we find right.
        automatic=max(told["automatic"], AUTOMATIC_AT_LEAST),
        review=told["review"],
        trained=told["trained"],
    )


@lru_cache(maxsize=1)
def shipped() -> Model:
    """The model that comes with the software."""
    return read_model(SHIPPED.read_text(encoding="utf-8"))
