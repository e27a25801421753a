"""Cases as choices: what stood first, what each part says of it, and what was looked at.

Only the products that the usual weights rank first are chosen from, and only cases in which what
was looked at is among them: the order there is what a visitor sees, and with all products the many
that nobody would be shown outweigh it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from infra.picks.cases import Case
from infra.picks.logit import Array, Choices
from personalize_api.picks.scores import score, values_of
from personalize_api.picks.shelf import Shelf
from personalize_api.picks.variety import candidates
from personalize_api.picks.weights import USUAL

SHORTLIST = 50
PARTS = tuple(USUAL)


def choices_of(shelf: Shelf, cases: Iterable[Case]) -> Choices:
    """`shelf`: with the usual weights."""
    values: list[Array] = []
    sizes: list[int] = []
    found: list[int] = []
    for case in cases:
        place = shelf.catalogue.place.get(case.found, -1)
        scored = score(shelf, case.taste)
        shortlist = candidates(scored.total, scored.blocked, SHORTLIST)
        among = np.flatnonzero(shortlist == place)
        if len(among):
            parts = values_of(shelf, case.taste).parts
            rows = np.zeros((SHORTLIST, len(PARTS)))
            for column, name in enumerate(PARTS):
                if name in parts:
                    rows[: len(shortlist), column] = parts[name][shortlist]
            values.append(rows)
            sizes.append(len(shortlist))
            found.append(int(among[0]))
    there = np.arange(SHORTLIST)[None, :] < np.array(sizes, np.int64)[:, None]
    told = np.zeros((len(values), SHORTLIST, len(PARTS)))
    for number, rows in enumerate(values):
        told[number] = rows
    return Choices(told, there, np.array(found, np.int64))
