"""Toyhouse's catalogue: some three hundred toys and books, read from one CSV file.

    catalogue = load()
    catalogue.by_slug("bruno-the-bear")
    catalogue.search("wooden train")

A catalogue never changes once it is loaded; every method answers the same for the same input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from pathlib import Path

from infra.demo.catalogue_file import read
from infra.demo.catalogue_search import Field, SearchIndex
from infra.demo.product import CATEGORIES, CatalogueError, Category, Product

FILE = Path(__file__).with_name("catalogue.csv")

__all__ = ["CATEGORIES", "FILE", "Catalogue", "CatalogueError", "Category", "Product", "load"]


class Catalogue:
    """All products and categories, and the questions that a shop asks about them."""

    def __init__(self, products: Iterable[Product], categories: Iterable[Category]) -> None:
        self.products = tuple(products)
        self.categories = tuple(categories)
        self._by_slug = {product.slug: product for product in self.products}
        self._by_sku = {product.sku: product for product in self.products}
        titles = {category.slug: category.title for category in self.categories}
        self._index = SearchIndex(_search_fields(each, titles) for each in self.products)

    def by_slug(self, slug: str) -> Product | None:
        return self._by_slug.get(slug)

    def by_sku(self, sku: str) -> Product | None:
        return self._by_sku.get(sku)

    def category(self, slug: str) -> Category | None:
        return next((each for each in self.categories if each.slug == slug), None)

    def in_category(self, slug: str) -> list[Product]:
        """Best known first."""
        return sorted((each for each in self.products if each.category == slug), key=_standing)

    def bestsellers(self, n: int) -> list[Product]:
        """By rank; what has none is not among them."""
        ranked = (each for each in self.products if each.bestseller)
        return sorted(ranked, key=_standing)[:n]

    def offers(self, n: int) -> list[Product]:
        """The largest discounts first."""
        offered = (each for each in self.products if each.on_offer and each.stock)
        return sorted(offered, key=lambda each: (-each.discount, each.sku))[:n]

    def for_age(self, age: int, n: int) -> list[Product]:
        """What suits a child of that age: the closest fit first, one category after another."""

        def fit(product: Product) -> tuple[int, tuple[bool, int, str]]:
            return min(product.age_to, 14) - product.age_from, _standing(product)

        suitable = sorted(
            (each for each in self.products if each.suits(age) and each.stock), key=fit
        )
        return _one_of_each(suitable, lambda product: product.category)[:n]

    def similar(self, product: Product, n: int) -> list[Product]:
        """What one may buy instead, the most alike first; never the product itself."""
        others = (each for each in self.products if each.sku != product.sku and each.stock)
        return sorted(others, key=lambda each: (-_likeness(product, each), _standing(each)))[:n]

    def search(self, text: str) -> list[Product]:
        """Products that every word of `text` matches, best first; none for a text without words.

        A word matches one of title, kind, category, attributes or maker, in full, in its plural,
        or, from three letters, by its beginning (a maker: in full only). Case and accents do not
        matter.
        """
        scores = self._index.scores(text)
        found = [(-score, _standing(self.products[at]), at) for at, score in scores.items()]
        return [self.products[at] for _, _, at in sorted(found)]


# what people call it, where neither the kind nor the title says so
_ALSO = {
    "aeroplane": "plane airplane",
    "balance-bike": "bicycle bike",
    "ball": "football",
    "blocks": "bricks",
    "car": "automobile",
    "cube-puzzle": "brain teaser",
    "digger": "excavator",
    "dinosaur": "dino",
    "flask": "chemistry experiments",
    "jigsaw": "puzzle",
    "racing-car": "racer",
    "rainbow": "arches",
    "sailing-boat": "ship",
    "teddy": "bear",
    "tangram": "puzzle",
    "train": "railway",
    "ukulele": "guitar",
    "whale": "fish",
}
_WOODS = ("beech", "maple", "lime wood", "larch", "birch", "ash", "balsa", "cedar", "walnut")


def load(path: Path = FILE) -> Catalogue:
    """The catalogue of a file. Raises CatalogueError, OSError."""
    return Catalogue(read(path), CATEGORIES)


def _standing(product: Product) -> tuple[bool, int, str]:
    """Sorts the best known first, what is sold out last."""
    return product.stock == 0, product.bestseller or 1_000_000, product.sku


def _likeness(one: Product, other: Product) -> float:
    shared = set(one.attributes.items()) & set(other.attributes.items())
    both = min(one.age_to, other.age_to) - max(one.age_from, other.age_from)
    either = max(one.age_to, other.age_to) - min(one.age_from, other.age_from)
    return (
        3.0 * (one.kind == other.kind)
        + 2.0 * (one.category == other.category)
        + 1.0 * len(shared)
        + 0.5 * (one.maker == other.maker)
        + 2.0 * max(both, 0) / max(either, 1)
        + 1.0 * min(one.price, other.price) / max(one.price, other.price)
    )


def _one_of_each(products: list[Product], group: Callable[[Product], str]) -> list[Product]:
    """The same products, dealt in turn from their groups, so that none fills a page alone."""
    groups: dict[str, list[Product]] = {}
    for product in products:
        groups.setdefault(group(product), []).append(product)
    return [each for turn in zip_longest(*groups.values()) for each in turn if each is not None]


def _search_fields(product: Product, category_titles: dict[str, str]) -> list[Field]:
    """Everything that a search looks into, and how much a match there is worth."""
    attributes = (
        f"{value:g} {name}" if isinstance(value, float) else value
        for name, value in product.attributes.items()
    )
    also = _ALSO.get(product.kind, "")
    if str(product.attributes.get("material", "")).startswith(_WOODS):
        also += " wooden wood"
    return [
        Field(product.title, 4.0),
        Field(product.kind, 3.5),
        Field(also, 2.5),
        Field(category_titles.get(product.category, product.category), 2.0),
        Field(" ".join(attributes), 1.5),
        Field(product.maker, 1.5, whole=True),
    ]
