"""The shop as shoppers see it: what they look for, what they find, what a page is called."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from random import Random
from urllib.parse import quote_plus

from infra.demo.catalogue import Catalogue
from infra.demo.product import Product
from infra.simulate.odds import FINDS_NOTHING, Weighted, is_drawn
from infra.simulate.people import Person

_MISSING = ("games console", "teddybare", "gift card", "spining top", "trampoline 3m", "drone")
_TRIES = 4
_HALF_LIFE = 12  # ranks in which a bestseller's pull halves


class Shelves:
    """A catalogue, ready to be drawn from. Raises ValueError for one without products."""

    def __init__(self, catalogue: Catalogue) -> None:
        if not catalogue.products:
            raise ValueError("the catalogue has no products")
        self._catalogue = catalogue
        self._category_titles = {each.slug: each.title for each in catalogue.categories}
        self.by_category: dict[str, list[Product]] = {}
        for product in catalogue.products:
            self.by_category.setdefault(product.category, []).append(product)
        ranked = catalogue.bestsellers(40) or list(catalogue.products[:10])
        self.of_the_articles = ranked[:2]  # what the encyclopedia writes about
        self._bestsellers = Weighted(
            (product, 0.5 ** (n / _HALF_LIFE)) for n, product in enumerate(ranked)
        )
        self._offers = catalogue.offers(40)

    @property
    def categories(self) -> Sequence[str]:
        return tuple(self.by_category)

    def category_title(self, slug: str) -> str:
        return self._category_titles.get(slug, slug)

    def product_for(self, chance: Random, person: Person, variant: str = "") -> Product:
        """Something to this person's taste, purse and children's age; the homepage's pull too."""
        product = self._seen(chance, person, variant)
        for _ in range(_TRIES):
            if product.price <= person.budget and self._suits(product, person):
                break
            product = self._seen(chance, person, variant)
        return product

    def _seen(self, chance: Random, person: Person, variant: str) -> Product:
        number = chance.random()
        if variant == "offers" and self._offers and number < 0.5:
            return chance.choice(self._offers)
        if number < (0.5 if variant == "bestsellers" else 0.25):
            return self._bestsellers.draw(chance)
        if number < 0.85 and (shelf := self.by_category.get(chance.choice(person.taste))):
            return chance.choice(shelf)
        return chance.choice(self._catalogue.products)

    @staticmethod
    def _suits(product: Product, person: Person) -> bool:
        if not person.children:
            return True
        return any(product.age_from <= child.age <= product.age_to for child in person.children)

    def search(self, chance: Random, wanted: Product) -> tuple[str, int]:
        """What somebody types who looks for this product, and how many results the shop shows."""
        if is_drawn(chance, FINDS_NOTHING):
            words = chance.choice(_MISSING)
        else:
            kind = wanted.kind.replace("-", " ")
            words = chance.choice(
                (kind, kind, self.category_title(wanted.category).lower(), wanted.title.lower())
            )
        return words, self._results(words)

    @lru_cache(4096)  # noqa: B019  one catalogue a run, and it lives as long as this does
    def _results(self, words: str) -> int:
        return len(self._catalogue.search(words))


def search_path(words: str) -> str:
    return f"/search?q={quote_plus(words)}"


def money(cents: int) -> float:
    """The amount as Segment's `price` and `revenue` have it."""
    return round(cents / 100, 2)
