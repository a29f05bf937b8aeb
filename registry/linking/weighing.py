"""Weighing what exact means leave open: each record's likeliest projects, scored, and what follows from the scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from registry.link_words import FEATURES
from registry.linking.facts import Facts
from registry.linking.features import Floats, contradicting, features, parts_of, tied, together, unnamed
from registry.linking.likeness import Ints
from registry.linking.model import Model
from registry.linking.register import Asked, Found, Register, find
from registry.linking.thresholds import AUTOMATIC_UNNAMED, MOST_LINKED, SHOWN

# Speaking features that are kept with each candidate.
SPEAKING: Final = 8


@dataclass(frozen=True)
class Weighed:
    """Pairs worth keeping, in order of lines and then scores; `values` are their features."""

    lines: Ints
    projects: Ints  # ids
    scores: NDArray[np.float64]
    automatic: NDArray[np.bool_]
    # Record and register say different things: worth a look, and no reason to doubt what exact means said.
    contradicted: NDArray[np.bool_]
    values: Floats


def weigh(
    register: Register,
    model: Model,
    records: Sequence[Asked],
    found: Found | None = None,
    *,
    known: Mapping[int, Facts] = MappingProxyType({}),
    barred: frozenset[tuple[int, int]] = frozenset(),
) -> Weighed:
    """The candidates of each record that a person would be shown, those marked that need no person.

    `found` is what `find` says of them, `known` are facts of those projects; `barred` are (record, project) that a
    person has said are not one: never proposed again.
    """
    found = find(register, records) if found is None else found
    values = features(register, records, found, known)
    parts = parts_of(register, found)
    raw = together(model.raw(values), register, found, parts)
    scores = model.scores(raw, found.lines, parts)
    ids = np.array([register.projects[at].id for at in found.positions.tolist()], np.int64)
    kept = scores >= model.review
    if barred:
        said = [(records[line].id, project) for line, project in zip(found.lines.tolist(), ids.tolist(), strict=True)]
        kept &= np.array([one not in barred for one in said], bool)
    order = np.flatnonzero(kept)
    order = order[np.lexsort((ids[order], -scores[order], found.lines[order]))]
    lines = found.lines[order]
    rank = np.arange(len(lines)) - np.searchsorted(lines, lines)
    first = rank < SHOWN
    order, lines, rank = order[first], lines[first], rank[first]
    contradicted = _contradicted(records, register, found.positions[order], lines, values[order])
    enough = np.where(unnamed(values[order]), np.maximum(AUTOMATIC_UNNAMED, model.automatic), model.automatic)
    # The stages that a record names together are no rivals of each other.
    rivalled = tied(values[order]) & ~parts[order]
    automatic = (scores[order] >= enough) & (rank < MOST_LINKED) & ~contradicted & ~rivalled
    return Weighed(lines, ids[order], scores[order], automatic, contradicted, values[order])


def _contradicted(
    records: Sequence[Asked], register: Register, positions: Ints, lines: Ints, values: Floats
) -> NDArray[np.bool_]:
    """Pairs where record and register contradict each other, in the sector too: never linked without a person."""
    told = [
        bool(records[line].sector and register.projects[at].sector)
        and records[line].sector != register.projects[at].sector
        for line, at in zip(lines.tolist(), positions.tolist(), strict=True)
    ]
    return np.array(told, bool) | contradicting(values)


def speaking(model: Model, values: Floats) -> list[list[dict[str, Any]]]:
    """Of each row the features that speak loudest: name, value (None where nothing is said of it), weight."""
    names = list(FEATURES)
    weights = model.weights(values)
    loudest = np.argsort(-np.abs(weights), axis=1, kind="stable")[:, :SPEAKING]
    told = np.round(np.take_along_axis(values.astype(np.float64), loudest, 1), 3).tolist()
    spoken = np.round(np.take_along_axis(weights, loudest, 1), 3).tolist()
    quiet = (np.abs(np.take_along_axis(weights, loudest, 1)) < 0.05).tolist()
    return [
        [
            # What is nothing is unlike itself.
            {"feature": names[at], "value": None if value != value else value, "weight": weight}
            for at, value, weight, still in zip(*row, strict=True)
            if not still
        ]
        for row in zip(loudest.tolist(), told, spoken, quiet, strict=True)
    ]
