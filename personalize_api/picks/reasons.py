"""Why a product was picked, as sentences for whoever sees it.

What is about the visitor comes before what holds for all; of each the strongest first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from personalize_api.picks.scores import Scored
from personalize_api.picks.shelf import Shelf
from personalize_api.picks.taste import Taste

MOST_REASONS = 3
_WORTH_SAYING = 0.1  # of the score
_LIKES = ("likes", "like", "interests", "interest", "hobbies", "favourites", "favorites")
_ABOUT_ALL = (
    "popular",
    "popular there",
    "popular here",
    "new",
)  # said after what is about the visitor
_POPULAR_THERE = 0.25  # with those from the same source, as a share of their favourite


def reasons(
    shelf: Shelf, taste: Taste, scored: Scored, place: int, parts: Mapping[str, float]
) -> list[str]:
    """At least one for what scores above 0. `parts`: the product's own."""
    told: list[str] = []
    score = sum(parts.values())
    for name in sorted(parts, key=lambda part: (part in _ABOUT_ALL, -parts[part], part)):
        enough = parts[name] > 0 and parts[name] >= _WORTH_SAYING * score
        if enough and (say := _SENTENCES.get(name)) is not None:
            sentence = say(shelf, taste, scored, place)
            if sentence and sentence not in told:
                told.append(sentence)
        if len(told) == MOST_REASONS:
            break
    is_popular = any(parts.get(name, 0) > 0 for name in _ABOUT_ALL[:3])
    return told or ["popular now" if is_popular else "close to your taste"]


def _wished(shelf: Shelf, taste: Taste, scored: Scored, place: int) -> str:
    wishes = scored.wishes
    given = shelf.catalogue.shared(place, wishes.wanted)
    if not given:
        return ""
    token = max(given, key=lambda each: (given[each], -each))
    name, value = wishes.said[token]
    return f"likes {_plain(value)}" if name in _LIKES else f"for {_plain(name)} {_plain(value)}"


def _fits(shelf: Shelf, taste: Taste, scored: Scored, place: int) -> str:
    name, number = min(scored.wishes.numbers.items())
    return f"fits {_plain(name)} {number:g}"


def _interest(shelf: Shelf, taste: Taste, scored: Scored, place: int) -> str:
    category = shelf.catalogue.products[place].category
    return f"because you often look at {_plain(category)}" if category else ""


def _viewed(shelf: Shelf, taste: Taste, scored: Scored, place: int) -> str:
    title = _owed_to(shelf, scored, "viewed together", place)
    return f"others who looked at {title} looked at this too" if title else ""


def _bought(shelf: Shelf, taste: Taste, scored: Scored, place: int) -> str:
    title = _owed_to(shelf, scored, "bought together", place)
    return f"bought together with {title}" if title else ""


def _similar(shelf: Shelf, taste: Taste, scored: Scored, place: int) -> str:
    alike = shelf.catalogue.alike(place, [seen for seen, _ in scored.seen])
    shares = [amount * share for (_, amount), share in zip(scored.seen, alike, strict=True)]
    if not shares or max(shares) <= 0:
        return ""
    return f"because you looked at {_title(shelf, scored.seen[shares.index(max(shares))][0])}"


def _next(shelf: Shelf, taste: Taste, scored: Scored, place: int) -> str:
    title = _owed_to(shelf, scored, "viewed next", place)
    return f"what others looked at after {title}" if title else ""


def _price(shelf: Shelf, taste: Taste, scored: Scored, place: int) -> str:
    prices = shelf.prices
    is_usual = prices is None or not prices.stands_out(scored.seen, place)
    return "" if is_usual else "costs about what you look at"


def _range(shelf: Shelf, taste: Taste, scored: Scored, place: int) -> str:
    for name, kinds in shelf.spans.items():
        if name not in scored.wishes.numbers and kinds.stands_out(scored.seen, place):
            return f"for the same {_plain(name)} as what you look at"
    return ""


def _popular(shelf: Shelf, taste: Taste, scored: Scored, place: int) -> str:
    source, scores = taste.source, shelf.by_source.popular(taste.source)
    is_named = bool(source) and not source.startswith("(")
    if is_named and scores is not None and scores[place] >= _POPULAR_THERE:
        return f"popular with visitors from {source}"
    return "popular now"


def _new(shelf: Shelf, taste: Taste, scored: Scored, place: int) -> str:
    return "new"


_Say = Callable[[Shelf, Taste, Scored, int], str]

_SENTENCES: Mapping[str, _Say] = {
    "wished": _wished,
    "fits": _fits,
    "interest": _interest,
    "price": _price,
    "range": _range,
    "viewed together": _viewed,
    "viewed next": _next,
    "bought together": _bought,
    "similar": _similar,
    "popular": _popular,
    "popular there": _popular,
    "popular here": _popular,
    "new": _new,
}


def _owed_to(shelf: Shelf, scored: Scored, part: str, place: int) -> str:
    other = scored.ties[part].owed_to(place)
    return _title(shelf, other) if other >= 0 else ""


def _title(shelf: Shelf, place: int) -> str:
    return shelf.catalogue.products[place].title


def _plain(text: str) -> str:
    """As one says it: 'cuddly toys' for 'cuddly-toys'."""
    return text.replace("-", " ").replace("_", " ")
