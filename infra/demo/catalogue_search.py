"""Search in a few hundred short texts: every word must match, the best match comes first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_WORD = re.compile(r"[a-z0-9]+")
_FILLERS = frozenset(["a", "an", "and", "for", "in", "of", "on", "or", "the", "to", "with"])
_SHORTEST_BEGINNING = 3
_BEGINNING_WORTH = 0.5  # of a whole word's weight
_MOST_WORDS = 12


class SearchIndex:
    """An inverted index over documents, each a list of (text, weight)."""

    def __init__(self, documents: Iterable[list[tuple[str, float]]]) -> None:
        self._weights: dict[str, dict[int, float]] = {}
        for number, fields in enumerate(documents):
            for text, weight in fields:
                for word in words(text):
                    found = self._weights.setdefault(word, {})
                    found[number] = max(found.get(number, 0.0), weight)

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
        best = dict(self._weights.get(word, {}))
        if len(word) >= _SHORTEST_BEGINNING:
            for other, documents in self._weights.items():
                if other.startswith(word):
                    for at, weight in documents.items():
                        best[at] = max(best.get(at, 0.0), weight * _BEGINNING_WORTH)
        return best


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
