"""Which names of a register are like a given one: characters and pairs of them, weighed by how rare they are.

The work for one name stays the same however large the register: its rarest pairs are looked up, up to a budget.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sparse_dot_topn import sp_matmul_topn

_BITS: Final = 22
_BUCKETS: Final = 1 << _BITS
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(64 - _BITS)
# Entries of the register that one name is compared with, about: more finds hardly more.
_BUDGET: Final = 3_000
_LEAST: Final = 0.08

Ints = NDArray[np.int64]


def _grams(texts: Sequence[str], places: Ints | None) -> Any:
    """Which characters and pairs stand in which text, as a matrix of ones; hashed.

    Where `places` says a text's city (above 0), pairs count once more as pairs of that city: what is common in the
    nation may be rare there.
    """
    told = "\n".join(texts) + "\n"
    signs = np.frombuffer(told.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    ends = signs == 10
    lines = np.cumsum(ends) - ends
    whole = ~ends
    both = whole[:-1] & whole[1:]
    pairs = signs[:-1][both] * np.uint64(0x110000) + signs[1:][both]
    parts = [(signs[whole], lines[whole]), (pairs, lines[:-1][both])]
    if places is not None:
        city = places[parts[1][1]].astype(np.uint64)
        known = city > 0
        parts.append(((pairs[known] * np.uint64(10_007)) ^ (city[known] << np.uint64(40)), parts[1][1][known]))
    columns = np.concatenate([(value * _PRIME) >> _SHIFT for value, _ in parts]).astype(np.int32)
    rows = np.concatenate([line for _, line in parts]).astype(np.int32)
    made = csr_matrix((np.ones(len(columns), np.float32), (rows, columns)), shape=(len(texts), _BUCKETS))
    made.sum_duplicates()
    made.data[:] = 1
    return made


def _weigh(grams: Any, weights: NDArray[np.float32]) -> Any:
    """Rows of length 1 with each entry by its weight."""
    grams.data = weights[grams.indices]
    squares = np.add.reduceat(np.append(grams.data**2, 0), grams.indptr[:-1]) if grams.nnz else np.zeros(grams.shape[0])
    squares[np.diff(grams.indptr) == 0] = 0
    lengths = np.sqrt(squares)
    lengths[lengths == 0] = 1
    grams.data /= np.repeat(lengths, np.diff(grams.indptr)).astype(np.float32)
    return grams


class Names:
    """The names of a register; names added later come behind, without weighing the others again."""

    def __init__(self, texts: Sequence[str], places: Ints) -> None:
        grams = _grams(texts, places)
        # Most of four million entries come never: they are written down in one go.
        entries, often = np.unique(grams.indices, return_counts=True)
        self.frequency = np.zeros(_BUCKETS, np.int32)
        self.frequency[entries] = often
        weight = np.log((1 + len(texts)) / (1 + np.arange(often.max(initial=0) + 1))) + 1
        self.weights = np.full(_BUCKETS, weight[0], np.float32)
        self.weights[entries] = weight[often]
        self.rows = _weigh(grams, self.weights)
        self._parts = [(0, self.rows.T.tocsr())] if texts else []

    def __len__(self) -> int:
        return int(self.rows.shape[0])

    def add(self, texts: Sequence[str], places: Ints) -> None:
        """Put names behind those that are there."""
        if texts:
            rows = _weigh(_grams(texts, places), self.weights)
            self._parts.append((len(self), rows.T.tocsr()))
            self.rows = vstack([self.rows, rows], format="csr") if len(self) else rows

    def asked(self, texts: Sequence[str], places: Ints) -> Any:
        """Names to ask for, weighed as the register's are; rows for `like` and `cosines`."""
        return _weigh(_grams(texts, places), self.weights)

    def like(self, asked: Any, most: int) -> tuple[Ints, Ints]:
        """Pairs (line of `asked`, position in the register): the most alike of each line."""
        found = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        rare = self._rare(asked)
        for start, columns in self._parts:
            near = sp_matmul_topn(rare, columns, top_n=most, threshold=_LEAST, n_threads=2)
            lines = np.repeat(np.arange(near.shape[0]), np.diff(near.indptr))
            found.append((lines, near.indices.astype(np.int64) + start))
        return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])

    def _rare(self, asked: Any) -> Any:
        """Of each line the entries that lead to fewest names, within the budget."""
        lines = np.repeat(np.arange(asked.shape[0]), np.diff(asked.indptr))
        leads = self.frequency[asked.indices]
        known = leads > 0
        lines, leads = lines[known], leads[known]
        columns, values = asked.indices[known], asked.data[known]
        order = np.lexsort((leads, lines))
        lines, leads, columns, values = lines[order], leads[order], columns[order], values[order]
        total = np.cumsum(leads, dtype=np.int64)
        before = total - leads
        starts = np.searchsorted(lines, np.arange(asked.shape[0]))
        spent = before - np.append(before, 0)[starts][lines]
        kept = spent + leads <= _BUDGET
        return csr_matrix((values[kept], (lines[kept], columns[kept])), shape=asked.shape)

    def cosines(self, asked: Any, lines: Ints, positions: Ints) -> NDArray[np.float32]:
        """How alike each pair is, 0 to 1."""
        made = np.empty(len(lines), np.float32)
        for start in range(0, len(lines), 100_000):
            part = slice(start, start + 100_000)
            both = asked[lines[part]].multiply(self.rows[positions[part]])
            made[part] = np.asarray(both.sum(axis=1), np.float32).ravel()
        return made
