"""Search in a few hundred short texts: every word must match, the best match comes first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

_WORD = re.compile(r"[a-z0-9]+")
_FILLERS = frozenset(
    ["a", "about", "an", "and", "by", "for", "from", "i", "in", "is", "my", "of", "on", "or"]
) | {"our", "some", "the", "to", "with", "your"}
_SHORTEST_BEGINNING = 3
_BEGINNING_WORTH = 0.5  # of a whole word's weight
_MOST_WORDS = 12


class Field(NamedTuple):
    """A text that is searched. `whole`: the beginning of a word in it is no match."""

    text: str
    weight: float
    whole: bool = False


class SearchIndex:
    """An inverted index over documents, each a list of fields."""

    def __init__(self, documents: Iterable[list[Field]]) -> None:
        self._words: dict[str, dict[int, float]] = {}
        self._beginnings: dict[str, dict[int, float]] = {}  # words that may be begun only
        for number, fields in enumerate(documents):
            for field in fields:
                for word in words(field.text):
                    _keep_best(self._words, word, number, field.weight)
                    if not field.whole:
                        _keep_best(self._beginnings, word, number, field.weight)

    def scores(self, text: str) -> dict[int, float]:
        """Document number -> score, of the documents in which every word is found."""
        wanted = words(text)
        wanted = [word for word in wanted if word not in _FILLERS] or wanted
        total: dict[int, float] | None = None
        for word in wanted[:_MOST_WORDS]:
            found = self._matches(word)
            if total is None:
                total = found
            else:
                total = {at: total[at] + found[at] for at in total.keys() & found.keys()}
        return total or {}

    def _matches(self, word: str) -> dict[int, float]:
        best = dict(self._words.get(word, {}))
        if len(word) >= _SHORTEST_BEGINNING:
            for other, documents in self._beginnings.items():
                if other.startswith(word):
                    for at, weight in documents.items():
                        best[at] = max(best.get(at, 0.0), weight * _BEGINNING_WORTH)
        return best


def _keep_best(index: dict[str, dict[int, float]], word: str, number: int, weight: float) -> None:
    found = index.setdefault(word, {})
    found[number] = max(found.get(number, 0.0), weight)


def words(text: str) -> list[str]:
    """The words of a text without case, accents and plural endings."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [_singular(word) for word in _WORD.findall(plain.replace("'", ""))]


def _singular(word: str) -> str:
    if len(word) <= _SHORTEST_BEGINNING or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word if word.endswith(("ss", "us", "is")) else word[:-1]
